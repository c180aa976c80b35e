"""What the saver says of its records: all is well, or each thing that may give another image."""

from __future__ import annotations

from typing import Any

import pytest

from goodseed.provenance.record import unknown
from goodseed.provenance.saved import saved_note
from tests.library.record_maker import input_file, sample_record

WELL = "All that it depends on is known: goodseed verify makes it again."


def test_a_whole_record_counts_what_it_holds_and_raises_no_doubt() -> None:
    first, second = saved_note([sample_record(inputs=[input_file("6", "image", "a")])]).splitlines()
    assert first == (
        "1 image saved with its record: the sampling observed, 2 model files by hash, 1 input file by hash, 2 texts."
    )
    assert second == WELL


@pytest.mark.parametrize(
    ("changes", "counted", "doubt"),
    [
        ({"runs": []}, "no sampling observed", "put a Determinism Guard before the sampler"),
        ({"models__1__sha256": unknown()}, "1 of 2 model files", "No hash of soft.safetensors"),
        ({"runs__0__nondeterministic": ["cumsum"]}, "the sampling observed", "Not bit-exact on this machine: cumsum"),
        ({"tuple__seed": unknown()}, "2 texts", "Not known: seed."),
        ({"tuple__negative_sha256": unknown()}, "2 texts", "Not known: negative prompt."),
        ({"batch": {"index": 1, "size": 4}}, "2 texts", "run the batch of 4"),
    ],
    ids=lambda value: "".join(value) if isinstance(value, dict) else "",
)
def test_each_doubt_is_named(changes: dict[str, Any], counted: str, doubt: str) -> None:
    first, second = saved_note([sample_record(**changes)] * 2).splitlines()
    assert first.startswith("2 images saved with their records: ")
    assert counted in first
    assert doubt in second
    assert WELL not in second


def test_a_prompt_that_there_is_not_is_no_doubt() -> None:
    record = sample_record(tuple__negative_sha256=unknown())
    record["prompts"] = [text for text in record["prompts"] if text["role"] == "positive"]
    assert WELL in saved_note([record])


def test_a_graph_that_does_not_sample_has_nothing_to_observe() -> None:
    record = sample_record(runs=[], **{f"tuple__{name}": unknown() for name in ("seed", "steps", "model")})
    nodes = {key: node for key, node in record["recipe"]["nodes"].items() if key in ("1", "9")}
    record["recipe"] = {**record["recipe"], "nodes": nodes}
    assert "sampling" not in saved_note([record])
    assert WELL in saved_note([record])
