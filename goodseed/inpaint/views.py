"""How a region of a picture is shown to the engine that reads it: enlarged for small letters, small for the rest."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from goodseed.inpaint.masks import Region
from goodseed.inpaint.words import FloatArray, Picture

ENLARGE = 1.5
"""How much a hole is enlarged to be read, so that letters of 8 px are found."""

MOST_PIXELS = 1 << 23
"""Pixels read of one hole, after enlarging; of a larger hole small text is not found."""

TILE, OVERLAP = 1280, 192
"""A hole larger than a tile, after enlarging, is read in tiles that overlap."""

SMALL, SMALLEST = 320, 160
"""The longer sides at which a hole is read again, for letters that are large, faint or noisy; it is not enlarged."""

FLAT = 12
"""Levels of 255 that a region must span to hold a text."""

Look = Literal["rare", "sharp", "stretched"]
"""How a region is shown: each pixel as bright as its colour is rare; sharpened; or with its contrast stretched.

Bricks, fences, leaves and skies are made of a few colours that return; what is written on them has one of its own.
"""

_ENLARGED_LOOKS: tuple[Look, ...] = ("sharp", "rare")
_SHARPER = ImageFilter.UnsharpMask(radius=2, percent=120, threshold=0)  # as good as enlarging by a quarter more
_GLANCE = 8  # every so many pixels
_FEWEST_PIXELS = 32  # wide and high; the detector sees nothing in less
_COLOURS, _STEPS, _DROPPED_BITS = 16, 64, 2  # levels of red, green and blue: that are counted, and read between those
_RAREST, _LEAST_DECADES = 1e-5, 0.5
_FEWEST_LEVELS = 24.0  # a range that is smaller is noise, which is not to be stretched


@dataclass(frozen=True)
class View:
    """A region of a picture, how much it is enlarged, and how it is shown."""

    region: Region
    scale: float
    look: Look


Turn = tuple[View, ...]
"""Views of one region, of which each has something to say only where those before it showed no text."""


def plan_views(regions: list[Region]) -> list[Turn]:
    """Return the views of all regions: two enlarged, in tiles where they are large, and two as a whole, small.

    Sharpened first: it finds as many texts as rare colours do, and its share is closer to that of both together.
    """
    turns: list[Turn] = []
    for region in regions:
        left, top, right, bottom = region
        width, height = right - left, bottom - top
        scale = min(ENLARGE, math.sqrt(MOST_PIXELS / (width * height)))
        tiles = _tiles(region, scale)
        turns += [tuple(View(tile, scale, look) for look in _ENLARGED_LOOKS) for tile in tiles]
        side = max(width, height)
        turns += [
            (View(region, min(1.0, SMALL / side), "rare"),),
            (View(region, min(0.5, SMALLEST / side), "stretched"),),
        ]
    return turns


def is_flat(image: Picture, region: Region) -> bool:
    """Return whether a region of an image is of one colour, so that nothing is written in it."""
    left, top, right, bottom = region
    part = image[top:bottom, left:right]
    for step in (_GLANCE, 1):  # nearly all regions show their range at a glance
        glance = part[::step, ::step].reshape(-1, 3)
        if int((glance.max(axis=0) - glance.min(axis=0)).max()) >= FLAT:
            return False
    return True


def show(image: Picture, view: View) -> tuple[Picture, FloatArray]:
    """Return what a view shows of an image, at least 32 px wide and high, and how much it is enlarged in x and y."""
    left, top, right, bottom = view.region
    part = Image.fromarray(np.ascontiguousarray(image[top:bottom, left:right]))
    size = (max(1, round(part.width * view.scale)), max(1, round(part.height * view.scale)))
    zoom = np.array([size[0] / part.width, size[1] / part.height])
    shown = part.resize(size, Image.Resampling.BICUBIC) if size != part.size else part
    if view.look == "sharp":
        pixels = np.asarray(shown.filter(_SHARPER))
    elif view.look == "rare":
        pixels = _rarity(np.asarray(shown))
    else:
        pixels = _stretched(np.asarray(shown))
    more = [max(0, _FEWEST_PIXELS - length) for length in pixels.shape[:2]]
    if any(more):
        pixels = np.pad(pixels, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge")
    return pixels, zoom


def _stretched(pixels: Picture) -> Picture:
    """Return pixels with each channel's range, but for 1 % at either end, stretched to 0…255."""
    low, high = np.percentile(pixels, [1, 99], axis=(0, 1))
    levels = (pixels - low) * (255 / np.maximum(high - low, _FEWEST_LEVELS))
    stretched: Picture = np.clip(levels, 0, 255).astype(np.uint8)
    return stretched


def _rarity(pixels: Picture) -> Picture:
    """Return how rare each pixel's colour is in a picture, as gray levels: minus the logarithm of how many are like it.

    Colours are counted in 16³ boxes, whose counts are blurred and read between the boxes in steps of a quarter.
    """
    from scipy import ndimage

    channels = pixels >> _DROPPED_BITS
    colours = channels[..., 0].astype(np.int32)
    for channel in (1, 2):
        colours *= _STEPS
        colours += channels[..., channel]
    counts = np.bincount(colours.ravel(), minlength=_STEPS**3)
    there = np.flatnonzero(counts > 0)
    boxes = np.bincount(_boxes()[there], counts[there], _COLOURS**3).reshape((_COLOURS,) * 3).astype(np.float32)
    likeness = ndimage.gaussian_filter(boxes, 1.0, mode="nearest") / colours.size
    for _ in range(3):
        likeness = np.tensordot(likeness, _between(_COLOURS, _STEPS), (0, 1))
    rarity, levels = np.empty(_STEPS**3, np.float32), np.empty(_STEPS**3, np.uint8)  # only of colours that are there
    rarity[there] = -np.log10(likeness.ravel()[there] + _RAREST)
    low, high = np.percentile(rarity[colours[::3, ::3]], [5, 99.8])  # of one pixel in nine: it is as good, and faster
    levels[there] = np.clip((rarity[there] - low) * (255 / max(high - low, _LEAST_DECADES)), 0, 255).astype(np.uint8)
    return np.broadcast_to(levels.take(colours)[..., None], pixels.shape)


@functools.cache
def _boxes() -> NDArray[np.intp]:
    """Return in which of the 16³ boxes each of the 64³ colours lies."""
    box = np.arange(_STEPS) * _COLOURS // _STEPS
    return ((box[:, None, None] * _COLOURS + box[:, None]) * _COLOURS + box).ravel()


@functools.cache
def _between(boxes: int, steps: int) -> NDArray[np.float32]:
    """Return the matrix [steps, boxes] that reads values of boxes at the middles of finer steps, linearly."""
    places = np.clip((np.arange(steps) + 0.5) * boxes / steps - 0.5, 0, boxes - 1)
    weights: NDArray[np.float32] = np.maximum(1 - np.abs(places[:, None] - np.arange(boxes)), 0).astype(np.float32)
    return weights


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
