"""Two texts as one row of pieces: what both have, what only one has, and the names of what nobody can see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from goodseed.provenance.diff.prompts import Edit, code_points, edits, is_invisible, is_unusual

SAME, ONLY_A, ONLY_B, CHANGED = "same", "only-a", "only-b", "changed"
KEPT_SAME, KEPT_CHANGED = 200, 20_000
"""Characters of a piece that are kept; longer ones are shortened in the middle."""
_MOST_NAMED = 40


@dataclass(frozen=True)
class Piece:
    """A stretch of two texts; `names` are those of its invisible code points, or of few unusual ones."""

    kind: str
    a: str
    b: str
    names: tuple[str, ...] = field(default=())
    cut: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the piece as JSON."""
        return {**asdict(self), "names": list(self.names)}


def pieces(a: str, b: str) -> list[Piece]:
    """Return the pieces of two texts, in their order; put together, they are the texts."""
    return list(_pieces(a, b))


def shortened(found: list[Piece]) -> list[Piece]:
    """Return pieces as they are shown: of long ones, both ends."""
    return [_shortened(piece) for piece in found]


def _pieces(a: str, b: str) -> Iterator[Piece]:
    at_a = at_b = 0
    for edit in edits(a, b):
        yield from _same(a[at_a : edit.character_a - 1], b[at_b : edit.character_b - 1])
        kind = CHANGED if edit.a and edit.b else ONLY_A if edit.a else ONLY_B
        yield Piece(kind, edit.a, edit.b, _names(edit))
        at_a, at_b = edit.character_a - 1 + len(edit.a), edit.character_b - 1 + len(edit.b)
    yield from _same(a[at_a:], b[at_b:])


def _same(a: str, b: str) -> Iterator[Piece]:
    if a or b:
        yield Piece(SAME, a, b)


def _names(edit: Edit) -> tuple[str, ...]:
    every = is_unusual(edit)
    letters = [letter for letter in dict.fromkeys(edit.a + edit.b) if every or is_invisible(letter)]
    return tuple(code_points(letter) for letter in letters[:_MOST_NAMED])


def _shortened(piece: Piece) -> Piece:
    most = KEPT_SAME if piece.kind == SAME else KEPT_CHANGED
    if max(len(piece.a), len(piece.b)) <= most:
        return piece
    return Piece(piece.kind, middle_out(piece.a, most), middle_out(piece.b, most), piece.names, cut=True)


def middle_out(text: str, most: int) -> str:
    """Return a text with its middle left out where it has more than `most` characters."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half:]}"
