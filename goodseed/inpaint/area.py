"""How much of a mask polygons cover: exact along each row, eight rows to a pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from goodseed.inpaint.words import FloatArray

Weights = NDArray[np.float32]
"""A mask [H, W]: 0 outside, 1 inside, between the two where it is soft."""

_ROWS = 8


def coverage(polygon: FloatArray, width: int, height: int) -> tuple[int, int, Weights]:
    """Return left, top and [h, w]: the share 0…1 of each pixel that lies in a polygon, by the even-odd rule.

    Pixel (x, y) is the square from x, y to x + 1, y + 1; what lies outside the picture is cut off.
    """
    low = np.clip(np.floor(polygon.min(axis=0)), 0, [width, height]).astype(int)
    high = np.clip(np.ceil(polygon.max(axis=0)), 0, [width, height]).astype(int)
    w, h = max(0, int(high[0] - low[0])), max(0, int(high[1] - low[1]))
    area = np.zeros((h, w), np.float32)
    starts = polygon - low
    ends = np.roll(starts, -1, axis=0)
    edges = np.arange(w)
    for row in range(h * _ROWS):
        y = (row + 0.5) / _ROWS
        crosses = (starts[:, 1] <= y) != (ends[:, 1] <= y)
        (x0, y0), (x1, y1) = starts[crosses].T, ends[crosses].T
        across = np.sort(x0 + (y - y0) / (y1 - y0) * (x1 - x0))
        for left, right in zip(across[::2], across[1::2], strict=True):
            area[row // _ROWS] += np.clip(np.minimum(right, edges + 1) - np.maximum(left, edges), 0, 1) / _ROWS
    return int(low[0]), int(low[1]), area


def shares(polygons: Sequence[FloatArray], mask: Weights) -> tuple[float, list[float], list[float]]:
    """Return the share of the mask that the polygons cover together, that of each, and how much of each lies inside.

    All are 0…1 and count a pixel by the mask's weight. The mask must not be empty.
    """
    total = float(mask.sum(dtype=np.float64))
    height, width = mask.shape
    union: Weights = np.zeros(mask.shape if polygons else (0, 0), np.float32)
    alone, inside = [], []
    for polygon in polygons:
        x, y, area = coverage(polygon, width, height)
        part = (slice(y, y + area.shape[0]), slice(x, x + area.shape[1]))
        np.maximum(union[part], area, out=union[part])
        covered = float((area * mask[part]).sum(dtype=np.float64))
        alone.append(covered / total)
        inside.append(covered / max(float(area.sum(dtype=np.float64)), 1e-9))
    together = float((union * mask).sum(dtype=np.float64)) / total if polygons else 0.0
    return min(1.0, together), alone, [min(1.0, share) for share in inside]


def overlap(a: FloatArray, b: FloatArray, width: int, height: int) -> float:
    """Return the share of the smaller of two polygons that lies in the other, within a picture."""
    if (a.max(axis=0) <= b.min(axis=0)).any() or (b.max(axis=0) <= a.min(axis=0)).any():
        return 0.0
    mask = np.zeros((height, width), np.float32)
    x, y, area = coverage(a, width, height)
    mask[y : y + area.shape[0], x : x + area.shape[1]] = area
    u, v, other = coverage(b, width, height)
    both = float((other * mask[v : v + other.shape[0], u : u + other.shape[1]]).sum())
    return both / max(min(float(area.sum()), float(other.sum())), 1e-9)
