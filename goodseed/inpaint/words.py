"""What was read in an image, what counts as text, and how much of it is the prompt's own."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Picture = NDArray[np.uint8]
"""An image, uint8 [H, W, 3], RGB."""

SCORE = 0.82
"""How sure a reading has to be, by the measure of `strength`."""

SURE_BY_LENGTH = ((12, 0.45), (8, 0.5), (4, 0.65), (1, 0.9))
"""Of so many letters and more, this is as sure as SCORE: chance makes a letter of a twig, but no long word."""

SHORT = 3
"""A text of so few letters may be chance."""

ALIKE = 0.75
"""A word that agrees with a word of the prompt in this share of its letters is that word."""

_IDEOGRAPHS = "\u3400", "\u9fff"
_STROKES = frozenset("Il1|i!一二三十工土王干丰井田日目回曰中-—_.·'丨/\\")  # windows and houses are read as such
_RINGS = frozenset("O0oCc〇口°•●○")
_ROUND = _RINGS | _STROKES | frozenset("DQUGe689aΦ")  # what else coins and scales are read as
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Word:
    """What an engine read: its outline [n, 2] as x and y in pixels, the text, and how sure it is, 0…1."""

    polygon: FloatArray
    text: str
    score: float


def count_letters(text: str) -> int:
    """Return how many letters and digits a text has; a Chinese character is two, since chance hardly makes one."""
    return sum(character.isalnum() + (_IDEOGRAPHS[0] <= character <= _IDEOGRAPHS[1]) for character in text)


def strength(word: Word) -> float:
    """Return the threshold up to which a reading counts as text: its score, raised for long texts, 0 for no text.

    What consists of strokes alone or of rings alone is no text, unless it is longer than three letters and they differ;
    nor is one letter four times and more: that is a fence. Of what resembles rings chance makes texts of any length.
    """
    characters = [character for character in word.text if character.isalnum()]
    letters = set(characters)
    if not letters or (len(letters) == 1 and len(characters) > SHORT):
        return 0.0
    if len(characters) <= SHORT and (letters <= _STROKES or letters <= _RINGS):
        return 0.0
    length = 1 if letters <= _ROUND else count_letters(word.text)
    wanted = next(share for least, share in SURE_BY_LENGTH if length >= least)
    return min(1.0, word.score * SCORE / wanted)


def mimicry(texts: Sequence[str], prompt: str) -> float:
    """Return the share 0…1 of the letters read that stand in words of the prompt.

    That an inpainting model writes its prompt into the hole is what Xu, Zhang and Shi 2024 (section 4.3) call
    mimicry. Words agree when their letters do to three quarters (difflib's ratio), since models misspell and so do
    readers; a text without spaces agrees with the prompt's words run together.
    """
    wanted = _WORD.findall(prompt.casefold())
    found = [word for text in texts for word in _WORD.findall(text.casefold())]
    total = sum(map(len, found))
    if not total or not wanted:
        return 0.0
    targets = set(wanted) | {"".join(wanted[a:b]) for a in range(len(wanted)) for b in range(a + 2, a + 5)}
    return sum(len(word) for word in found if _is_one_of(word, targets)) / total


def _is_one_of(word: str, targets: set[str]) -> bool:
    if word in targets:
        return True
    if not word.isascii() and any(word in target for target in targets):  # Chinese has no spaces
        return True
    if len(word) < SHORT:
        return False
    return any(
        2 * min(len(word), len(target)) >= ALIKE * (len(word) + len(target))
        and difflib.SequenceMatcher(None, word, target, autojunk=False).ratio() >= ALIKE
        for target in targets
    )
