"""The record of an image: what must stand in it, and how it becomes text and is read back. Version 1.

A *known value* is {"value": any JSON, "known": "observed" | "graph" | "given" | "unknown"}: seen while sampling, read
from the executed graph, given by a user or another tool, or unknown; an unknown value is null.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from goodseed.canonical import canonical_json
from goodseed.checks import (
    Check,
    a_list,
    a_sha256,
    a_text,
    an_object,
    field_problems,
    is_int,
    is_number,
    shown,
)
from goodseed.errors import RecordError

SCHEMA = "goodseed.record"
VERSION = 1
OBSERVED, GRAPH, GIVEN, UNKNOWN = "observed", "graph", "given", "unknown"
KNOWN = (OBSERVED, GRAPH, GIVEN, UNKNOWN)
TUPLE = (
    "model", "seed", "sampler", "scheduler", "steps", "cfg", "denoise", "width", "height", "prompt_sha256",
    "negative_sha256", "adapters",
)  # fmt: skip
RUN_VALUES = (
    "seed", "steps", "sampler", "sampler_options", "scheduler", "cfg", "guider", "denoise", "width", "height",
)  # fmt: skip
STAGES = ("conditioning", "initial_noise", "sigmas", "output_latent")
LARGEST_TEXT = 64 << 20
DEEPEST = 100

Record = dict[str, Any]
Known = dict[str, Any]

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def known(value: Any, how: str) -> Known:
    """Return a value with how it is known."""
    if how not in KNOWN:
        raise ValueError(f"{how!r} is none of {', '.join(KNOWN)}")
    return {"value": None if how == UNKNOWN else value, "known": how}


def unknown() -> Known:
    """Return a known value of which nothing is known."""
    return {"value": None, "known": UNKNOWN}


def tuple_sha256(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record's tuple: its values alone, however they are known."""
    plain = {name: values[name]["value"] for name in values}
    return hashlib.sha256(canonical_json(plain).encode()).hexdigest()


def record_text(record: Mapping[str, Any]) -> str:
    """Return a record as canonical JSON."""
    return canonical_json(record)


def record_id(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record's text."""
    return hashlib.sha256(record_text(record).encode()).hexdigest()


def parse_record(text: str | bytes) -> Record:
    """Return the record that a text holds, checked.

    Raises:
        RecordError: when the text is over 64 MB, no UTF-8, no JSON, nested deeper than 100 levels, holds NaN, or is no
            sound record of a known version.
    """
    record: Record = parse_json(text, "record")
    check_record(record)
    return record


def parse_json(text: str | bytes, what: str) -> Any:
    """Return the JSON value of a text from a file that nobody has checked; `what` names it in errors.

    Raises:
        RecordError: see `parse_record`.
    """
    if len(text) > LARGEST_TEXT:
        raise RecordError(f"{what}: {len(text) >> 20} MB of text, over the limit of {LARGEST_TEXT >> 20} MB")
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise RecordError(f"{what}: byte {error.start} is no UTF-8; save the image again") from error
    except RecursionError as error:
        raise RecordError(f"{what}: is nested deeper than {DEEPEST} levels") from error
    except ValueError as error:
        raise RecordError(f"{what}: is no JSON ({_one_line(str(error))}); save the image again") from error
    if _deeper_than(value, DEEPEST):
        raise RecordError(f"{what}: is nested deeper than {DEEPEST} levels")
    if _SURROGATE.search(text) or not text.isascii():
        _check_encodable(value, what)
    return value


def check_record(record: Any) -> None:
    """Check a whole record.

    Raises:
        RecordError: naming the first three things that are wrong; of a newer version it says to update.
    """
    wrong = list(_first(problems(record), 4))
    if wrong:
        more = " …" if len(wrong) > 3 else ""
        raise RecordError(f"record: {'; '.join(wrong[:3])}{more}")


def problems(record: Any) -> Iterator[str]:
    """Yield one line for each thing that is missing or wrong in a record."""
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        yield f"schema: is not {SCHEMA}; this is no record of Good Seed"
        return
    version = record.get("version")
    if not is_int(version) or version < 1:
        yield f"version: {shown(version)} is no version; save the image again"
        return
    if version > VERSION:
        yield f"version: {version} is newer than {VERSION}, the newest known here; update Good Seed"
        return
    yield from _tuple_problems(record)
    for part, fields in (("prompts", _PROMPT), ("models", _MODEL)):
        yield from _listed(part, record.get(part), fields)
    if "inputs" in record:  # older records say nothing of the files that go in
        yield from _listed("inputs", record["inputs"], _INPUT)
    yield from _recipe_problems(record.get("recipe", 0))
    yield from _run_problems(record.get("runs"))
    if complaint := _fingerprint_or_none(record.get("decoded", 0)):
        yield f"decoded: {complaint}"
    yield from _environment_problems(record.get("environment"))
    if record.get("pixels", 0) is not None:
        yield from field_problems("pixels", record.get("pixels"), _PIXELS)
    if "batch" not in record or record["batch"] is not None:
        yield from field_problems("batch", record.get("batch"), {"index": _natural, "size": _count})


def _tuple_problems(record: Mapping[str, Any]) -> Iterator[str]:
    values = record.get("tuple")
    yield from (found := list(field_problems("tuple", values, dict.fromkeys(TUPLE, _known))))
    if complaint := a_sha256(record.get("tuple_sha256")):
        yield f"tuple_sha256: {complaint}"
    elif not found and isinstance(values, dict):
        extra = [name for name in values if _known(values[name])]
        if extra:
            yield f"tuple.{extra[0]}: is no known value"
        elif tuple_sha256(values) != record["tuple_sha256"]:
            yield "tuple_sha256: is not that of the tuple; the record was edited by hand"


def _recipe_problems(recipe: Any) -> Iterator[str]:
    if recipe is None:  # of another tool
        return
    yield from (found := list(field_problems("recipe", recipe, {"saver": a_text, "nodes": an_object})))
    if found:
        return
    for key, node in recipe["nodes"].items():
        where = f"recipe.nodes.{shown(key)}"
        yield from (wrong := list(field_problems(where, node, {"class_type": a_text, "inputs": an_object})))
        if not wrong and not isinstance(node.get("title"), (str, type(None))):
            yield f"{where}.title: is no text"
        for name, value in node["inputs"].items() if not wrong else ():
            if isinstance(value, dict) and value.keys() == {"link"} and not _is_link(value["link"]):
                yield f"{where}.inputs.{shown(name)}: is no link to a node and its slot"


def _run_problems(runs: Any) -> Iterator[str]:
    yield from (found := list(_listed("runs", runs, _RUN)))
    for position, run in enumerate(runs if not found else ()):
        stages, items = run["stages"], run.get("item_stages")
        yield from field_problems(f"runs[{position}].stages", stages, dict.fromkeys(STAGES, _fingerprint_or_none))
        if items is not None:
            checks: dict[str, Check] = dict.fromkeys(("initial_noise", "output_latent"), _fingerprints)
            yield from field_problems(f"runs[{position}].item_stages", items, checks)


def _environment_problems(environment: Any) -> Iterator[str]:
    if not isinstance(environment, dict):
        yield "environment: is missing or no object"
        return
    for name, value in environment.items():
        if complaint := _known(value):
            yield f"environment.{shown(name)}: {complaint}"


def _listed(where: str, value: Any, fields: Mapping[str, Check]) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where}: is missing or no list"
        return
    for position, entry in enumerate(value):
        yield from field_problems(f"{where}[{position}]", entry, fields)


