"""A picture that shows what was found: the mask's edge, and each text's outline with what was read."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from goodseed.inpaint.area import Weights
from goodseed.inpaint.scan import Found
from goodseed.inpaint.words import Picture

_TEXT, _EDGE = (255, 40, 40), (0, 200, 255)
_LATIN = 0x250
_DIMMED = 0.45


def draw_overlay(image: Picture, mask: Weights, found: Found) -> Picture:
    """Return the image uint8 [H, W, 3], dimmed outside the mask, with the mask's edge and the texts marked.

    A text that the built-in font cannot write is named by its number in `found.boxes`, from 1 on.
    """
    height, width = image.shape[:2]
    inside = np.clip(mask, 0, 1)[..., None]
    dimmed = image * (_DIMMED + (1 - _DIMMED) * inside)
    edge = _edge(mask > 0.5, max(1, round(min(width, height) / 300)))
    dimmed[edge] = _EDGE
    canvas = Image.fromarray(dimmed.astype(np.uint8))
    pen = ImageDraw.Draw(canvas)
    line = max(1, round(min(width, height) / 200))
    font = ImageFont.load_default(size=float(max(10, min(width, height) // 28)))
    for number, box in enumerate(found.boxes, 1):
        outline = [(float(x), float(y)) for x, y in box.polygon]
        pen.line([*outline, outline[0]], fill=_TEXT, width=line, joint="curve")
        text = box.text if all(ord(character) < _LATIN for character in box.text) else f"text {number}"
        _label(pen, f"{text} {box.score:.2f}", outline, font, (width, height))
    return np.asarray(canvas)


def _label(
    pen: ImageDraw.ImageDraw,
    text: str,
    outline: list[tuple[float, float]],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    size: tuple[int, int],
) -> None:
    """Write above the outline, or below where there is no room."""
    _, _, right, bottom = pen.textbbox((0, 0), text, font=font)
    x = min(max(0.0, min(x for x, _ in outline)), max(0.0, size[0] - right - 2))
    y = min(y for _, y in outline) - bottom - 3
    if y < 0:
        y = min(max(y for _, y in outline) + 3, max(0.0, size[1] - bottom - 2))
    pen.rectangle((x, y, x + right + 2, y + bottom + 2), fill=_TEXT)
    pen.text((x + 1, y), text, font=font, fill=(255, 255, 255))


def _edge(inside: np.ndarray, thick: int) -> np.ndarray:
    """Return the pixels of a shape that lie next to its outside."""
    shrunk = inside.copy()
    for _ in range(thick):
        padded = np.pad(shrunk, 1, mode="edge")
        shrunk = shrunk & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edge: np.ndarray = inside & ~shrunk
    return edge
