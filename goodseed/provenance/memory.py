"""What was seen while graphs ran, found again by the node that it was seen in.

ComfyUI runs a node only when something above it has changed. What was seen in a node is therefore kept under the prompt
and the node that ran, and under the node's signature: the node and all nodes above it, whatever their ids. A prompt in
which the node's output comes from the cache finds it by the signature.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from goodseed.provenance.recipe import signature

Seen = TypeVar("Seen")

_PER_PLACE = 64
"""Of one node, one item of a list, at most this many are kept: the first ones."""


@dataclass
class _Place(Generic[Seen]):
    signature: str
    items: dict[int, list[Seen]] = field(default_factory=dict)


class Memory(Generic[Seen]):
    """Things seen, by prompt and node; the nodes seen longest ago are forgotten beyond `limit`. Safe for threads."""

    def __init__(self, limit: int = 512) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._places: OrderedDict[tuple[str, str], _Place[Seen]] = OrderedDict()
        self._latest: dict[str, tuple[str, str]] = {}

    def add(self, prompt_id: str, key: str, list_index: int | None, prompt: Mapping[str, Any], seen: Seen) -> None:
        """Keep what was seen in node `key` of a prompt in API format, at a place of the list that it ran over."""
        with self._lock:
            place = self._places.get((prompt_id, key))
            if place is None:
                place = self._places[prompt_id, key] = _Place(signature(prompt, key))
                self._latest[place.signature] = (prompt_id, key)
            self._places.move_to_end((prompt_id, key))
            items = place.items.setdefault(list_index or 0, [])
            if len(items) < _PER_PLACE:
                items.append(seen)
            while len(self._places) > self.limit:
                self._forget()

    def find(self, prompt_id: str, key: str, signature: str) -> dict[int, list[Seen]]:
        """Return what was seen in a node, by place in the list that it ran over; in this prompt or an earlier one."""
        with self._lock:
            place = self._places.get((prompt_id, key))
            if place is None and (latest := self._latest.get(signature)) is not None:
                self._places.move_to_end(latest)
                place = self._places[latest]
            return {index: list(items) for index, items in place.items.items()} if place is not None else {}

    def _forget(self) -> None:
        oldest, place = self._places.popitem(last=False)
        if self._latest.get(place.signature) == oldest:
            del self._latest[place.signature]


def owner(node_id: str, prompt: Mapping[str, Any]) -> str:
    """Return the prompt's node that a running node belongs to: itself, or the one that expanded into it.

    Nodes made at run time are called after the one that made them: 12.0.0.3 was made by 12
    (comfy_execution/graph_utils.py, GraphBuilder).
    """
    name = node_id
    while name not in prompt and "." in name:
        name = name.rpartition(".")[0]
    return name if name in prompt else node_id
