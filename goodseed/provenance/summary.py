"""What an image says of itself, for people: rows of name, value and how it is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from goodseed.provenance.record import TUPLE, Record

if TYPE_CHECKING:
    from goodseed.provenance.read import Reading

Row = tuple[str, str, str]

_SOURCES = {
    "goodseed": "a Good Seed record", "comfyui": "ComfyUI's graph, without a record", "a1111": "A1111 or Forge",
    "fooocus": "Fooocus", "invokeai": "InvokeAI", "novelai": "NovelAI", "swarmui": "SwarmUI", "none": "nothing",
}  # fmt: skip
_LONGEST = 400


def source_name(source: str) -> str:
    """Return whose words an image's parameters are."""
    return _SOURCES.get(source, source)


def rows(record: Record, longest: int = _LONGEST) -> Iterator[Row]:
    """Yield what a record says, the tuple first; of longer texts, the first `longest` characters."""
    for name in TUPLE:
        entry = record["tuple"][name]
        if name == "adapters":
            yield name, _adapters(entry["value"]), str(entry["known"])
        elif not name.endswith("_sha256"):
            yield name, _value(entry["value"]), str(entry["known"])
    for prompt in record["prompts"]:
        yield f"{prompt['role']} prompt", _cut(prompt["text"], longest), str(prompt.get("known", ""))
    for model in record["models"]:
        digest = model["sha256"]["value"] or model.get("short_hash") or ""
        yield str(model["role"]), f"{model['name']} {str(digest)[:12]}".strip(), str(model["sha256"]["known"])
    for entry in record.get("inputs", ()):
        digest = entry["sha256"]["value"] or ""
        yield f"{entry['folder']} file", f"{entry['file']} {digest[:12]}".strip(), str(entry["sha256"]["known"])
    for name in ("comfyui", "torch", "gpu"):
        entry = record["environment"].get(name)
        if entry is not None and entry["value"] is not None:
            yield name, _value(entry["value"]), str(entry["known"])
    runs = record["runs"]
    if runs:
        yield "runs observed", ", ".join(f"node {run['node']}" for run in runs), "observed"
    batch = record["batch"]
    if batch is not None and batch["size"] > 1:
        yield "item of its batch", f"{batch['index'] + 1} of {batch['size']}", "observed"


def reading_summary(name: str, reading: Reading) -> str:
    """Return what an image says of itself, as Markdown."""
    lines = [f"**{name}**: {source_name(reading.source)}"]
    if reading.record is not None:
        lines += ["", "| | | known |", "|---|---|---|"]
        lines += [f"| {row[0]} | {_cell(row[1])} | {row[2]} |" for row in rows(reading.record)]
    lines += ["", *(f"Note: {note}" for note in reading.notes)] if reading.notes else []
    return "\n".join(lines)


def _adapters(value: Any) -> str:
    entries = value if isinstance(value, list) else []
    named = [(entry.get("name"), entry.get("strength_model")) for entry in entries if isinstance(entry, dict)]
    return ", ".join(f"{name or 'unknown'} at {strength}" for name, strength in named)


def _value(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
