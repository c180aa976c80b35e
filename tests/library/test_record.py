"""The record: what is sound, what is refused and why, and how it travels as text."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from goodseed.errors import RecordError
from goodseed.provenance.record import (
    DEEPEST,
    LARGEST_TEXT,
    check_record,
    known,
    parse_record,
    problems,
    record_id,
    record_text,
)
from tests.library.record_maker import sample_record

EDITS: dict[str, tuple[dict[str, Any], str]] = {
    "no record": ({"schema": "other"}, "schema: is not goodseed.record"),
    "a newer version": ({"version": 2}, "version: 2 is newer than 1, the newest known here; update Good Seed"),
    "a version that is none": ({"version": True}, "version: True is no version"),
    "a value changed by hand": ({"tuple__seed__value": 43, "tuple_sha256": "0" * 64}, "edited by hand"),
    "unknown, with a value": ({"runs__0__cfg": {"value": 7, "known": "unknown"}}, "runs[0].cfg: is unknown and yet"),
    "known by magic": ({"runs__0__cfg": {"value": 7, "known": "guessed"}}, "runs[0].cfg: is no known value"),
    "a bare value": ({"environment__torch": "2.11"}, "environment.'torch': is no known value"),
    "a short hash": ({"models__0__sha256": "0000000000"}, "models[0].sha256: is no known value"),
    "no list of runs": ({"runs": None}, "runs: is missing or no list"),
    "a stage that is none": ({"runs__0__stages__sigmas": {"sha256": "x"}}, "runs[0].stages.sigmas: is no fingerprint"),
    "a stage of None": ({"runs__0__stages": None}, "runs[0].stages: is no object"),
    "items that are none": ({"runs__0__item_stages": {"initial_noise": 3}}, "runs[0].item_stages.initial_noise"),
    "a link to nowhere": ({"recipe__nodes__3__inputs__model": {"link": [7]}}, "is no link to a node and its slot"),
    "a node without class": ({"recipe__nodes__3": {"inputs": {}}}, "recipe.nodes.'3'.class_type: is missing"),
    "pixels without a shape": ({"pixels__shape": [1, 2]}, "pixels.shape: is no shape [height, width, channels]"),
    "batch of nothing": ({"batch__size": 0}, "batch.size: 0 is no count"),
    "a prompt without text": ({"prompts__0__text": None}, "prompts[0].text: None is no text"),
}


def test_a_record_comes_back_from_its_text_and_keeps_its_id() -> None:
    record = sample_record(prompts__0__text="café 🌅 \u200b")
    assert parse_record(record_text(record)) == record
    assert parse_record(record_text(record).encode()) == record
    shuffled = json.loads(json.dumps(dict(reversed(record.items()))))
    assert record_id(shuffled) == record_id(record)
    assert record_id(sample_record()) != record_id(record)


@pytest.mark.parametrize("name", EDITS)
def test_a_record_edited_by_hand_is_refused_with_the_place(name: str) -> None:
    changes, message = EDITS[name]
    with pytest.raises(RecordError) as caught:
        check_record(sample_record(**changes))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", sorted(sample_record()))
def test_a_record_without_one_of_its_parts_is_refused(part: str) -> None:
    record = sample_record()
    del record[part]
    assert any(part in problem for problem in problems(record))


def test_records_of_other_tools_have_no_recipe_and_no_runs() -> None:
    check_record(sample_record(recipe=None, runs=[], decoded=None, pixels=None, batch=None))


@pytest.mark.parametrize("wrong", [None, 3, "text", [], {}, {"schema": []}, [[]], float("nan")])
def test_what_is_no_record_at_all_is_refused(wrong: Any) -> None:
    with pytest.raises(RecordError, match="this is no record of Good Seed"):
        check_record(wrong)


def test_any_part_may_hold_anything_without_another_error() -> None:
    """Every place of the record is replaced by every kind of value: the check answers with lines, never a crash."""
    sound = sample_record()
    for path in _paths(sound):
        for wrong in (None, -1, 1.5, "x", [], [None], {}, {"value": []}, True, [[[]]]):
            record = copy.deepcopy(sound)
            part: Any = record
            for step in path[:-1]:
                part = part[step]
            part[path[-1]] = wrong
            for problem in problems(record):
                assert "\n" not in problem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": NaN}', "NaN is no number of JSON"),
        ('{"a": 1e999}', "1e999 is too large for a number"),
        ("{", "is no JSON"),
        ("", "is no JSON"),
        (b"\xff\xfe", "byte 0 is no UTF-8"),
        ('{"a": ' + "[" * 200 + "]" * 200 + "}", f"nested deeper than {DEEPEST} levels"),
        ("[" * 100_000, f"nested deeper than {DEEPEST} levels"),
        ('{"a": "\\ud800"}', "half of a character"),
        (b" " * (LARGEST_TEXT + 1), "over the limit of 64 MB"),
        ('{"a": ' + "9" * 5000 + "}", "is no JSON"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_record_is_refused_in_one_line(text: str | bytes, message: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse_record(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_an_unknown_value_is_null_and_how_is_one_of_four() -> None:
    assert known(3, "unknown") == {"value": None, "known": "unknown"}
    with pytest.raises(ValueError, match="none of observed, graph, given, unknown"):
        known(3, "guessed")


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [path] if path else []
    for key, part in inner:
        found += _paths(part, (*path, key))
    return found
