"""Records that anyone could have edited: a sound one is compared without a crash, quickly, and to valid JSON."""

from __future__ import annotations

import copy
import json
import random
import time
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goodseed.errors import RecordError
from goodseed.provenance.diff import diff
from goodseed.provenance.record import check_record, tuple_sha256
from tests.library.record_maker import input_file, sample_record

ODD: list[Any] = [
    None, True, 0, -1, 2**64, 1e299, 0.5, "", "x", "a b", "\u202e", {}, [], [[]], {"link": ["3", 0]},
    {"link": ["no", 9]}, {"link": ["9", 0]}, {"literal": 1}, {"value": [], "known": "observed"},
    {"value": {"a": 1}, "known": "graph"},
    {"value": "0.3.64", "known": "given"}, ["a", {"name": None}], "model.safetensors", [{"name": "p", "version": 3}],
]  # fmt: skip


def mutate(value: Any, chance: random.Random) -> Any:
    """Return a value with something in it replaced, taken out or put in."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        what = chance.random()
        if what < 0.1:
            return {name: inner for name, inner in value.items() if name != key}
        if what < 0.2:
            return {**value, chance.choice(["x", "3", "9", "link", "seed"]): chance.choice(ODD)}
        return {**value, key: mutate(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        place = chance.randrange(len(value))
        return [*value[:place], mutate(value[place], chance), *value[place + 1 :]]
    return copy.deepcopy(chance.choice(ODD))


@given(st.randoms(use_true_random=False), st.integers(1, 8))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_edited_record_is_refused_or_compared(chance: random.Random, changes: int) -> None:
    record = sample_record(inputs=[input_file("6", "text", "a"), input_file("5", "text", "b")])
    other = record
    for _ in range(changes):
        # Most of a record's text is fingerprints; what is compared most lies elsewhere.
        part = chance.choice(
            ["recipe", "recipe", "runs", "environment", "models", "inputs", "prompts", "tuple", "batch", "pixels"]
        )
        other = {**other, part: mutate(other[part], chance)}
    try:
        other["tuple_sha256"] = tuple_sha256(other["tuple"])
        check_record(other)
    except (RecordError, TypeError, KeyError, AttributeError):
        return
    for a, b in ((record, other), (other, record), (other, copy.deepcopy(other))):
        json.dumps(diff(a, b), allow_nan=False)
    assert diff(other, copy.deepcopy(other))["same"]


def test_large_graphs_and_long_chains_take_less_than_a_second() -> None:
    nodes: dict[str, Any] = {"saver": {"class_type": "SaveImage", "inputs": {"images": {"link": ["0", 0]}}}}
    for number in range(3000):
        inputs: dict[str, Any] = {"model": {"link": [str(number + 1), 0]}, "strength_model": number / 7}
        nodes[str(number)] = {"class_type": "LoraLoaderModelOnly", "inputs": inputs}
    a, b = sample_record(), sample_record()
    a["recipe"] = {"saver": "saver", "nodes": nodes}
    b["recipe"] = json.loads(json.dumps(a["recipe"]))
    b["recipe"]["nodes"]["1500"]["inputs"]["strength_model"] = 0
    began = time.process_time()
    found = diff(a, b)
    assert time.process_time() - began < 1
    assert [cause["where"] for cause in found["causes"]] == ["LoraLoaderModelOnly (1500): strength_model"]


def test_a_cycle_and_a_link_to_nowhere_are_compared() -> None:
    a = sample_record()
    a["recipe"]["nodes"]["1"]["inputs"]["model"] = {"link": ["3", 0]}
    a["recipe"]["nodes"]["2"]["inputs"]["width"] = {"link": ["gone", 0]}
    check_record(a)
    assert diff(a, copy.deepcopy(a))["same"]
    assert not diff(a, sample_record())["same"]