def _known(value: Any) -> str:
    if not isinstance(value, dict) or "value" not in value or value.get("known") not in KNOWN:
        return f"is no known value: an object of value and known ({', '.join(KNOWN)})"
    if value["known"] == UNKNOWN and value["value"] is not None:
        return "is unknown and yet has a value"
    return ""


def _known_sha256(value: Any) -> str:
    if complaint := _known(value):
        return complaint
    return a_sha256(value["value"]) if value["known"] != UNKNOWN else ""


def _fingerprint(value: Any) -> str:
    if not isinstance(value, dict):
        return "is missing or no fingerprint"
    sketch, norm, shape = value.get("sketch"), value.get("norm"), value.get("shape")
    fine = (
        not a_sha256(value.get("sha256"))
        and isinstance(value.get("dtype"), str)
        and isinstance(shape, list)
        and all(not _natural(size) for size in shape)
        and isinstance(sketch, list)
        and all(is_number(number) for number in sketch)
        and is_number(norm)
    )
    return "" if fine else "is no fingerprint of sha256, dtype, shape, sketch and norm"


def _fingerprint_or_none(value: Any) -> str:
    return "" if value is None else _fingerprint(value)


def _fingerprints(value: Any) -> str:
    return "" if isinstance(value, list) and not any(map(_fingerprint, value)) else "is no list of fingerprints"


def _is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and not _natural(value[1])


def _numbers(value: Any) -> str:
    return "" if isinstance(value, list) and all(map(is_number, value)) else "is no list of numbers"


def _natural(value: Any) -> str:
    fine = is_int(value) and 0 <= value < 1 << 63
    return "" if fine else f"{shown(value)} is no whole number ≥ 0"


def _count(value: Any) -> str:
    return _natural(value) if value != 0 else "0 is no count"


def _shape(value: Any) -> str:
    fine = isinstance(value, list) and len(value) == 3 and not any(map(_natural, value))
    return "" if fine else "is no shape [height, width, channels]"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large for a number")
    return value


def _deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels + 1):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not layer:
            return False
    return True


def _check_encodable(value: Any, what: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise RecordError(f"{what}: holds half of a character (a lone surrogate); save the image again") from error


def _first(lines: Iterator[str], count: int) -> Iterator[str]:
    for _, line in zip(range(count), lines, strict=False):
        yield line


def _one_line(text: str) -> str:
    return " ".join(text.split())[:120]


_PROMPT: dict[str, Check] = {"role": a_text, "text": a_text, "sha256": a_sha256}
_MODEL: dict[str, Check] = {"role": a_text, "name": a_text, "sha256": _known}
_INPUT: dict[str, Check] = {
    "node": a_text, "input": a_text, "file": a_text, "folder": a_text, "sha256": _known_sha256,
}  # fmt: skip
_PIXELS: dict[str, Check] = {"sha256": a_sha256, "shape": _shape, "dtype": a_text}
_RUN: dict[str, Check] = {
    "node": a_text, **dict.fromkeys(RUN_VALUES, _known), "sigmas": _numbers, "batch_size": _count,
    "adapters": a_list, "patches": a_list, "stages": an_object, "nondeterministic": a_list,
}  # fmt: skip
