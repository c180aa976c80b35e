"""Two pictures compared for the panel: the answer of `goodseed diff`, with what a screen needs beside it."""

from __future__ import annotations

from typing import Any

from goodseed.panel.browser import for_browsers, is_settable
from goodseed.panel.picture import Picture
from goodseed.panel.pieces import KEPT_CHANGED, middle_out, pieces, shortened
from goodseed.panel.pixels import apart
from goodseed.panel.side import side
from goodseed.panel.values import value_rows
from goodseed.provenance.diff.compare import Compared
from goodseed.provenance.diff.readings import compare_readings
from goodseed.provenance.diff.values import same

Cause = dict[str, Any]


def compare(a: Picture, b: Picture) -> dict[str, Any]:
    """Return what differs between two pictures as JSON for the panel."""
    compared = compare_readings(a.reading, b.reading)
    found = compared.as_dict()
    found["causes"] = for_browsers([_for_panel(cause, compared) for cause in found["causes"]])
    found["a"], found["b"] = side(a), side(b)
    found["values"] = value_rows(a, b, compared)
    found["pixels"] = apart(a, b)
    return found


def _for_panel(cause: Cause, compared: Compared) -> Cause:
    a, b = cause["a"], cause["b"]
    texts = cause["cause"] == "prompt" and isinstance(a, str) and isinstance(b, str)
    is_text = texts and not str(cause["name"]).endswith("_sha256")
    return {
        **cause,
        "a": middle_out(a, KEPT_CHANGED) if isinstance(a, str) else a,
        "b": middle_out(b, KEPT_CHANGED) if isinstance(b, str) else b,
        "prompt": [piece.as_dict() for piece in shortened(pieces(a, b))] if is_text else None,
        "can_set": _can_set(cause, compared),
    }


def _can_set(cause: Cause, compared: Compared) -> bool:
    """Say whether A's value of a cause is one that could be typed into a graph."""
    place = cause["place"]
    if not place or compared.recipes is None:
        return False
    graphs = ((compared.recipes.a, place["a"]), (compared.recipes.b, place["b"]))
    a, b = (graph.nodes[key].literals.get(place["input"]) for graph, key in graphs)
    return is_settable(a) and not same(a, b)
