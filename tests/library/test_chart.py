"""The picture of where a seed stands: its places are those of the ranks, its mark lies where its value does."""

from __future__ import annotations

import numpy as np
import pytest

from goodseed.banks import Bank, make_bank
from goodseed.banks.chart import HEIGHT, MOST_ROWS, WIDTH, draw_standing, standing_line, standings
from tests.library.bank_maker import make_inpaint_bank, make_test_bank, sound_info, sound_tensors

MARK = (204, 61, 0)


def test_a_seeds_places_count_the_seeds_that_are_better() -> None:
    bank = make_test_bank()
    for position, seed in enumerate(bank.seeds):
        for found in standings(bank, seed):
            about, values = bank.metrics[found.name], bank.metric(found.name)
            better = values > values[position] if about["direction"] == "higher" else values < values[position]
            assert found.place == 1 + better.sum()
            assert f"{found.name} {found.place}" in standing_line(bank, seed)


def test_a_bank_with_an_inpainting_part_says_how_little_text_a_seed_leaves() -> None:
    bank = make_inpaint_bank()
    cleanest = bank.seeds[int(np.argmin(bank.text_share("removal")))]
    found = {standing.name: standing for standing in standings(bank, cleanest)}
    assert found["text, removal"].place == 1


def test_the_mark_moves_to_the_right_with_the_seeds_quality() -> None:
    bank = make_test_bank()
    (first, *_) = standings(bank, bank.seeds[0])
    order = np.argsort(first.values)
    marks = [_first_mark(draw_standing(bank, bank.seeds[position])) for position in order]
    assert marks == sorted(marks)
    assert marks[0] < 0.1 * WIDTH
    assert marks[-1] > 0.9 * WIDTH


def test_the_picture_is_the_same_each_time_and_says_which_seeds_were_chosen_beside_it() -> None:
    bank = make_test_bank()
    alone, beside = draw_standing(bank, bank.seeds[3]), draw_standing(bank, bank.seeds[3], bank.seeds[:3])
    assert alone.shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(alone, draw_standing(bank, bank.seeds[3], [bank.seeds[3]]))
    assert not np.array_equal(alone, beside)


@pytest.mark.parametrize("metrics", [0, 1, 5, MOST_ROWS, MOST_ROWS + 4])
def test_any_number_of_metrics_is_drawn(metrics: int) -> None:
    bank = _bank_of(metrics)
    picture = draw_standing(bank, bank.seeds[0], bank.seeds[:4])
    assert picture.shape[1] == WIDTH
    assert HEIGHT - MOST_ROWS <= picture.shape[0] < 1200
    rows = min(metrics, MOST_ROWS)
    assert _rows_with_a_mark(picture) == rows


def test_a_metric_that_is_the_same_for_all_seeds_is_drawn_in_the_middle() -> None:
    bank = _bank_of(1, spread=0.0)
    assert abs(_first_mark(draw_standing(bank, bank.seeds[0])) - WIDTH / 2) < 2


def _bank_of(metrics: int, spread: float = 1.0) -> Bank:
    """Return a bank with as many metrics, each a copy of score, its differences between seeds scaled."""
    info, tensors = sound_info(), sound_tensors()
    kept = {name: values for name, values in tensors.items() if not name.startswith(("metric.", "heldout."))}
    kept |= {name: values for name, values in tensors.items() if name.startswith("heldout.feature")}
    for number in range(metrics):
        for name, values in tensors.items():
            if ".score." in name:
                scale = spread if name.endswith("mean") else 1
                kept[name.replace("score", f"m{number}")] = (scale * values).astype(values.dtype)
    info["metrics"] = {f"m{number}": info["metrics"]["score"] for number in range(metrics)}
    info["reliability"] = {**info["reliability"], "icc": {}, "rank_correlation": {}, "golden_gain": {}}
    return make_bank(kept, info, "test")


def _first_mark(picture: np.ndarray) -> float:
    """Return the middle of the uppermost mark, in pixels from the left."""
    rows = np.flatnonzero(_marked(picture).any(axis=1))
    first = rows[: int(np.argmax(np.diff(rows, append=rows[-1] + 2) > 1)) + 1]
    return float(np.flatnonzero(_marked(picture)[first].any(axis=0)).mean())


def _rows_with_a_mark(picture: np.ndarray) -> int:
    lines = _marked(picture).any(axis=1)
    return int((np.diff(lines.astype(int), prepend=0) == 1).sum())


def _marked(picture: np.ndarray) -> np.ndarray:
    marked: np.ndarray = (picture == np.array(MARK)).all(axis=2)
    return marked
