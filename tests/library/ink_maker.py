"""Pictures in which red boxes stand for text, an engine that reads those, and findings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from goodseed.inpaint import Found, Word
from goodseed.inpaint.scan import Box

INK = (255, 0, 0)
HOLE = (40, 40, 120, 120)


def rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)


def finds_ink(text: str = "sale", score: float = 0.95) -> Callable[[Any], list[Word]]:
    """An engine that reads `text` in the box around all red pixels, whatever the view's size."""

    def read(image: Any) -> list[Word]:
        ys, xs = np.nonzero((image[..., 0] > 180) & (image[..., 1] < 105))
        if not len(xs):
            return []
        return [Word(rectangle(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1), text, score)]

    return read


def picture(*inked: tuple[int, int, int, int], size: tuple[int, int] = (200, 160)) -> np.ndarray:
    image = Image.new("RGB", size, (200, 210, 220))
    for left, top, right, bottom in inked:
        image.paste(INK, (left, top, right, bottom))
    return np.asarray(image)


def mask_of(*holes: tuple[int, int, int, int], size: tuple[int, int] = (200, 160)) -> np.ndarray:
    mask = np.zeros(size[::-1], np.float32)
    for left, top, right, bottom in holes:
        mask[top:bottom, left:right] = 1
    return mask


def some(*amounts: float) -> list[Found]:
    return [
        Found(share, (Box(rectangle(0, 0, 9, 9), "sale", 0.9, share),) if share else ()) for share in amounts
    ]  # fmt: skip
