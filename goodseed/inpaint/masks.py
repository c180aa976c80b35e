"""Masks as users have them, and the regions of a picture that have to be read for one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from goodseed.errors import ScanError
from goodseed.inpaint.area import Weights

MARGIN = 16
"""Pixels around a hole that are read with it, so that a letter on its edge is whole."""

_GRID = 128
_MOST_HOLES = 48
_FAINT = 1 / 255

Region = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels."""


def fit_mask(mask: ArrayLike, width: int, height: int, invert: bool = False, name: str = "mask") -> Weights:
    """Return a mask [h, w] of any size as weights [height, width]; what is soft stays so.

    Raises:
        ScanError: when it has another number of axes, holds NaN, or is empty.
    """
    values = np.asarray(mask, dtype=np.float32)
    if values.ndim != 2 or not values.size:
        raise ScanError(f"{name}: has the shape {list(values.shape)}; give height × width")
    if not np.isfinite(values).all():
        raise ScanError(f"{name}: holds values that are no numbers (NaN); make the mask again")
    values = np.clip(values, 0, 1)
    if invert:
        values = 1 - values
    if values.shape != (height, width):
        scaled = Image.fromarray(values).resize((width, height), Image.Resampling.BILINEAR)
        values = np.clip(np.asarray(scaled, dtype=np.float32), 0, 1)
    if float(values.max()) <= _FAINT:
        raise ScanError(f"{name}: is empty; paint what was inpainted{' or leave out invert' if invert else ''}")
    return np.where(values > _FAINT, values, 0).astype(np.float32)


def find_regions(mask: Weights) -> list[Region]:
    """Return what has to be read for a mask: its holes with a margin, two as one where that is fewer pixels."""
    from scipy import ndimage

    height, width = mask.shape
    cell = max(1, math.ceil(max(height, width) / _GRID))
    padded = np.pad(mask > 0, ((0, -height % cell), (0, -width % cell)))
    coarse = padded.reshape(padded.shape[0] // cell, cell, padded.shape[1] // cell, cell).any(axis=(1, 3))
    labels, count = ndimage.label(coarse, structure=np.ones((3, 3)))
    if count > _MOST_HOLES:
        labels = coarse.astype(np.int32)
    regions = []
    for rows, columns in ndimage.find_objects(labels):
        y, x = rows.start * cell, columns.start * cell
        inside: NDArray[np.bool_] = mask[y : rows.stop * cell, x : columns.stop * cell] > 0
        ys, xs = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        left, top, right, bottom = x + xs[0], y + ys[0], x + xs[-1] + 1, y + ys[-1] + 1
        regions.append((max(0, int(left) - MARGIN), max(0, int(top) - MARGIN),
                        min(width, int(right) + MARGIN), min(height, int(bottom) + MARGIN)))  # fmt: skip
    return _merged(regions)


def _merged(regions: list[Region]) -> list[Region]:
    regions = list(regions)
    while pair := _cheaper_together(regions):
        a, b = pair
        regions = [region for region in regions if region not in pair] + [_hull(a, b)]
    return sorted(regions, key=lambda region: (region[1], region[0]))


def _cheaper_together(regions: list[Region]) -> tuple[Region, Region] | None:
    for place, a in enumerate(regions):
        for b in regions[place + 1 :]:
            if _pixels(_hull(a, b)) <= _pixels(a) + _pixels(b):
                return a, b
    return None


def _hull(a: Region, b: Region) -> Region:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _pixels(region: Region) -> int:
    return (region[2] - region[0]) * (region[3] - region[1])
