"""Signs: the writing in the scenes of the demo model's inpainting variant, in letters that its VAE can keep apart."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

CELL = (16, 32)
"""Width and height in pixels of one letter's cell: 2 × 4 cells of the latent."""

_GRID = 8  # pixels of a latent's cell: a word then has the same latent wherever its sign hangs
_LETTER = 29.0
_INKS = (((16, 16, 16), (250, 250, 250)), ((250, 250, 250), (16, 16, 16)))


def draw_sign(
    canvas: Image.Image, word: str, middle: tuple[float, float], scale: int, rng: np.random.Generator
) -> None:
    """Draw `word` in capitals on a plate about `middle` (pixels of the scene) onto a canvas `scale` times as large."""
    side = canvas.width // scale
    width, height = CELL[0] * len(word), CELL[1]
    left, top = (
        int(np.clip(round((centre - length / 2) / _GRID) * _GRID, 0, side - length))
        for centre, length in zip(middle, (width, height), strict=True)
    )
    ink, plate = _INKS[rng.integers(len(_INKS))]
    font = ImageFont.load_default(size=_LETTER * scale)
    pen = ImageDraw.Draw(canvas)
    pen.rectangle([left * scale, top * scale, (left + width) * scale - 1, (top + height) * scale - 1], fill=plate)
    for place, letter in enumerate(word.upper()):
        _draw_letter(canvas, letter, ((left + CELL[0] * place) * scale, top * scale), scale, font, ink)


def _draw_letter(
    canvas: Image.Image,
    letter: str,
    corner: tuple[int, int],
    scale: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    ink: tuple[int, int, int],
) -> None:
    """Draw a bold letter into its cell, narrowed where it is wider than that."""
    pen = ImageDraw.Draw(canvas)
    x1, y1, x2, y2 = pen.textbbox((0, 0), letter, font=font, stroke_width=scale // 2, anchor="ls")
    glyph = Image.new("L", (int(x2 - x1), int(y2 - y1)), 0)
    ImageDraw.Draw(glyph).text((-x1, -y1), letter, font=font, fill=255, stroke_width=scale // 2, anchor="ls")
    room = (CELL[0] - 2) * scale
    if glyph.width > room:
        glyph = glyph.resize((room, glyph.height), Image.Resampling.BOX)
    x = corner[0] + (CELL[0] * scale - glyph.width) // 2
    y = corner[1] + int(26.5 * scale) + int(y1)
    canvas.paste(ink, (x, y), glyph)
