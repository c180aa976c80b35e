"""Pictures and graphs that anyone could have edited: shown, compared, reported and set against without a crash."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goodseed.errors import GraphError, RecordError
from goodseed.panel.browser import for_browsers
from goodseed.panel.changes import changes
from goodseed.panel.comparison import compare
from goodseed.panel.picture import Picture
from goodseed.panel.report import report
from goodseed.panel.side import side, workflow_in
from goodseed.provenance.read import Reading
from goodseed.provenance.record import check_record, tuple_sha256
from tests.library.panel_maker import graph, picture
from tests.library.record_maker import input_file, sample_record
from tests.library.test_diff_fuzz import mutate

PARTS = ("recipe", "recipe", "runs", "environment", "models", "inputs", "prompts", "tuple", "batch", "pixels")


def around(recipe: Any) -> dict[str, Any]:
    """Return a server that has no file and says nothing of its machine."""
    return {"models": [], "inputs": [], "environment": {}}


@given(st.randoms(use_true_random=False), st.integers(1, 8))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_edited_record_is_refused_or_shown(chance: random.Random, count: int) -> None:
    whole = picture()
    record = sample_record(inputs=[input_file("6", "text", "a"), input_file("5", "text", "b")])
    for _ in range(count):
        part = chance.choice(PARTS)
        record = {**record, part: mutate(record[part], chance)}
    try:
        record["tuple_sha256"] = tuple_sha256(record["tuple"])
        check_record(record)
    except (RecordError, TypeError, KeyError, AttributeError):
        return
    reading = whole.reading
    edited = Picture(
        "b.png", Reading(record, None, None, "goodseed", "PNG", reading.pixels, (32, 32), image=reading.image)
    )
    for a, b in ((whole, edited), (edited, whole)):
        json.dumps(compare(a, b), allow_nan=False)
        assert report(a, b, "markdown")["text"]
    assert report(whole, edited, "html")["text"]
    json.dumps([side(edited), workflow_in(edited)], allow_nan=False)
    for looks in (None, around):
        json.dumps(changes(edited, graph(("3", "seed", 1)), looks), allow_nan=False)


@given(st.randoms(use_true_random=False), st.integers(1, 8))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_odd_graph_is_refused_or_set(chance: random.Random, count: int) -> None:
    odd = graph(("3", "seed", 1))
    for _ in range(count):
        odd = mutate(odd, chance)
        if not isinstance(odd, dict):
            return
    try:
        found = changes(picture(), odd, around)
    except GraphError:
        return
    json.dumps(found, allow_nan=False)
    for change in found["changes"]:
        assert for_browsers(odd[change["node"]]["inputs"][change["input"]]) == change["from"]
        assert isinstance(change["to"], (str, bool, int, float))
