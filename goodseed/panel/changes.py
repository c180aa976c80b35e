"""How to bring the values of an open graph to those of a picture: what to set, and what no setting mends.

The differences are those of `goodseed diff`, with the open graph in the place of B. They are set, and the graph is
compared again: what is left is what setting values does not mend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from goodseed.panel.browser import LARGEST_EXACT, for_browsers, is_settable
from goodseed.panel.canvas import Canvas, Place, closest_saver
from goodseed.panel.picture import Picture
from goodseed.provenance.diff.causes import cause_id, fix_of, in_order, statement
from goodseed.provenance.diff.compare import Compared, compare
from goodseed.provenance.diff.difference import Difference
from goodseed.provenance.diff.resolve import Graph, graph_of
from goodseed.provenance.diff.values import mappings, same, shown
from goodseed.provenance.recipe import link_of, literal_of
from goodseed.provenance.record import TUPLE, Record, unknown

Around = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Returns of a recipe what a record says of it beside the graph: models, inputs, environment, as they are here."""

_ROUNDS = 3
"""A value that is set may show what stood behind it."""


def changes(a: Picture, graph: Mapping[str, Any], around: Around | None = None) -> dict[str, Any]:
    """Return what to set in a graph in API format so that it makes picture A, and what else differs.

    Raises:
        GraphError: when the graph is damaged, too large, or saves no picture.
    """
    record = a.reading.record
    if record is None:
        return {"changes": [], "others": [{"where": a.name, "why": "It says nothing of how it was made."}]}
    canvas = Canvas(graph)
    saver = closest_saver(record, canvas)
    made = _Changes(record, canvas, saver, around)
    made.work_out()
    return {"changes": for_browsers(list(made.listed())), "others": list(made.others())}


class _Changes:
    def __init__(self, record: Record, canvas: Canvas, saver: str, around: Around | None) -> None:
        self.typed, self.canvas, self.saver, self.around = _as_typed(record), canvas, saver, around
        self.recipe = record.get("recipe") or {"nodes": {}}
        self.observed: Graph | None = graph_of(record)
        self.set: dict[Place, tuple[Any, Difference]] = {}
        self.blocked: set[Place] = set()
        self.compared: Compared = self._compare()

    def work_out(self) -> None:
        """Set what differs, until nothing more can be set."""
        for _ in range(_ROUNDS):
            if not self._set_what_differs():
                return
            self.compared = self._compare()

    def listed(self) -> Iterator[dict[str, Any]]:
        """Yield what is to be set, the likeliest cause first."""
        for place, (value, difference) in self.set.items():
            yield {
                "node": place.node,
                "input": place.input,
                "title": self.canvas.title(place.node),
                "from": self.canvas.original(place),
                "to": value,
                "cause": difference.cause,
                "id": cause_id(difference),
                "why": f"{statement(difference)}.",
            }

    def others(self) -> Iterator[dict[str, Any]]:
        """Yield what is left, the likeliest cause first, then files that are not here."""
        for _, difference in in_order(self.compared.found.differences, self.compared.stages):
            if not self._is_settled(difference):
                why = f"{statement(difference)}.{self._hindrance(difference)}"
                yield {
                    "where": difference.where, "why": why, "fix": fix_of(difference), "cause": difference.cause,
                    "id": cause_id(difference),
                }  # fmt: skip
        yield from self._missing_files()

    def _compare(self) -> Compared:
        self.here = self.canvas.record(self.saver)
        if self.around is not None:
            self.here |= self.around(self.here["recipe"])
        return compare(self.typed, self.here)

    def _set_what_differs(self) -> bool:
        """Set every value that differs and can be set; say whether there was one."""
        something = False
        for _, difference in in_order(self.compared.found.differences, self.compared.stages):
            found = self._target(difference)
            if found is None:
                continue
            place, value = found
            if place in self.blocked or same(self.canvas.value(place), value):
                continue
            if place in self.set:  # two inputs that hang on one widget want two values
                self.canvas.restore(place)
                self.blocked.add(place)
                del self.set[place]
            else:
                self.canvas.put(place, value)
                self.set[place] = value, difference
            something = True
        return something

    def _target(self, difference: Difference) -> tuple[Place, Any] | None:
        """Return which widget holds what differs, and A's value for it; None where it cannot be set."""
        if difference.place is None:
            return None
        x, y, name = difference.place
        place, value = self.canvas.widget(y, name), self._value(x, name)
        return (place, value) if place is not None and is_settable(value) else None

    def _value(self, x: str, name: str) -> Any:
        """Return A's value of an input: as it was typed, or else as it was observed."""
        graphs = [self.compared.recipes.a if self.compared.recipes is not None else None, self.observed]
        for graph in graphs:
            if graph is not None and x in graph.nodes and name in graph.nodes[x].literals:
                return graph.nodes[x].literals[name]
        raw = self.recipe["nodes"].get(x, {"inputs": {}})["inputs"].get(name)
        return literal_of(raw) if link_of(raw) is None else None

    def _is_settled(self, difference: Difference) -> bool:
        """Say whether a value that came by a link in A now stands typed in the graph, as it was observed."""
        found = self._target(difference)
        return found is not None and found[0] in self.set and same(self.canvas.value(found[0]), found[1])

    def _hindrance(self, difference: Difference) -> str:
        """Return why an input's value cannot be set, as one more sentence, or nothing."""
        if difference.place is None:
            return ""
        x, y, name = difference.place
        value, place = self._value(x, name), self.canvas.widget(y, name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_EXACT:
            return f" A browser cannot hold {value} exactly; queue the graph through the API."
        if place is None and self.canvas.is_linked(y, name):
            return " It comes by a link in the open graph, so there is no value to set."
        if place in self.blocked:
            return " In the open graph one widget sets two inputs, which have two values in A."
        return ""

    def _missing_files(self) -> Iterator[dict[str, Any]]:
        """Yield the files of A that its graph names and that are not here."""
        if self.around is None or self.compared.recipes is None:
            return
        pairs = self.compared.recipes.matching.pairs
        for part, name_of in (("models", "name"), ("inputs", "file")):
            here = {
                (entry["node"], entry["input"])
                for entry in mappings(self.here.get(part))
                if part == "models" or entry["sha256"]["value"]
            }
            for entry in mappings(self.typed.get(part)):
                place = pairs.get(str(entry.get("node")), ""), str(entry.get("input"))
                if place[0] in self.canvas.nodes and place[1] and place not in here:
                    name = shown(entry.get(name_of), 120)
                    where = f"{self.canvas.title(place[0])}: {place[1]}"
                    yield {
                        "where": where, "why": f"{name} is not on this server.", "fix": f"Put {name} where A had it.",
                        "cause": "model" if part == "models" else "graph", "id": f"{entry['node']}:{place[1]}:missing",
                    }  # fmt: skip


def _as_typed(record: Record) -> Record:
    """Return a record without what was observed, since nothing was observed of the open graph.

    A value that comes by a link in both is then compared by what makes it.
    """
    if not record.get("recipe"):
        return record
    values = dict.fromkeys(TUPLE, unknown())
    return {**record, "runs": [], "prompts": [], "tuple": values, "decoded": None, "pixels": None, "batch": None}
