"""Draws pictures in their places, with headings, as one picture; pictures that fit their place keep their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from goodseed.errors import GridError
from goodseed.grid.arrange import Arrangement
from goodseed.grid.text import font_of, showable, wrap

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

FloatImage = npt.NDArray[np.float32]

BACKGROUNDS = ("light", "dark")
MOST_PIXELS = 64_000_000
"""The most pixels that one grid has: 768 MB as float32."""

_PAPER = {"light": (255, 255, 255), "dark": (22, 22, 24)}
_INK = {"light": (32, 32, 36), "dark": (228, 228, 232)}
_MOST_LINES = 4


@dataclass(frozen=True)
class Layout:
    """Sizes of a grid in pixels. `left` and `top` hold the headings, `below` the caption under each picture."""

    cell: tuple[int, int]
    counts: tuple[int, int]
    gap: int
    left: int
    top: int
    below: int

    def size(self) -> tuple[int, int]:
        """Return width and height of the whole."""
        (width, height), (rows, columns) = self.cell, self.counts
        across = self.gap + self.left + columns * (width + self.gap)
        return across, self.gap + self.top + rows * (height + self.below + self.gap)

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Return x and y of a cell's upper left corner."""
        (width, height), gap = self.cell, self.gap
        return gap + self.left + column * (width + gap), gap + self.top + row * (height + self.below + gap)


def draw_grid(
    images: Sequence[FloatImage], arrangement: Arrangement, background: str = "light", cell_size: int = 0
) -> FloatImage:
    """Return one picture float32 [H,W,3] in 0…1 of pictures float32 [h,w,C] in 0…1, with C 1, 3 or 4.

    Every cell is as wide as the widest and as high as the highest picture, or, with `cell_size`, so much smaller or
    larger that its longer side is that many pixels. Pictures of that size are copied bit for bit, others scaled.

    Raises:
        GridError: for pictures of another shape, and for more than 64 million pixels.
    """
    for image in images:
        if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or not image.size:
            raise GridError(f"grid: an image of shape {image.shape}; give images of 1, 3 or 4 channels")
    width, height = max(image.shape[1] for image in images), max(image.shape[0] for image in images)
    if cell_size:
        scale = cell_size / max(width, height)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    layout, texts = _lay_out(arrangement, (width, height))
    if _pixels(layout) > MOST_PIXELS:
        raise GridError(_too_large(layout, arrangement))
    canvas = _lettered(layout, texts, arrangement, background)
    paper = np.asarray(_PAPER[background], dtype=np.float32) / np.float32(255)
    for image, place in zip(images, arrangement.places, strict=True):
        x, y = layout.corner(*place)
        fitted = _fitted(_with_colours(image, paper), width, height)
        x, y = x + (width - fitted.shape[1]) // 2, y + (height - fitted.shape[0]) // 2
        canvas[y : y + fitted.shape[0], x : x + fitted.shape[1]] = fitted
    return canvas


@dataclass(frozen=True)
class _Texts:
    """Lines of each heading and caption."""

    rows: list[list[str]]
    columns: list[list[str]]
    captions: list[list[str]]


def _pixels(layout: Layout) -> int:
    width, height = layout.size()
    return width * height


def _too_large(layout: Layout, arrangement: Arrangement) -> str:
    """Say how large a grid would be, and of which size its cells may be."""
    (rows, columns), (width, height) = layout.counts, layout.cell
    side, scale = max(width, height), 1.0
    while side * scale >= 1 and _pixels(layout) > MOST_PIXELS:
        scale *= 0.9
        layout, _ = _lay_out(arrangement, (max(1, round(width * scale)), max(1, round(height * scale))))
    mend = f"set cell_size to {int(side * scale)} or less" if side * scale >= 16 else "show fewer images"
    return (
        f"grid: {rows} × {columns} cells of {width}×{height} are more than {MOST_PIXELS / 1e6:g} million pixels; {mend}"
    )


