"""From a workflow as the front end saves it to the API format, by what a server says of its nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Workflow = Mapping[str, Any]
Graph = dict[str, dict[str, Any]]

WIDGET_TYPES = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}
FRONT_END_ONLY = {"Note", "MarkdownNote"}


def to_api(workflow: Workflow, object_info: Mapping[str, Any]) -> Graph:
    """Return the graph that the front end would queue: widget values by name, links as [node, slot].

    For plain workflows: no subgraphs, reroutes or muted nodes.
    """
    sources = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    graph: Graph = {}
    for node in workflow["nodes"]:
        if node["type"] in FRONT_END_ONLY:
            continue
        assert node["mode"] == 0, f"node {node['id']} is muted or bypassed"
        inputs = dict(_widget_values(node, object_info[node["type"]]))
        inputs |= {slot["name"]: sources[slot["link"]] for slot in node["inputs"] if slot.get("link") is not None}
        title = node.get("title") or object_info[node["type"]]["display_name"] or node["type"]
        graph[str(node["id"])] = {"class_type": node["type"], "inputs": inputs, "_meta": {"title": title}}
    return graph


def widgets(info: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield name and spec of each input that is a widget, in the order of the node's widgets_values."""
    for part in ("required", "optional"):
        for name in info["input_order"].get(part, []):
            spec = info["input"][part][name]
            options = spec[1] if len(spec) > 1 else {}
            if (isinstance(spec[0], list) or spec[0] in WIDGET_TYPES) and not options.get("forceInput"):
                yield name, spec


def _widget_values(node: Mapping[str, Any], info: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    values = iter(node.get("widgets_values", []))
    for name, spec in widgets(info):
        yield name, next(values)
        if len(spec) > 1 and spec[1].get("control_after_generate"):
            next(values)  # what happens to the number after a run; the front end keeps it to itself
    left = list(values)
    assert not left, f"node {node['id']} ({node['type']}) has {len(left)} widget values too many: {left}"
