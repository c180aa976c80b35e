"""A grid shows every image once, unchanged, in the place that its label asks for, whatever the text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.errors import GridError
from goodseed.grid import arrange, draw, draw_grid, labels_of
from goodseed.grid.draw import Layout
from goodseed.grid.text import font_of, showable, wrap

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SIDES = st.integers(1, 30)


def image(shade: float, width: int = 20, height: int = 10, channels: int = 3) -> np.ndarray:
    return np.full((height, width, channels), shade, dtype=np.float32)


def places_of(grid: np.ndarray, wanted: np.ndarray) -> list[tuple[int, int]]:
    """Return the (y, x) at which `wanted` stands in the grid."""
    windows = np.lib.stride_tricks.sliding_window_view(grid, wanted.shape)[:, :, 0]
    return [(int(y), int(x)) for y, x in np.argwhere((windows == wanted).all(axis=(2, 3, 4)))]


def test_labels_with_a_bar_make_a_table_in_the_order_of_first_sight() -> None:
    made = arrange(["b | 2", "b|1", " a  x |2", "b | 2"])
    assert made.rows == ("b", "b", "a x")
    assert made.columns == ("2", "1")
    assert made.places == ((0, 0), (0, 1), (2, 0), (1, 0))
    assert set(made.captions) == {""}


@pytest.mark.parametrize("labels", [["a | 1", "b"], ["a | 1", "| 2"], ["a | 1", "b |"]])
def test_one_label_without_both_parts_makes_all_of_them_captions(labels: list[str]) -> None:
    assert arrange(labels).captions == tuple(labels)


def test_columns_make_captions_of_labels_with_a_bar() -> None:
    made = arrange(["a | 1", "b | 2", "c | 3"], columns=2)
    assert made.captions == ("a | 1", "b | 2", "c | 3")
    assert made.places == ((0, 0), (0, 1), (1, 0))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("123")), min_size=1, max_size=40), st.integers(0, 9))
def test_every_image_has_a_place_of_its_own_inside_the_grid(parts: list[tuple[str, str]], columns: int) -> None:
    made = arrange([f"{row} | {column}" for row, column in parts], columns)
    assert len(set(made.places)) == len(parts)
    assert {row for row, _ in made.places} == set(range(len(made.rows)))
    assert {column for _, column in made.places} <= set(range(len(made.columns)))
    if columns == 0:
        heads = [(made.rows[row], made.columns[column]) for row, column in made.places]
        assert heads == parts


@given(
    st.tuples(st.integers(1, 50), st.integers(1, 50)),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.integers(1, 9), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)),
)
def test_cells_lie_apart_and_inside(cell: tuple[int, int], counts: tuple[int, int], rest: tuple[int, ...]) -> None:
    layout = Layout(cell, counts, *rest)
    width, height = layout.size()
    taken = np.zeros((height, width), dtype=int)
    for row in range(counts[0]):
        for column in range(counts[1]):
            x, y = layout.corner(row, column)
            assert x >= layout.left
            assert y >= layout.top
            assert x + cell[0] <= width
            assert y + cell[1] + layout.below <= height
            taken[y : y + cell[1] + layout.below, x : x + cell[0]] += 1
    assert taken.max() == 1


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(WORDS, st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 3, 4])), min_size=1, max_size=5
    ),
    st.integers(0, 3),
    st.sampled_from(["light", "dark"]),
    st.sampled_from([0, 24]),
)
def test_any_text_and_any_sizes_make_a_grid(
    parts: list[tuple[str, int, int, int]], columns: int, background: str, side: int
) -> None:
    images = [image(0.5, width, height, channels) for _, width, height, channels in parts]
    grid = draw_grid(images, arrange([label for label, *_ in parts], columns), background, side)
    assert grid.dtype == np.float32
    assert grid.min() >= 0
    assert grid.max() <= 1


@pytest.mark.parametrize("label", ["a row | column {}", "caption {}", ""])
def test_images_of_one_size_keep_their_values_and_their_order(label: str) -> None:
    images = [np.random.default_rng(k).random((9, 30, 3), dtype=np.float32) for k in range(4)]
    grid = draw_grid(images, arrange([label.format(k) for k in range(4)]))
    found = [places_of(grid, wanted) for wanted in images]
    assert all(len(places) == 1 for places in found)
    assert sorted(found) == found


def test_an_image_that_is_smaller_or_larger_fills_its_cell_in_its_own_shape() -> None:
    images = [image(0.2, 40, 20), image(0.7, 10, 20), image(0.9, 5, 2)]
    grid = draw_grid(images, arrange(["", "", ""], 3), "dark")
    inside = {shade: np.argwhere(np.isclose(grid[..., 0], shade, atol=2 / 255)) for shade in (0.2, 0.7, 0.9)}
    sizes = {shade: tuple(np.ptp(where, axis=0) + 1) for shade, where in inside.items()}
    assert sizes == {0.2: (20, 40), 0.7: (20, 10), 0.9: (16, 40)}


def test_gray_images_become_coloured_and_what_is_transparent_shows_the_background() -> None:
    half = np.concatenate([image(1.0), image(0.0, channels=1)], axis=2)
    light = draw_grid([image(0.25, channels=1), half], arrange(["", ""], 2))
    assert len(places_of(light, image(0.25))) == 1
    assert np.isclose(light, 0.25).all(axis=2).sum() == 200
    dark = draw_grid([half], arrange([""]), "dark")
    assert dark.max() < 0.1


@pytest.mark.parametrize("background", ["light", "dark"])
def test_labels_are_written_where_no_image_is(background: str) -> None:
    images = [image(0.5, 90, 60)] * 2
    for labels in (["row | one", "row | two"], ["one", "two"]):
        plain = draw_grid(images, arrange(["", ""], 2), background)
        lettered = draw_grid(images, arrange(labels), background)
        assert lettered.size > plain.size
        ink = np.abs(lettered - plain[0, 0]).max(axis=2) > 0.5
        assert ink.sum() > 40
        assert len(places_of(lettered, images[0])) == 2


def test_a_huge_grid_is_refused_before_it_is_drawn() -> None:
    wide = np.broadcast_to(np.float32(0), (4096, 4096, 3))
    with pytest.raises(GridError, match=r"8 × 5 cells of 4096×4096 are more than 64 million pixels; set") as caught:
        draw_grid([wide] * 40, arrange([f"row {k // 5} | {k % 5}" for k in range(40)]))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("label", ["a long label that takes its own room", "row {row} | {column}"])
def test_the_cell_size_that_a_refusal_names_is_allowed(label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "MOST_PIXELS", 1_000_000)
    images = [image(0.1, 400, 400)] * 40
    arrangement = arrange([label.format(row=k // 8, column=k % 8) for k in range(40)])
    with pytest.raises(GridError, match=r"set cell_size to \d+ or less") as caught:
        draw_grid(images, arrangement)
    side = int(str(caught.value).split("cell_size to ")[1].split()[0])
    height, width, _ = draw_grid(images, arrangement, cell_size=side).shape
    assert 400_000 < height * width <= 1_000_000


def test_no_image_and_images_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(GridError, match="no image to show"):
        arrange([])
    with pytest.raises(GridError, match=r"shape \(10, 20, 2\)"):
        draw_grid([image(0, channels=2)], arrange([""]))


@pytest.mark.parametrize(
    ("texts", "batches", "labels"),
    [
        (["a", "b"], [1, 1], ["a", "b"]),
        (["a", "b"], [2, 1], ["a", "a", "b"]),
        (["a\nb\nc\n"], [2, 1], ["a", "b", "c"]),
        (["a\nb"], [1, 2], ["a", "b", "b"]),
        (["a"], [3], ["a", "a", "a"]),
        ([""], [1, 2], ["", "", ""]),
        (["two\nlines"], [1], ["two\nlines"]),
    ],
)
def test_labels_are_given_to_images(texts: list[str], batches: list[int], labels: list[str]) -> None:
    assert labels_of(texts, batches) == labels


@pytest.mark.parametrize(("texts", "batches"), [(["a", "b"], [3]), (["a", "b", "c"], [1, 1]), (["a\nb"], [1, 1, 1])])
def test_labels_that_are_too_few_or_too_many_are_refused(texts: list[str], batches: list[int]) -> None:
    with pytest.raises(GridError, match="give one for each"):
        labels_of(texts, batches)


@given(st.text("ab c", max_size=60), st.integers(1, 12), st.integers(1, 5))
def test_wrapped_lines_are_narrow_few_and_lose_nothing_but_the_end(text: str, width: int, most: int) -> None:
    lines = wrap(text, width, most, len)
    assert len(lines) <= most
    assert all(len(line) <= width for line in lines)
    bare = [line.removesuffix("...").replace(" ", "") for line in lines]
    assert "".join(text.split()).startswith("".join(bare))
    if wrap(text, width, 100, len) == lines:
        assert "".join(bare) == "".join(text.split())


@settings(deadline=None)
@given(WORDS)
def test_the_font_has_every_letter_of_a_text_made_showable(text: str) -> None:
    shown = showable(text, 14)
    missing = bytes(font_of(14).getmask("\uffff"))
    assert all(letter.isascii() or bytes(font_of(14).getmask(letter)) != missing for letter in shown)


def test_letters_that_the_font_lacks_become_their_nearest() -> None:
    assert showable("Ångström → 3 × 中", 14) == "Angstrom -> 3 x ?"
