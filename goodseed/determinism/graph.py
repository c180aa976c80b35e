"""A prompt in API format, as the audit looks at it. Anything may stand in it; what is no node is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from goodseed.determinism import known


class Node:
    """One node; as text it is what a user sees, with the node's key."""

    def __init__(self, key: str, source: Mapping[str, Any]) -> None:
        self.key = key
        self.kind = str(source.get("class_type"))
        inputs = source.get("inputs")
        self.inputs: Mapping[str, Any] = inputs if isinstance(inputs, Mapping) else {}
        about = source.get("_meta")
        self.title = str(about.get("title") or self.kind) if isinstance(about, Mapping) else self.kind

    def __str__(self) -> str:
        return f"{self.title} (node {self.key})"

    def literals(self) -> Iterator[tuple[str, Any]]:
        """Yield the inputs that are no links, and no true or false."""
        for name, value in self.inputs.items():
            if not _is_link(value) and not isinstance(value, bool):
                yield str(name), value

    def literal(self, name: str) -> Any:
        return dict(self.literals()).get(name)

    def links(self) -> Iterator[str]:
        """Yield the keys of the nodes that inputs come from."""
        return (str(value[0]) for value in self.inputs.values() if _is_link(value))

    def taken_from(self, key: str) -> Iterator[tuple[str, int]]:
        """Yield each input that comes from the node `key`, with the number of its output."""
        for name, value in self.inputs.items():
            if _is_link(value) and str(value[0]) == key:
                yield str(name), value[1]

    def has_linked_seed(self) -> bool:
        """Say whether the seed comes from another node, so that this node's own seed widget has no effect."""
        return any("seed" in str(name).lower() and _is_link(value) for name, value in self.inputs.items())

    def decodes(self) -> bool:
        return "decode" in self.kind.lower() and "samples" in self.inputs

    def applies_lora(self) -> bool:
        """Say whether the node names a LoRA and gives it a weight."""
        named = any("lora" in name.lower() and isinstance(value, str) and value for name, value in self.literals())
        strengths = [value for name, value in self.literals() if "strength" in name and isinstance(value, (int, float))]
        return named and (not strengths or any(strengths))

    def silent(self) -> bool:
        """Say whether a sampler's own settings turn its step noise off."""
        return any(self.literal(name) == 0 for name in ("eta", "s_noise"))


class Graph:
    """The nodes of a prompt by key."""

    def __init__(self, prompt: Mapping[str, Any]) -> None:
        self._nodes = {str(key): Node(str(key), node) for key, node in prompt.items() if isinstance(node, Mapping)}

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def node(self, key: str) -> Node | None:
        return self._nodes.get(key)

    def below(self, keys: Iterable[str]) -> set[str]:
        """Return all nodes that depend on one of `keys`, without those themselves."""
        users: dict[str, list[str]] = {}
        for node in self:
            for source in node.links():
                users.setdefault(source, []).append(node.key)
        waiting = [user for key in keys for user in users.get(key, ())]
        found: set[str] = set()
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting += users.get(key, ())
        return found

    def samplers(self) -> Iterator[tuple[Node, str]]:
        """Yield each node that chooses a sampler, with the sampler's name, unless its step noise is off."""
        for node in self:
            name = node.literal("sampler_name") or node.literal("sampler") or known.SAMPLER_NODES.get(node.kind)
            if not isinstance(name, str) or node.silent():
                continue
            on_gpu = node.literal("noise_device") == "gpu" and f"{name}_gpu" in known.GPU_TREE_SAMPLERS
            yield node, f"{name}_gpu" if on_gpu else name

    def batches(self) -> Iterator[tuple[Node, int]]:
        """Yield each node that makes a batch of more than one, with its size."""
        for node in self:
            size = node.literal("batch_size") or (node.literal("amount") if "samples" in node.inputs else None)
            if isinstance(size, int) and size > 1:
                yield node, size

    def batched(self) -> bool:
        return any(True for _ in self.batches())


def _is_link(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and isinstance(value[0], (str, int))
        and isinstance(value[1], int)
    )
