"""Which regions of a picture are read for a mask, and how they are shown."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from goodseed.inpaint import Word, scan_image
from goodseed.inpaint.masks import MARGIN, find_regions
from goodseed.inpaint.views import MOST_PIXELS, View, is_flat, plan_views, show
from tests.library.ink_maker import HOLE, finds_ink, mask_of, picture


def test_only_the_masks_surroundings_are_read_and_enlarged() -> None:
    sizes: list[tuple[int, ...]] = []

    def noting(image: Any) -> list[Word]:
        sizes.append(image.shape)
        return []

    image = picture((120, 110, 150, 120), size=(2000, 1500))
    scan_image(image, mask_of((100, 100, 180, 140), size=(2000, 1500)), noting)
    height, width = 40 + 2 * MARGIN, 80 + 2 * MARGIN
    assert sorted(sizes) == [(round(by * height), round(by * width), 3) for by in (0.5, 1, 1.5, 1.5)]


def test_what_is_of_one_colour_is_not_read() -> None:
    def fail(image: Any) -> list[Word]:
        raise AssertionError("there is nothing to read")

    image = picture((150, 10, 190, 30))
    assert scan_image(image, mask_of(HOLE), fail).share == 0
    faint = image.copy()
    faint[60:70, 60:100] += 14
    assert not is_flat(faint, HOLE)
    speck = image.copy()
    speck[77, 63] += 14  # beside the pixels that are looked at first
    assert not is_flat(speck, HOLE)


@pytest.mark.parametrize(
    ("inked", "original", "enlarged"),
    [
        (((60, 60, 90, 70),), None, 1),
        ((), None, 2),
        (((122, 60, 130, 70),), None, 2),
        (((60, 60, 90, 70),), (20, 60, 30, 70), 2),
    ],
    ids=["text in the mask", "no text", "text beside the mask", "with an original"],
)
def test_the_second_enlarged_view_is_read_only_where_it_may_matter(
    inked: tuple[tuple[int, int, int, int], ...], original: tuple[int, int, int, int] | None, enlarged: int
) -> None:
    """It is the dearest; but a text that is not the mask's own, or may be the original's, decides nothing."""
    sizes: list[tuple[int, ...]] = []

    def noting(image: Any) -> list[Word]:
        sizes.append(image.shape)
        return finds_ink()(image)

    image = picture(*inked).copy()
    image[40:44, 36:38] = 0  # no text, but something to look at
    found = scan_image(image, mask_of(HOLE), noting, original=None if original is None else picture(original))
    assert bool(found.share) == (inked != () and inked[0][0] < HOLE[2])
    assert len([shape for shape in sizes if shape == max(sizes)]) == (enlarged if original is None else 2 * enlarged)


def test_a_text_in_one_hole_leaves_the_other_to_both_views() -> None:
    looked: list[Any] = []

    def noting(image: Any) -> list[Word]:
        looked.append(image.shape)
        return finds_ink()(image)

    holes = ((10, 10, 60, 60), (330, 10, 380, 60))
    image = picture((20, 20, 40, 30), size=(400, 160)).copy()
    image[30:34, 340:342] = 0
    scan_image(image, mask_of(*holes, size=(400, 160)), noting)
    assert len(looked) == 3 + 4


def looks_of(region: tuple[int, int, int, int], scale: float) -> dict[str, View]:
    return {view.look: view for view in chain.from_iterable(plan_views([region])) if view.scale == scale}


def test_a_small_view_stretches_what_is_faint_but_makes_no_text_of_noise() -> None:
    stretched = looks_of((0, 0, 100, 80), 0.5)["stretched"]
    faint = np.full((80, 100, 3), 100, np.uint8)
    faint[20:60, 20:60] = 130
    assert np.ptp(show(faint, stretched)[0]) == 255
    noise = (100 + np.random.default_rng(0).normal(0, 2, (80, 100, 3))).astype(np.uint8)
    assert show(noise, stretched)[0].std() < 30


def test_a_view_of_rare_colours_takes_away_a_pattern_and_leaves_what_is_written_on_it() -> None:
    """Ink that is between the pattern's colours, so that no gray levels tell it from them."""
    image = np.full((80, 120, 3), (220, 40, 60), np.uint8)
    image[:, ::8] = image[:, 1::8] = image[::10] = (40, 60, 220)
    ink = np.zeros((80, 120), bool)
    ink[30:50, 50:54] = ink[30:34, 50:70] = True
    image[ink] = (60, 180, 60)
    for scale in (1, 1.5):
        shown = show(image, looks_of((0, 0, 120, 80), scale)["rare"])[0]
        seen = np.asarray(Image.fromarray(shown[..., 0]).resize((120, 80), Image.Resampling.BOX)).astype(float)
        far = np.asarray(Image.fromarray(ink).filter(ImageFilter.MaxFilter(5))) == 0
        assert seen[ink].min() > 160
        assert np.percentile(seen[far], 95) < 130
    assert np.ptp(show(np.full_like(image, 90), looks_of((0, 0, 120, 80), 1)["rare"])[0]) == 0


def test_holes_are_read_apart_or_together_as_is_cheaper() -> None:
    size = (1000, 800)
    assert len(find_regions(mask_of((10, 10, 60, 60), (900, 700, 950, 750), size=size))) == 2
    assert len(find_regions(mask_of((10, 10, 60, 60), (80, 10, 130, 60), size=size))) == 1
    rng = np.random.default_rng(0)
    specks = (rng.random((800, 1000)) > 0.99).astype(np.float32)
    assert len(find_regions(specks)) == 1
    for mask in (specks, mask_of((10, 10, 60, 60), (900, 700, 950, 750), size=size)):
        covered = np.zeros_like(mask)
        for left, top, right, bottom in find_regions(mask):
            covered[top:bottom, left:right] = 1
        assert (covered >= (mask > 0)).all()


@pytest.mark.long
def test_a_very_large_picture_is_read_in_tiles_of_bounded_size() -> None:
    seen = []

    def noting(image: Any) -> list[Word]:
        seen.append(image.shape[0] * image.shape[1])
        return []

    image = np.broadcast_to((np.arange(8192) % 256).astype(np.uint8)[:, None], (8192, 8192, 3))
    assert scan_image(image, None, noting).share == 0
    assert max(seen) <= 1300 * 1300
    assert sum(seen) < 3.6 * MOST_PIXELS
    seen.clear()
    mask = np.zeros((8192, 8192), np.float32)
    mask[4000:4100, 4000:4200] = 1
    scan_image(image, mask, noting)
    assert sum(seen) < 200_000


def test_tiles_cover_a_region_and_overlap() -> None:
    views = list(chain.from_iterable(plan_views([(5, 7, 3005, 2007)])))
    for scale in {view.scale for view in views if view.scale > 1}:
        covered = np.zeros((2007, 3005), np.int32)
        for left, top, right, bottom in (view.region for view in views if view.scale == scale):
            covered[top:bottom, left:right] += 1
        assert (covered[7:, 5:] >= 1).all()
        assert (covered > 1).any()
