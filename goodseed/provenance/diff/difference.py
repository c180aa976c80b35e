"""One difference between two records: what it is, where, and which stages of the image it can change first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

CAUSES = ("model", "sampler", "number", "adapter", "numerics", "prompt", "post-process", "host", "graph")
"""By how often each is what changed an image; the last two are no cause of the usual seven."""

CHANGED, ADDED, REMOVED, REPLACED, REWIRED, INFERRED = "changed", "added", "removed", "replaced", "rewired", "inferred"
EDITED = "edited"
"""The name of the difference of a file that is not as it was saved."""


@dataclass
class Difference:
    """`name` is the value's name in a record (seed, steps, cfg …) or the input's; `detail` is one more sentence.

    `certain`: that which makes the image did change; false where a difference may or may not change bits (a driver).
    `derived`: it follows from something else that may be listed too (a run's width from a node's scale).
    `small`: it can change the last bits of a number, hardly the picture.
    `by_link`: a value is typed in one graph and comes by a link in the other; where the stages that it enters agree,
    the same came through.
    `by_content`: a file that is loaded has other bytes; where the stages that it enters agree, it held the same.
    `fix`: what to do, where cause and values do not say it.
    `place`: the node in A, its counterpart in B, and the input that they differ in, where it is one input.
    """

    cause: str
    where: str
    a: Any
    b: Any
    name: str
    enters: frozenset[str]
    kind: str = CHANGED
    detail: str = ""
    certain: bool = True
    derived: bool = False
    small: bool = False
    by_link: bool = False
    by_content: bool = False
    fix: str = ""
    place: tuple[str, str, str] | None = None


@dataclass
class Findings:
    """Differences, and what is worth saying though it changes no image."""

    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, cause: str, where: str, a: Any, b: Any, name: str, enters: Iterable[str], **more: Any) -> None:
        """Note a difference; see `Difference` for `more`."""
        self.differences.append(Difference(cause, where, a, b, name, frozenset(enters), **more))

    def has(self, *, cause: str = "", name: str = "") -> bool:
        """Say whether there is a difference of this cause, or in a value of this name."""
        return any(cause in ("", found.cause) and name in ("", found.name) for found in self.differences)
