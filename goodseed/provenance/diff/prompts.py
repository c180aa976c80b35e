"""Two prompts compared by code point: what stands where in each, by its Unicode name, also what nobody can see."""

from __future__ import annotations

import bisect
import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MOST_NAMED = 4
"""How many changed places are described one by one."""
MOST_ALIGNED = 400
"""Up to how many words and blanks are aligned: it takes the square of their number. Of longer texts, the stretches
between words that each of the two has once."""
LONGEST_CUT = 1 << 18
"""Up to how many code points a text is cut into words."""
LONGEST_WORD = 64
"""Up to how many code points of two words are aligned."""

_CONTROLS = {
    0x00: "NULL", 0x09: "CHARACTER TABULATION", 0x0A: "LINE FEED", 0x0B: "LINE TABULATION", 0x0C: "FORM FEED",
    0x0D: "CARRIAGE RETURN", 0x1B: "ESCAPE", 0x7F: "DELETE", 0x85: "NEXT LINE",
}  # fmt: skip
"""Names that Unicode gives as aliases only (NameAliases.txt)."""


@dataclass(frozen=True)
class Edit:
    """One place where two texts differ: the code points there, and the place of the first, counted from 1."""

    a: str
    b: str
    character_a: int
    character_b: int


def code_points(text: str) -> str:
    """Return the code points of a text with their names, as "U+2019 RIGHT SINGLE QUOTATION MARK"."""
    return ", ".join(f"U+{ord(letter):04X} {_name(letter)}" for letter in text)


def edits(a: str, b: str) -> list[Edit]:
    """Return the places where two texts differ, in order; none for equal texts.

    A word that became another is one place; within a word, code points that are no plain letters are places of their
    own, since they are what nobody sees.
    """
    start, end = _common_ends(a, b)
    start, end = _at_words(a, b, start, end)
    middle_a, middle_b = a[start : len(a) - end], b[start : len(b) - end]
    if middle_a == middle_b:
        return []
    found: list[Edit] = []
    for edit in _differing(*_pieces(middle_a, middle_b), Edit("", "", start + 1, start + 1)):
        within = _letters(edit)
        found += within if all(is_unusual(inner) for inner in within) else [edit]
    return [_with_its_letter(edit, a, b) for edit in found]


def describe(a: str, b: str) -> str:
    """Return in a sentence or more how two different texts differ."""
    found = edits(a, b)
    parts = [_normal_form(a, b), *(_sentence(edit) for edit in found[:MOST_NAMED])]
    left = len(found) - MOST_NAMED
    if left > 0:
        parts.append(f"and {left} more place{'s' if left > 1 else ''}")
    parts.append(_unseen(a, b, found))
    return "; ".join(part for part in parts if part)


def is_invisible(letter: str) -> bool:
    """Say whether a code point leaves no mark of its own: controls, joiners, blanks other than the space."""
    return letter != " " and (
        letter.isspace() or unicodedata.category(letter) in ("Cf", "Cc", "Zl", "Zp", "Zs") or _is_filler(letter)
    )


def _is_filler(letter: str) -> bool:
    return letter in "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0" or "\ufe00" <= letter <= "\ufe0f"


def _name(letter: str) -> str:
    category = unicodedata.category(letter)
    fallback = {"Cs": "a lone surrogate", "Co": "a private character", "Cn": "an unassigned character"}
    return unicodedata.name(letter, _CONTROLS.get(ord(letter), fallback.get(category, "a control character")))


def _common_ends(a: str, b: str) -> tuple[int, int]:
    """Return how many code points are equal at the start, and at the end of the rest."""
    start = _common_start(a, b)
    rest = min(len(a), len(b)) - start
    low, high = 0, rest
    while low < high:  # the longest equal end; slices compare fast
        half = (low + high + 1) // 2
        if a[len(a) - half :] == b[len(b) - half :]:
            low = half
        else:
            high = half - 1
    return start, low


def _common_start(a: str, b: str) -> int:
    low, high = 0, min(len(a), len(b))
    while low < high:
        half = (low + high + 1) // 2
        if a[:half] == b[:half]:
            low = half
        else:
            high = half - 1
    return low


def _at_words(a: str, b: str, start: int, end: int) -> tuple[int, int]:
    """Return the common ends shortened so that they cut no word, unless the word is too long to align."""
    first, last = start, end
    while first and not a[first - 1].isspace() and start - first < LONGEST_WORD:
        first -= 1
    while last and not a[len(a) - last].isspace() and end - last < LONGEST_WORD:
        last -= 1
    return first, last


def _pieces(a: str, b: str) -> tuple[Sequence[str], Sequence[str]]:
    """Return two texts cut into words and blanks, or each as a whole where that is too long."""
    if max(len(a), len(b)) > LONGEST_CUT:
        return [a], [b]
    words_a, words_b = (re.findall(r"\s+|\S+", text) for text in (a, b))
    return words_a, words_b


