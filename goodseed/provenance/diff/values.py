"""Values of records: when two are the same, and how they are shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

MODEL_FILES = (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".gguf", ".onnx")
"""What the names of model files end in."""


def normal(value: Any) -> Any:
    """Return a JSON value with one form for equal numbers: 7.0 is 7, -0.0 is 0. Booleans stay what they are."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {key: normal(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [normal(inner) for inner in value]
    return value


def text_of(value: Any) -> str:
    """Return one text for equal values; also for lone surrogates, which canonical JSON cannot put in bytes."""
    return json.dumps(normal(value), sort_keys=True, separators=(",", ":"))


def same(a: Any, b: Any) -> bool:
    """Say whether two JSON values are equal: 7 and 7.0 are, and the order of keys is none; true and 1 are not."""
    return text_of(a) == text_of(b)


def same_path(a: Any, b: Any) -> bool:
    """Say whether two values name one file below its folder, written with / or with \\."""
    return isinstance(a, str) and isinstance(b, str) and a.replace("\\", "/") == b.replace("\\", "/")


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_model_file(value: Any) -> bool:
    """Say whether a value looks like the name of a model's file."""
    return isinstance(value, str) and value.lower().endswith(MODEL_FILES)


def known_value(part: Any, name: str) -> tuple[Any, bool]:
    """Return a value of a record's part, and whether it is known; see `goodseed.provenance.record.known`."""
    entry = part.get(name) if isinstance(part, Mapping) else None
    if not isinstance(entry, Mapping) or entry.get("known") in (None, "unknown"):
        return None, False
    return entry.get("value"), True


def mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list; nothing where there is no list."""
    for entry in value if isinstance(value, list) else ():
        if isinstance(entry, Mapping):
            yield entry


def shown(value: Any, length: int = 60) -> str:
    """Return a value for a sentence: on one line, shortened, with what cannot be printed as escapes."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        start = value[: length + 1]  # all that can be shown
        text = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in start)
    else:
        text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= length else text[: length - 1] + "…"
