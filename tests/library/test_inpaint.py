"""The share of a mask under text: polygons of a known engine, masks of all kinds, batches, and mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from goodseed.errors import ScanError
from goodseed.inpaint import Word, make_engine, scan_batches, scan_image, sort_images, spread
from goodseed.inpaint.area import coverage, shares
from goodseed.inpaint.masks import MARGIN, find_regions, fit_mask
from goodseed.inpaint.scan import as_picture
from goodseed.inpaint.views import plan_views
from tests.library.ink_maker import HOLE, INK, finds_ink, mask_of, picture, rectangle, some


@pytest.mark.parametrize(
    ("ink", "holes", "expected"),
    [
        pytest.param((50, 60, 100, 80), [HOLE], 1000 / 6400, id="inside"),
        pytest.param((20, 60, 60, 80), [HOLE], 400 / 6400, id="half inside"),
        pytest.param((130, 60, 170, 80), [HOLE], 0.0, id="outside"),
        pytest.param((60, 60, 140, 80), [(40, 40, 80, 120), (100, 40, 140, 120)], 1200 / 6400, id="in two holes"),
        pytest.param((86, 60, 121, 80), [HOLE], 680 / 6400, id="over the edge by little"),
    ],
)
def test_the_share_is_right_to_5_per_cent(
    ink: tuple[int, int, int, int], holes: list[tuple[int, int, int, int]], expected: float
) -> None:
    found = scan_image(picture(ink), mask_of(*holes), finds_ink())
    assert found.share == pytest.approx(expected, rel=0.05)
    assert bool(found.boxes) == bool(expected)
    for box in found.boxes:  # beyond the margin nothing is read
        assert box.polygon.min(0) == pytest.approx((max(ink[0], HOLE[0] - MARGIN), ink[1]), abs=1)
        assert box.polygon.max(0) == pytest.approx(ink[2:], abs=1)


def test_a_soft_edge_counts_by_its_weight() -> None:
    mask = np.tile(np.clip((np.arange(200, dtype=np.float32) - 39.5) / 80, 0, 1), (160, 1))
    found = scan_image(picture((60, 40, 100, 60)), mask, finds_ink())
    assert found.share == pytest.approx(mask[40:60, 60:100].sum() / mask.sum(), rel=0.05)


def test_two_texts_that_lie_on_each_other_are_counted_once() -> None:
    polygons = [rectangle(10, 10, 30, 20), rectangle(20, 10, 40, 20)]
    together, alone, inside = shares(polygons, mask_of((0, 0, 50, 40)))
    assert together == pytest.approx(300 / 2000)
    assert alone == pytest.approx([200 / 2000] * 2)
    assert inside == pytest.approx([1, 1])


def test_a_polygons_area_is_exact_to_a_sixteenth_of_a_pixel_row() -> None:
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = rectangle(-20, -5, 20, 5) @ turn + [40.3, 30.7]
    assert coverage(turned, 100, 100)[2].sum() == pytest.approx(400, rel=0.005)
    star = np.array([[50 + 30 * np.cos(a), 50 + 30 * np.sin(a)] for a in np.arange(5) * 4 * np.pi / 5])
    assert 0 < coverage(star, 100, 100)[2].max() <= 1
    assert coverage(rectangle(-50, -50, -10, -10), 100, 100)[2].size == 0


def test_inverted_masks_and_masks_of_another_size() -> None:
    ink = picture((45, 50, 110, 100))
    plain = scan_image(ink, mask_of(HOLE), finds_ink()).share
    assert scan_image(ink, 1 - mask_of(HOLE), finds_ink(), invert=True).share == pytest.approx(plain)
    small = np.asarray(Image.fromarray(mask_of(HOLE)).resize((100, 80), Image.Resampling.BOX))
    assert scan_image(ink, small, finds_ink()).share == pytest.approx(plain, rel=0.05)
    assert scan_image(ink, None, finds_ink()).share == pytest.approx(3250 / 32000, rel=0.05)


def test_text_of_the_original_does_not_count() -> None:
    before = picture((50, 60, 100, 80))
    after = before.copy()
    after[100:110, 60:100] = INK
    mask = mask_of(HOLE)
    assert scan_image(before, mask, finds_ink(), original=before).boxes == ()
    noisy = before.astype(np.float32) / 255 + np.float32(0.05)  # made again by the model: other pixels, the same text
    assert scan_image(noisy, mask, finds_ink(), original=before).boxes == ()
    assert scan_image(before, mask, finds_ink(), original=picture()).boxes
    half = np.asarray(Image.fromarray(before).resize((100, 80)))
    assert scan_image(before, mask, finds_ink(), original=half).boxes == ()
    assert scan_image(after, mask, finds_ink(), original=picture((0, 0, 20, 20))).boxes, (
        "text elsewhere is not this one"
    )


def test_a_picture_of_one_pixel_is_read() -> None:
    assert scan_image(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1)), finds_ink()).share == 0
    two = np.array([[INK, (0, 0, 0)]], np.uint8)
    assert scan_image(two, np.ones((1, 1)), finds_ink()).share == pytest.approx(0.5, abs=0.25)


def test_a_batch_reads_a_shared_original_once_and_keeps_the_order() -> None:
    calls = []

    def noting(image: Any) -> list[Word]:
        calls.append(image.shape)
        return finds_ink()(image)

    images = np.stack([picture((50, 60, 50 + 10 * n, 80)) for n in (1, 0, 3)])
    found = scan_batches(
        [images / 255], [mask_of(HOLE)[None]], noting, originals=[picture((125, 60, 130, 80))[None] / 255]
    )
    assert [round(one.share * 6400) for one in found] == [pytest.approx(200, abs=10), 0, pytest.approx(600, abs=30)]
    views = [view for turn in plan_views(find_regions(mask_of(HOLE))) for view in turn]
    assert len(calls) == (2 + 1) * len(views)  # the second image is of one colour; with an original nothing is left out


NAN = np.full((1, 8, 8, 3), np.nan, np.float32)
GRAY = np.full((3, 8, 8, 3), 0.5, np.float32)
MISTAKES: list[tuple[Callable[[], Any], str]] = [
    (lambda: scan_batches([GRAY], [np.zeros((1, 8, 8))], finds_ink()), "mask: is empty; paint"),
    (lambda: fit_mask(np.ones((8, 8)), 8, 8, invert=True), "mask: is empty; paint what was inpainted or leave out"),
    (lambda: scan_batches([GRAY], [np.zeros((0, 8, 8))], finds_ink()), "mask: 0 for 3 images"),
    (lambda: scan_batches([GRAY], [np.ones((2, 8, 8))], finds_ink()), "mask: 2 for 3 images; give one for all, or one"),
    (lambda: scan_batches([GRAY], [np.full((1, 8, 8), np.nan)], finds_ink()), "mask: holds values that are no numbers"),
    (lambda: scan_batches([GRAY, NAN], [np.ones((1, 8, 8))], finds_ink()), "image 3: holds pixels that are no numbers"),
    (lambda: scan_batches([GRAY], [np.ones((1, 8, 8))], finds_ink(), originals=[GRAY[:2]]), "original: 2 for 3 images"),
    (lambda: scan_batches([], [np.ones((1, 8, 8))], finds_ink()), "images: there are none"),
    (lambda: spread(2, [GRAY], "seeds"), "seeds: 2 for 3 images"),
    (lambda: as_picture(np.zeros((8, 8))), "image: has the shape [8, 8]"),
    (lambda: as_picture(np.zeros((0, 8, 3))), "image: has the shape [0, 8, 3]"),
    (lambda: fit_mask(np.ones((2, 8, 8)), 8, 8), "mask: has the shape [2, 8, 8]"),
    (lambda: sort_images(some(0.0), threshold=1.5), "threshold 1.5: is no share"),
    (lambda: sort_images(some(0.0), threshold=float("nan")), "threshold nan: is no share"),
    (lambda: sort_images(some(0.0), "best", count=0), "count 0: keep at least one"),
    (lambda: sort_images(some(0.0), "most"), "mode 'most'"),
    (lambda: make_engine("eyes"), "engine 'eyes': is none"),
]


@pytest.mark.parametrize(("do", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_a_mistake_is_one_clear_line(do: Callable[[], Any], message: str) -> None:
    with pytest.raises(ScanError) as raised:
        do()
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_one_seed_for_each_image_each_batch_or_all() -> None:
    assert spread(3, [GRAY], "seeds") == [0, 1, 2]
    assert spread(1, [GRAY], "seeds") == [0, 0, 0]
    assert spread(2, [GRAY, GRAY[:1]], "seeds") == [0, 0, 0, 1]
