"""Widgets of a saved workflow that change a seed after each run: they act in the browser and are in no prompt."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

DRAWING = ("randomize", "increment", "decrement")
_DEEPEST = 20


def drawing_controls(workflow: Mapping[str, Any] | None) -> dict[str, str]:
    """Return, by node key as in the prompt, the setting of each control that is not fixed; a Primitive's by its users.

    The control's value stands in `widgets_values` right behind its seed's. A node in a subgraph has the key
    "instance:node", for each place where the subgraph is used.
    """
    if not isinstance(workflow, Mapping):
        return {}
    definitions = workflow.get("definitions")
    listed = definitions.get("subgraphs") if isinstance(definitions, Mapping) else None
    inner = {
        str(graph.get("id")): graph for graph in (listed if isinstance(listed, list) else []) if _is_mapping(graph)
    }
    return dict(_controls(workflow, inner, "", 0))


def _controls(
    graph: Mapping[str, Any], inner: Mapping[str, Mapping[str, Any]], prefix: str, depth: int
) -> Iterator[tuple[str, str]]:
    nodes = graph.get("nodes")
    for node in nodes if isinstance(nodes, list) and depth < _DEEPEST else []:
        if not _is_mapping(node):
            continue
        if control := _control(node.get("widgets_values")):
            keys = _targets(graph, node) if node.get("type") == "PrimitiveNode" else [node.get("id")]
            yield from ((f"{prefix}{key}", control) for key in keys)
        subgraph = inner.get(str(node.get("type")))
        if subgraph is not None:
            yield from _controls(subgraph, inner, f"{prefix}{node.get('id')}:", depth + 1)


def _targets(graph: Mapping[str, Any], primitive: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the nodes that a Primitive gives its value to; it is itself in no prompt."""
    links = graph.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, list) and len(link) > 3 and link[1] == primitive.get("id"):
            yield link[3]
        elif isinstance(link, Mapping) and link.get("origin_id") == primitive.get("id"):
            yield link.get("target_id")


def _control(values: Any) -> str | None:
    if isinstance(values, Mapping):
        found = values.get("control_after_generate")
        return str(found) if found in DRAWING else None
    if not isinstance(values, list):
        return None
    pairs = itertools.pairwise(values)
    return next((str(second) for first, second in pairs if _is_seed(first) and second in DRAWING), None)


def _is_seed(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)
