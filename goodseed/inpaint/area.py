"""How much of a mask polygons cover: exact along each row, eight rows to a pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from goodseed.inpaint.words import FloatArray

Weights = NDArray[np.float32]
"""A mask [H, W]: 0 outside, 1 inside, between the two where it is soft."""

_ROWS = 8
_AT_ONCE = 1 << 20


def coverage(polygon: FloatArray, width: int, height: int) -> tuple[int, int, Weights]:
    """Return left, top and [h, w]: the share 0…1 of each pixel that lies in a polygon, by the even-odd rule.

    Pixel (x, y) is the square from x, y to x + 1, y + 1; what lies outside the picture is cut off.
    """
    low = np.clip(np.floor(polygon.min(axis=0)), 0, [width, height]).astype(int)
    high = np.clip(np.ceil(polygon.max(axis=0)), 0, [width, height]).astype(int)
    w, h = max(0, int(high[0] - low[0])), max(0, int(high[1] - low[1]))
    area = np.zeros((h, w), np.float32)
    step = max(1, _AT_ONCE // max(1, w * _ROWS))
    for top in range(0, h, step):
        rows = min(step, h - top)
        heights = top + (np.arange(rows * _ROWS) + 0.5) / _ROWS
        area[top : top + rows] = _lines(polygon - low, heights, w).reshape(rows, _ROWS, w).mean(axis=1)
    return int(low[0]), int(low[1]), area


def _lines(polygon: FloatArray, heights: FloatArray, width: int) -> FloatArray:
    """Return [heights, width]: the share of each pixel's width that lies in the polygon at each height."""
    starts, ends, y = polygon, np.roll(polygon, -1, axis=0), heights[:, None]
    crosses = (starts[:, 1] <= y) != (ends[:, 1] <= y)
    rise = np.where(ends[:, 1] == starts[:, 1], 1, ends[:, 1] - starts[:, 1])  # a level edge crosses no height
    x = starts[:, 0] + (y - starts[:, 1]) / rise * (ends[:, 0] - starts[:, 0])
    across = np.sort(np.where(crosses, x, np.inf), axis=1)[:, : int(crosses.sum(axis=1).max(initial=0))]
    across = np.where(np.isfinite(across), across, 0)  # from 0 to 0: nothing
    edges, inside = np.arange(width), np.zeros((len(heights), width))
    for left, right in zip(across.T[::2, :, None], across.T[1::2, :, None], strict=True):
        inside += np.clip(np.minimum(right, edges + 1) - np.maximum(left, edges), 0, 1)
    return inside


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
