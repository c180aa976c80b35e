"""Text in a picture with Pillow's own font, which is the same on every machine."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = FreeTypeFont | ImageFont

Measure = Callable[[str], float]
"""From a text to its width."""

MOST_LETTERS = 300
"""Of a label; the rest is cut off before it is laid out."""

_INSTEAD = {"→": "->", "←": "<-", "×": "x", "–": "-", "—": "-", "−": "-", "≥": ">=", "≤": "<=", "≈": "~", "ß": "ss"}
_NO_LETTER = "\uffff"


@cache
def font_of(size: int) -> Font:
    """Return Pillow's own font, `size` pixels high where Pillow can scale it."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def showable(text: str, size: int) -> str:
    """Return `text` in letters that the font has: others as their nearest Latin letters, or as `?`."""
    return "".join(_shown(letter, size) for letter in " ".join(text[:MOST_LETTERS].split()))


@cache
def _shown(letter: str, size: int) -> str:
    if _has(letter, size):
        return letter
    plain = "".join(c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c))
    instead = _INSTEAD.get(letter, plain)
    if instead and all(_has(c, size) for c in instead):
        return instead
    return "" if unicodedata.category(letter) in ("Cc", "Cf", "Mn") else "?"


def _has(letter: str, size: int) -> bool:
    if letter.isascii():
        return letter.isprintable()
    font = font_of(size)
    try:
        return bytes(font.getmask(letter)) != bytes(font.getmask(_NO_LETTER))
    except UnicodeEncodeError:  # the font of a Pillow without FreeType has Latin-1 alone
        return False


def wrap(text: str, width: float, most: int, measure: Measure) -> list[str]:
    """Return `text` in at most `most` lines no wider than `width`; what is left over is cut, with three dots.

    A word that is too wide is broken. Where not even one letter is narrow enough, a line holds one letter.
    """
    lines: list[str] = []
    for word in _pieces(text, width, measure):
        if lines and measure(f"{lines[-1]} {word}") <= width:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while last and measure(last + "...") > width:
        last = last[:-1]
    return [*lines[: most - 1], last.rstrip() + "..." if measure("...") <= width else lines[most - 1]]


def _pieces(text: str, width: float, measure: Measure) -> Iterator[str]:
    """Yield words, those that are too wide in parts."""
    for word in text.split():
        while len(word) > 1 and measure(word) > width:
            end = next((end for end in range(len(word) - 1, 1, -1) if measure(word[:end]) <= width), 1)
            yield word[:end]
            word = word[end:]
        yield word
