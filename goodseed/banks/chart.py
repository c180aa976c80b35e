"""A small picture of where a seed stands: each metric's values over all seeds, with the seed marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from goodseed.banks.choice import ranks_of
from goodseed.banks.format import Bank
from goodseed.grid.text import font_of, showable, wrap

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Values = npt.NDArray[np.float64]

WIDTH, HEIGHT = 640, 424
"""In pixels; of that shape, the picture fills what ComfyUI gives to one on a node. More than three rows make it longer.
"""
MOST_ROWS = 8
"""Of metrics; a bank may hold more, and the picture says how many are left out."""

_ROW, _HEAD, _MARGIN = 122, 26, 16
_SIZE, _BINS, _TAIL = 19, 40, 0.02
_PAPER, _INK, _FAINT = (250, 250, 252), (30, 30, 36), (96, 98, 108)
_BAR, _MARK, _OTHERS = (190, 198, 214), (204, 61, 0), (24, 100, 171)


@dataclass(frozen=True)
class Standing:
    """One measured quantity over all seeds [S], turned so that more is better, and the seed's places from 1 on."""

    name: str
    values: Values
    place: int
    held_out_place: int


def standings(bank: Bank, seed: int) -> Iterator[Standing]:
    """Yield where a seed of the bank stands in each metric, then in the share of text that each task leaves."""
    position = bank.seeds.index(seed)
    for name, about in sorted(bank.metrics.items()):
        sign = 1.0 if about["direction"] == "higher" else -1.0
        parts = (sign * bank.metric(name, held_out=held_out).astype(np.float64) for held_out in (False, True))
        yield _standing(name, position, *parts)
    for task in bank.tasks:
        parts = (-bank.text_share(task, held_out=held_out).astype(np.float64) for held_out in (False, True))
        yield _standing(f"text, {task}", position, *parts)


def standing_line(bank: Bank, seed: int) -> str:
    """Return a seed's places among all, on one line."""
    places = ", ".join(f"{found.name} {found.place:,}" for found in standings(bank, seed))
    return f"Of {len(bank.seeds):,} seeds its place is: {places}." if places else "The bank holds no metric."


def draw_standing(bank: Bank, seed: int, chosen: Sequence[int] = ()) -> npt.NDArray[np.uint8]:
    """Return a picture uint8 [H,W,3] of where `seed` stands in each metric; `chosen` are the seeds beside it.

    Better is to the right in every row; the worst 2 % of the seeds are drawn at the left end. The paper is light in
    every theme.
    """
    from PIL import Image, ImageDraw

    found = list(standings(bank, seed))
    rows, left_out = found[:MOST_ROWS], len(found) - MOST_ROWS
    frame = 2 * _MARGIN + _HEAD + (_HEAD if left_out > 0 else 0)
    high = max(_ROW, (HEIGHT - frame) // max(1, len(rows)))
    canvas = Image.new("RGB", (WIDTH, frame + max(1, len(rows)) * high), _PAPER)
    draw = ImageDraw.Draw(canvas)
    _write(draw, f"Seed {seed} among {len(bank.seeds):,}", _MARGIN, _MARGIN, _INK)
    _write(draw, "better to the right", WIDTH - _MARGIN, _MARGIN, _FAINT, right=True)
    position = bank.seeds.index(seed)
    others = [bank.seeds.index(other) for other in chosen if other != seed]
    for number, row in enumerate(rows):
        top = _MARGIN + _HEAD + number * high
        _write_row(draw, top + 8, row)
        _draw_row(draw, top + 36, top + high - 18, row.values, position, others)
    if left_out > 0:
        _write(draw, f"and {left_out} more", _MARGIN, canvas.height - _MARGIN - _HEAD + 4, _FAINT)
    return np.asarray(canvas)


def _standing(name: str, position: int, selection: Values, held_out: Values) -> Standing:
    places = (int(ranks_of(values)[position]) + 1 for values in (selection, held_out))
    return Standing(name, selection, *places)


def _write_row(draw: ImageDraw, y: float, row: Standing) -> None:
    label = wrap(showable(row.name, _SIZE), WIDTH / 2, 1, font_of(_SIZE).getlength)
    _write(draw, label[0] if label else "", _MARGIN, y, _INK)
    said = f"place {row.place:,} of {len(row.values):,}, held-out {row.held_out_place:,}"
    _write(draw, said, WIDTH - _MARGIN, y, _INK, right=True)


def _draw_row(draw: ImageDraw, top: float, floor: float, values: Values, position: int, others: Sequence[int]) -> None:
    """Draw the distribution of values [S] between two heights, and where the seed and the others beside it are."""
    low, high = float(np.quantile(values, _TAIL)), float(values.max())
    left, width = _MARGIN + 8, WIDTH - 2 * _MARGIN - 16

    def across(value: float) -> float:
        return left + width * ((max(value, low) - low) / (high - low) if high > low else 0.5)

    counts, _ = np.histogram(np.maximum(values, low), _BINS, (low, high) if high > low else (low - 1, low + 1))
    step = width / _BINS
    for place in np.flatnonzero(counts):
        height = max(2.0, (floor - top) * float(counts[place] / counts.max()))
        x = left + float(place) * step
        draw.rectangle((x, floor - height, x + step - 2, floor), fill=_BAR)
    draw.line((_MARGIN, floor + 1, WIDTH - _MARGIN, floor + 1), fill=_FAINT, width=1)
    for other in others:
        x = across(float(values[other]))
        draw.line((x, floor + 3, x, floor + 11), fill=_OTHERS, width=3)
    x = across(float(values[position]))
    draw.line((x, top - 2, x, floor + 1), fill=_MARK, width=4)
    draw.polygon([(x, floor + 1), (x - 8, floor + 14), (x + 8, floor + 14)], fill=_MARK)


def _write(draw: ImageDraw, text: str, x: float, y: float, ink: tuple[int, int, int], right: bool = False) -> None:
    font = font_of(_SIZE)
    draw.text((x - font.getlength(text) if right else x, y), text, ink, font=font)
