"""How a region of a picture is shown to the engine that reads it: enlarged for small letters, small for the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from goodseed.inpaint.masks import Region
from goodseed.inpaint.words import FloatArray, Picture

ENLARGE = 2.0
"""How much a hole is enlarged to be read: the detector sees letters from 16 px on."""

MOST_PIXELS = 1 << 24
"""Pixels read of one hole, after enlarging; of a larger hole small text is not found."""

TILE, OVERLAP = 1280, 192
"""A hole larger than a tile, after enlarging, is read in tiles that overlap."""

SMALL = 320
"""The longer side at which a hole is read again, for letters that are large, faint or noisy; it is not enlarged."""

FLAT = 12
"""Levels of 255 that a region must span to hold a text."""

_SHARPER = ImageFilter.UnsharpMask(radius=2, percent=120, threshold=0)  # as good as enlarging by a quarter more
_SMOOTHER = ImageFilter.GaussianBlur(1.5)
_SMALLEST = 32  # pixels; the detector sees nothing in less
_FEWEST_LEVELS = 24.0  # a range that is smaller is noise, which is not to be stretched


@dataclass(frozen=True)
class View:
    """A region of a picture, how much it is enlarged, and whether its contrast is stretched and its noise smoothed."""

    region: Region
    scale: float
    stretched: bool = False
    smooth: bool = False


def plan_views(regions: list[Region]) -> list[View]:
    """Return the views of all regions: enlarged, in tiles where they are large, and twice as a whole, small."""
    views = []
    for region in regions:
        left, top, right, bottom = region
        width, height = right - left, bottom - top
        scale = min(ENLARGE, math.sqrt(MOST_PIXELS / (width * height)))
        views += [View(tile, scale) for tile in _tiles(region, scale)]
        small = min(1.0, SMALL / max(width, height))
        views += [View(region, small, stretched=True, smooth=smooth) for smooth in (False, True)]
    return views


def is_flat(image: Picture, region: Region) -> bool:
    """Return whether a region of an image is of one colour, so that nothing is written in it."""
    left, top, right, bottom = region
    part = image[top:bottom, left:right]
    return int((part.max(axis=(0, 1)) - part.min(axis=(0, 1))).max()) < FLAT


def show(image: Picture, view: View) -> tuple[Picture, FloatArray]:
    """Return what a view shows of an image, at least 32 px wide and high, and how much it is enlarged in x and y."""
    left, top, right, bottom = view.region
    part = Image.fromarray(np.ascontiguousarray(image[top:bottom, left:right]))
    size = (max(1, round(part.width * view.scale)), max(1, round(part.height * view.scale)))
    zoom = np.array([size[0] / part.width, size[1] / part.height])
    shown = part.resize(size, Image.Resampling.BICUBIC) if size != part.size else part
    if not view.stretched:
        shown = shown.filter(_SHARPER)
    elif view.smooth:
        shown = shown.filter(_SMOOTHER)
    pixels = _stretched(np.asarray(shown)) if view.stretched else np.asarray(shown)
    more = [max(0, _SMALLEST - length) for length in pixels.shape[:2]]
    if any(more):
        pixels = np.pad(pixels, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge")
    return pixels, zoom


def _stretched(pixels: Picture) -> Picture:
    """Return pixels with each channel's range, but for 1 % at either end, stretched to 0…255."""
    low, high = np.percentile(pixels, [1, 99], axis=(0, 1))
    levels = (pixels - low) * (255 / np.maximum(high - low, _FEWEST_LEVELS))
    stretched: Picture = np.clip(levels, 0, 255).astype(np.uint8)
    return stretched


def _tiles(region: Region, scale: float) -> list[Region]:
    left, top, right, bottom = region
    across, down = (_cuts(low, high, scale) for low, high in ((left, right), (top, bottom)))
    return [(x0, y0, x1, y1) for y0, y1 in down for x0, x1 in across]


def _cuts(low: int, high: int, scale: float) -> list[tuple[int, int]]:
    """Cut a length into the fewest pieces of one tile and less, each overlapping the next."""
    length, tile, shared = high - low, TILE / scale, OVERLAP / scale
    if length <= tile:
        return [(low, high)]
    count = math.ceil((length - shared) / (tile - shared))
    step = (length - tile) / (count - 1)
    return [(low + round(i * step), min(high, low + round(i * step + tile))) for i in range(count)]
