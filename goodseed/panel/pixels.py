"""The pixels of two pictures held against each other: how far they are apart, and where, as a heat map."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodseed.errors import ImageError
from goodseed.panel.picture import Picture
from goodseed.provenance.verify.images import Pixels, absolute

_ROWS = 256
"""How many rows are held against each other at a time: it bounds the memory, and a strip stays in the cache."""
_MAGMA = (
    (0x44, 0x0F, 0x76), (0x72, 0x1F, 0x81), (0x9E, 0x2F, 0x7F), (0xCD, 0x40, 0x71), (0xF1, 0x60, 0x5D),
    (0xFD, 0x96, 0x68), (0xFE, 0xCA, 0x8D), (0xFC, 0xFD, 0xBF),
)  # fmt: skip
"""The colours of magma (Smith and van der Walt, 2015) without its darkest: black is no difference, and one level is
seen beside it. The panel's legend shows the same ones (web/panel/pictures/heat.js)."""


def apart(a: Picture, b: Picture) -> dict[str, Any] | None:
    """Return largest and mean difference in levels of 0…255, and the share of pixels that differ; None without pixels.

    Over the channels that both have, which `channels` names.
    """
    first, second = a.reading.image, b.reading.image
    if first is None or second is None:
        return None
    if first.shape[:2] != second.shape[:2]:
        return {"same_size": False, "largest": None, "mean": None, "differing": None, "channels": None}
    channels = min(first.shape[2], second.shape[2])
    largest = total = differing = 0
    if a.reading.pixels != b.reading.pixels:
        for strip in _strips(first, second):
            largest = max(largest, int(strip.max(initial=0)))
            total += int(strip.sum(dtype=np.uint64))
            differing += int(np.count_nonzero(_largest_of_channels(strip)))
    count = first.shape[0] * first.shape[1]
    return {
        "same_size": True,
        "largest": largest,
        "mean": total / (count * channels) if count else 0.0,
        "differing": differing / count if count else 0.0,
        "channels": "RGBA"[:channels],
    }


def heat(a: Picture, b: Picture) -> tuple[bytes, int]:
    """Return a PNG of the largest difference among each pixel's channels, and which difference its lightest colour is.

    The scale ends at the largest difference that there is, so that small ones are seen.

    Raises:
        ImageError: when the pictures differ in size.
    """
    from PIL import Image

    differences = _differences(a, b)
    image = Image.fromarray(differences)
    image.putpalette(_table(int(differences.max(initial=0))).ravel().tolist())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue(), int(differences.max(initial=0))


def heat_image(a: Picture, b: Picture) -> tuple[Pixels, int]:
    """Return the same as pixels uint8 [H, W, 3]."""
    differences = _differences(a, b)
    largest = int(differences.max(initial=0))
    pixels: Pixels = _table(largest)[differences]
    return pixels, largest


def _differences(a: Picture, b: Picture) -> NDArray[np.uint8]:
    first, second = a.reading.image, b.reading.image
    if first is None or second is None or first.shape[:2] != second.shape[:2]:
        sizes = " and ".join(f"{width}×{height}" for width, height in (a.reading.size, b.reading.size))
        raise ImageError(f"{a.name}, {b.name}: are {sizes} px; a heat map needs two pictures of one size")
    return np.concatenate([_largest_of_channels(strip) for strip in _strips(first, second)])


def _strips(a: Pixels, b: Pixels) -> Iterator[NDArray[np.uint8]]:
    channels = min(a.shape[2], b.shape[2])
    for start in range(0, len(a), _ROWS):
        first, second = (image[start : start + _ROWS] for image in (a, b))
        yield absolute(first[..., :channels], second[..., :channels])


def _largest_of_channels(differences: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the largest of each pixel's channels; numpy is slow to reduce an axis that short."""
    return functools.reduce(np.maximum, (differences[..., channel] for channel in range(differences.shape[2])))


def _table(largest: int) -> NDArray[np.uint8]:
    """Return the colours of the differences 0…255, uint8 [256, 3]: 0 is black, `largest` gets the lightest."""
    shares = np.clip((np.arange(256) - 1) / (largest - 1), 0, 1) if largest > 1 else np.ones(256)
    places = shares * (len(_MAGMA) - 1)
    colours = np.array(_MAGMA, dtype=np.float64)
    columns = [np.interp(places, np.arange(len(_MAGMA)), colours[:, channel]) for channel in range(3)]
    table: NDArray[np.uint8] = np.rint(np.stack(columns, axis=1)).astype(np.uint8)
    table[0] = 0
    return table