def _differing(a: Sequence[str], b: Sequence[str], at: Edit) -> list[Edit]:
    """Return what differs between two sequences of words and blanks, however long."""
    if max(len(a), len(b)) <= MOST_ALIGNED:
        return _aligned(a, b, at)
    found: list[Edit] = []
    done_a = done_b = 0
    at_a, at_b = at.character_a, at.character_b
    for end_a, end_b in [*_anchors(a, b), (len(a), len(b))]:
        gap_a, gap_b = a[done_a:end_a], b[done_b:end_b]
        if max(len(gap_a), len(gap_b)) > MOST_ALIGNED:
            gap_a, gap_b = ["".join(gap_a)], ["".join(gap_b)]
        found += _aligned(gap_a, gap_b, Edit("", "", at_a, at_b))
        anchor = len(a[end_a]) if end_a < len(a) else 0
        at_a, at_b = at_a + sum(map(len, gap_a)) + anchor, at_b + sum(map(len, gap_b)) + anchor
        done_a, done_b = end_a + 1, end_b + 1
    return found


def _anchors(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places of words that each of two sequences has once, as many as come in the same order.

    The longest run of rising places, as in Cohen's patience diff.
    """
    once_a, once_b = (_once(pieces) for pieces in (a, b))
    tops: list[int] = []
    run: list[tuple[int, int, int]] = []  # place in a, place in b, the entry before it
    ends: list[int] = []
    for word, place_a in once_a.items():
        if word in once_b:
            place_b = once_b[word]
            height = bisect.bisect_left(tops, place_b)
            run.append((place_a, place_b, ends[height - 1] if height else -1))
            tops[height : height + 1], ends[height : height + 1] = [place_b], [len(run) - 1]
    found: list[tuple[int, int]] = []
    entry = ends[-1] if ends else -1
    while entry >= 0:
        found.append(run[entry][:2])
        entry = run[entry][2]
    return found[::-1]


def _once(pieces: Sequence[str]) -> dict[str, int]:
    """Return the places of the words that occur once, in their order."""
    counts = Counter(pieces)
    return {piece: place for place, piece in enumerate(pieces) if counts[piece] == 1 and not piece.isspace()}


def _aligned(a: Sequence[str], b: Sequence[str], at: Edit) -> list[Edit]:
    """Return what differs between two sequences of pieces of text that begin where `at` does."""
    found: list[Edit] = []
    at_a, at_b = at.character_a, at.character_b
    for kind, a1, a2, b1, b2 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        part_a, part_b = "".join(a[a1:a2]), "".join(b[b1:b2])
        if kind != "equal":
            found.append(Edit(part_a, part_b, at_a, at_b))
        at_a, at_b = at_a + len(part_a), at_b + len(part_b)
    return found


def _letters(edit: Edit) -> list[Edit]:
    """Return an edit code point by code point, or as it is where it is long."""
    if max(len(edit.a), len(edit.b)) > LONGEST_WORD:
        return [edit]
    return _aligned(edit.a, edit.b, edit)


def is_unusual(edit: Edit) -> bool:
    """Say whether code points are better named than shown: few, and not all of them plain letters or digits."""
    changed = edit.a + edit.b
    return max(len(edit.a), len(edit.b)) <= 3 and not (changed.isascii() and changed.isalnum())


def _with_its_letter(edit: Edit, a: str, b: str) -> Edit:
    """Return an edit that begins with a combining mark together with the letter that the mark sits on."""
    first = (edit.a or edit.b)[:1]
    before_a, before_b = edit.character_a - 2, edit.character_b - 2
    if not unicodedata.combining(first) or min(before_a, before_b) < 0 or a[before_a] != b[before_b]:
        return edit
    letter = a[before_a]
    return Edit(letter + edit.a, letter + edit.b, edit.character_a - 1, edit.character_b - 1)


def _sentence(edit: Edit) -> str:
    where = f"character {edit.character_a}"
    if edit.character_a != edit.character_b:
        where += f" in A, {edit.character_b} in B"
    spelled = code_points if is_unusual(edit) else _quoted
    if not edit.a or not edit.b:
        return f"{spelled(edit.a or edit.b)} only in {'A' if edit.a else 'B'}, {where}"
    return f"{spelled(edit.b)} where {spelled(edit.a)}, {where}"


def _quoted(text: str) -> str:
    """Return the start of a text in quotation marks, with the invisible code points in it by number."""
    visible = "".join(f"<U+{ord(letter):04X}>" if is_invisible(letter) else letter for letter in text[:40])
    return f"“{visible}”" if len(text) <= 40 else f"“{visible}…” ({len(text)} characters)"


def _normal_form(a: str, b: str) -> str:
    """Return that two texts are one in Unicode's eyes, and which form each is in."""
    if max(len(a), len(b)) > 1 << 20 or unicodedata.normalize("NFC", a) != unicodedata.normalize("NFC", b):
        return ""
    return f"the same text in another Unicode form: {_form(a)} in A, {_form(b)} in B"


def _form(text: str) -> str:
    forms = [form for form in ("NFC", "NFD") if unicodedata.is_normalized(form, text)]
    return forms[0] if forms else "neither NFC nor NFD"


def _unseen(a: str, b: str, found: Sequence[Edit]) -> str:
    """Return a warning where the change cannot be seen on a screen: only blanks or invisible characters differ."""
    changed = [letter for edit in found for letter in edit.a + edit.b]
    if not changed or not all(letter == " " or is_invisible(letter) for letter in changed):
        return ""
    trailing = a.rstrip() == b.rstrip() and a != b
    return "blanks at the end, which cannot be seen" if trailing else "none of this can be seen on a screen"
