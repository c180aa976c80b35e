"""What is made of the texts that were found: images kept and rejected, a summary, an overlay."""

from __future__ import annotations

import pytest

from goodseed.errors import ScanError
from goodseed.inpaint import Found, sort_images
from goodseed.inpaint.overlay import draw_overlay
from goodseed.inpaint.scan import Box
from goodseed.inpaint.sorting import summary
from tests.library.ink_maker import HOLE, mask_of, picture, rectangle, some


def test_sorting_keeps_what_is_clean_or_the_best_or_all() -> None:
    found = some(0.2, 0.0, 0.1, 0.0)
    assert sort_images(found).kept == (1, 3)
    assert sort_images(found).rejected == (0, 2)
    assert sort_images(found, threshold=0.1).kept == (1, 2, 3)
    assert sort_images(found, "best", count=3).kept == (1, 3, 2)
    assert sort_images(found, "best", count=9).rejected == ()
    assert sort_images(found, "sort").kept == (1, 3, 2, 0)


def test_when_nothing_is_clean_it_stops_with_the_reason_or_gives_the_least_bad() -> None:
    with pytest.raises(ScanError, match=r"no image is clean: the least text is in image 1, on 10 % .*'sale' \(0.90\)"):
        sort_images(some(0.2, 0.1))
    chosen = sort_images(some(0.2, 0.1), when_none="least bad")
    assert (chosen.kept, chosen.rejected) == ((1,), (0,))
    text = summary(some(0.2, 0.1), [7, 2**64 - 1], chosen)
    assert "no image is clean" in text
    assert "- kept: image 1, seed 18446744073709551615: text on 10 % of the mask" in text


def test_the_overlay_marks_the_mask_and_the_text() -> None:
    image, mask = picture(), mask_of(HOLE)
    found = Found(0.1, (Box(rectangle(50, 80, 100, 100), "sale", 0.9, 0.1), Box(rectangle(5, 5, 9, 9), "水", 0.9, 0.0)))
    drawn = draw_overlay(image, mask, found)
    assert drawn.shape == image.shape
    assert tuple(drawn[90, 50]) == (255, 40, 40)
    assert tuple(drawn[60, 40]) == (0, 200, 255)
    assert (drawn[110, 110] == image[110, 110]).all()
    assert (drawn[150, 190] < image[150, 190]).all()
