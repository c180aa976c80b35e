"""One changed parameter, to see that a server computes what it shows: the picture has to change with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from goodseed.provenance.recipe import is_prompt_link
from goodseed.seeds import MAX_SEED

_SEEDS = ("seed", "noise_seed")
_NUMBERS = ("cfg", "steps", "denoise", "guidance")
_TEXTS = ("text", "prompt")
_SEED_SOURCES = (*_SEEDS, "value", "int", "number")
TRIES = 3
"""How many parameters are changed, one at a time, before a picture counts as one that nothing changes."""


@dataclass(frozen=True)
class Perturbation:
    """A literal input of a node, and another value for it."""

    node: str
    name: str
    old: Any
    new: Any

    def as_dict(self) -> dict[str, Any]:
        return {"node": self.node, "input": self.name, "from": self.old, "to": self.new}


def perturbations(graph: Mapping[str, Mapping[str, Any]]) -> Iterator[Perturbation]:
    """Yield changes that ought to change the picture, the surest first: seeds, numbers of sampling, then texts."""
    found: set[tuple[str, str]] = set()
    for names, change in ((_SEEDS, _other_seed), (_NUMBERS, _other_number), (_TEXTS, _other_text)):
        for key, node in graph.items():
            for name in names:
                value = node["inputs"].get(name)
                place = _source_of_seed(graph, value) if names is _SEEDS and is_prompt_link(value) else (key, name)
                if place is None or place in found:
                    continue
                old = graph[place[0]]["inputs"].get(place[1])
                new = change(old, place[1])
                if new is not None:
                    found.add(place)
                    yield Perturbation(*place, old, new)


def _source_of_seed(graph: Mapping[str, Mapping[str, Any]], link: Any) -> tuple[str, str] | None:
    """Return the literal integer that a linked seed comes from, if its node has one that looks like it."""
    seen: set[str] = set()
    while is_prompt_link(link) and link[0] in graph and link[0] not in seen:
        seen.add(link[0])
        inputs = graph[link[0]]["inputs"]
        name = next((name for name in _SEED_SOURCES if name in inputs), None)
        if name is None:
            return None
        if _is_integer(inputs[name]):
            return link[0], name
        link = inputs[name]
    return None


def _other_seed(value: Any, name: str) -> int | None:
    if not _is_integer(value) or not 0 <= value <= MAX_SEED:
        return None
    return value + 1 if value < MAX_SEED else 0


def _other_number(value: Any, name: str) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if name == "denoise":
        return value * 0.5 if value > 0 else None
    return value + 1


def _other_text(value: Any, name: str) -> str | None:
    return f"{value} red" if isinstance(value, str) else None


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