def _font_size(cell: tuple[int, int]) -> int:
    return max(11, min(64, round(8 + 0.04 * cell[0])))


def _lay_out(arrangement: Arrangement, cell: tuple[int, int]) -> tuple[Layout, _Texts]:
    size = _font_size(cell)
    measure = font_of(size).getlength
    line = _line(size)
    width, height = cell
    widest = max(width, 9 * size)  # of a row's heading
    within = max(1, height // line)  # lines beside a picture

    def lines(labels: Sequence[str], limit: float, most: int) -> list[list[str]]:
        return [wrap(showable(label, size), limit, most, measure) for label in labels]

    texts = _Texts(
        lines(arrangement.rows, widest, within),
        lines(arrangement.columns, width, _MOST_LINES),
        lines(arrangement.captions, width, _MOST_LINES),
    )
    gap = max(4, size // 2)
    left = max((int(np.ceil(measure(line))) + size for row in texts.rows for line in row), default=0)
    top, below = (
        max(map(len, parts), default=0) * line + (gap // 2 if any(parts) else 0)
        for parts in (texts.columns, texts.captions)
    )
    counts = len(arrangement.rows), len(arrangement.columns)
    return Layout(cell, counts, gap, left, top, below), texts


def _lettered(layout: Layout, texts: _Texts, arrangement: Arrangement, background: str) -> npt.NDArray[np.float32]:
    """Return the empty grid with its text: float32 [H,W,3]."""
    from PIL import Image as images
    from PIL import ImageDraw as drawing

    canvas = images.new("RGB", layout.size(), _PAPER[background])
    draw = drawing.Draw(canvas)
    (width, height), size = layout.cell, _font_size(layout.cell)
    line = _line(size)
    for row, lines in enumerate(texts.rows):
        _, y = layout.corner(row, 0)
        middle = y + max(0, height - len(lines) * line) // 2
        _write(draw, lines, (layout.gap, middle), 0, size, _INK[background])
    for column, lines in enumerate(texts.columns):
        x, y = layout.corner(0, column)
        above = y - layout.gap // 2 - len(lines) * line
        _write(draw, lines, (x, above), width, size, _INK[background])
    for place, lines in zip(arrangement.places, texts.captions, strict=True):
        x, y = layout.corner(*place)
        _write(draw, lines, (x, y + height + layout.gap // 4), width, size, _INK[background])
    return _as_float(canvas)


def _write(
    draw: ImageDraw, lines: Sequence[str], corner: tuple[int, int], width: int, size: int, ink: tuple[int, int, int]
) -> None:
    """Write lines under each other, in the middle of `width` where that is not 0."""
    font = font_of(size)
    for number, line in enumerate(lines):
        x = corner[0] + (max(0.0, width - font.getlength(line)) / 2 if width else 0)
        draw.text((round(x), corner[1] + number * _line(size)), line, ink, font=font)


def _line(size: int) -> int:
    return round(1.3 * size)


def _with_colours(image: FloatImage, paper: FloatImage) -> FloatImage:
    """Return float32 [h,w,3]: gray as colours, and what is transparent on the grid's own background."""
    if image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    if image.shape[2] == 4:
        blended: FloatImage = image[..., :3] * image[..., 3:] + paper * (1 - image[..., 3:])
        return blended
    return image


def _fitted(image: FloatImage, width: int, height: int) -> FloatImage:
    """Return a picture [h,w,3] as large as fits into a cell; untouched where it has that size."""
    from PIL import Image as images

    scale = min(width / image.shape[1], height / image.shape[0])
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    if size == (image.shape[1], image.shape[0]):
        return image
    pixels = images.fromarray(np.rint(np.clip(np.nan_to_num(image), 0, 1) * 255).astype(np.uint8))
    return _as_float(pixels.resize(size, images.Resampling.LANCZOS))


def _as_float(picture: Image) -> FloatImage:
    values: FloatImage = np.array(picture, dtype=np.float32)
    values /= 255
    return values
