"""The graph that is open in the front end, in API format: its widgets, and values put into them."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from goodseed.errors import GraphError, RecordError
from goodseed.provenance.diff.resolve import CONTROL, is_primitive
from goodseed.provenance.diff.values import text_of
from goodseed.provenance.paths import shown
from goodseed.provenance.recipe import Recipe, is_prompt_link, link_of, recipe_of
from goodseed.provenance.record import Record, parse_json
from goodseed.provenance.stock import MOST_NODES, MOST_SAVERS, record_of_graph, savers_of

LARGEST_GRAPH = 16 << 20
"""Bytes of a graph's text."""


class Place(NamedTuple):
    """A widget: a node of the graph and the input that it sets."""

    node: str
    input: str


class Canvas:
    """A graph in API format that values can be put into; the one that was given stays as it is."""

    def __init__(self, graph: Mapping[str, Any]) -> None:
        """Take a graph.

        Raises:
            GraphError: when it is damaged or too large.
        """
        if len(graph) > MOST_NODES:
            raise GraphError(f"graph: has {len(graph)} nodes, over the limit of {MOST_NODES}")
        for key, node in graph.items():
            inputs = node.get("inputs") if isinstance(node, Mapping) else None
            if not isinstance(inputs, Mapping) or not isinstance(node.get("class_type"), str):
                raise GraphError(f"graph: node '{shown(str(key))}' has no class_type or no inputs; send the API format")
        self._given = graph
        self.nodes: dict[str, Any] = copy.deepcopy(dict(graph))

    def record(self, saver: str) -> Record:
        """Return what the graph says of a picture that a node in it saves."""
        record = record_of_graph(self.nodes, saver)
        assert record is not None  # for a given saver there is one
        return record

    def widget(self, key: str, name: str) -> Place | None:
        """Return what sets an input: its own widget, or the one of the primitive node that it is linked to."""
        for _ in range(2):
            inputs = self.nodes[key]["inputs"] if key in self.nodes else {}
            if name not in inputs:
                return None
            value = inputs[name]
            if not is_prompt_link(value):
                return Place(key, name)
            source = self.nodes.get(value[0], {"class_type": "", "inputs": {}})
            names = [inner for inner in source["inputs"] if inner != CONTROL]
            if value[1] != 0 or len(names) != 1 or not is_primitive(source["class_type"]):
                return None
            key, name = value[0], names[0]
        return None

    def is_linked(self, key: str, name: str) -> bool:
        """Say whether an input comes by a link."""
        return key in self.nodes and is_prompt_link(self.nodes[key]["inputs"].get(name))

    def value(self, place: Place) -> Any:
        """Return the value of a widget as it is now."""
        return self.nodes[place.node]["inputs"][place.input]

    def original(self, place: Place) -> Any:
        """Return the value of a widget as it was given."""
        return self._given[place.node]["inputs"][place.input]

    def put(self, place: Place, value: Any) -> None:
        """Set a widget."""
        self.nodes[place.node]["inputs"][place.input] = value

    def restore(self, place: Place) -> None:
        """Set a widget to the value that was given."""
        self.put(place, copy.deepcopy(self.original(place)))

    def title(self, key: str) -> str:
        """Return what people call a node: its title, or its class."""
        meta = self.nodes[key].get("_meta")
        title = meta.get("title") if isinstance(meta, Mapping) else None
        return title if isinstance(title, str) and title else str(self.nodes[key]["class_type"])


def parse_graph(text: str | bytes) -> dict[str, Any]:
    """Return the graph that a text holds.

    Raises:
        GraphError: when it is no JSON object, or nested too deep.
    """
    try:
        value = parse_json(text, "graph")
    except RecordError as error:
        raise GraphError(str(error).replace("save the image again", "send the graph in API format")) from error
    if not isinstance(value, dict):
        raise GraphError("graph: is no JSON object; send the graph in API format")
    return value


def closest_saver(record: Record, canvas: Canvas) -> str:
    """Return which of a graph's savers makes a picture by a recipe most like a record's.

    Raises:
        GraphError: when nothing in the graph saves or shows a picture.
    """
    savers = savers_of(canvas.nodes)[:MOST_SAVERS]
    if not savers:
        raise GraphError("graph: no node in it saves or shows a picture; open one that does")
    recipe = record.get("recipe")
    if not recipe or recipe["saver"] not in recipe["nodes"]:
        return max(savers, key=lambda key: len(recipe_of(canvas.nodes, key)["nodes"]))
    return max(savers, key=lambda key: _likeness(recipe, recipe_of(canvas.nodes, key)))


def _likeness(a: Recipe, b: Recipe) -> tuple[float, bool, bool]:
    """Return how much two recipes have in common: nodes by class, and by class and values; then who saves."""
    first, second = (
        [Counter(node["class_type"] for node in recipe["nodes"].values()), Counter(map(_own, recipe["nodes"].values()))]
        for recipe in (a, b)
    )
    shares = sum((x & y).total() / max((x | y).total(), 1) for x, y in zip(first, second, strict=True))
    savers = [recipe["nodes"][recipe["saver"]]["class_type"] for recipe in (a, b)]
    return shares, savers[0] == savers[1], a["saver"] == b["saver"]


def _own(node: Mapping[str, Any]) -> str:
    literals = {name: value for name, value in node["inputs"].items() if link_of(value) is None}
    return text_of([node["class_type"], literals])
