"""The sidecar `<image>.json`: the record beside its image, with what did not fit into the image itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from goodseed.canonical import canonical_json
from goodseed.errors import RecordError
from goodseed.provenance.record import LARGEST_TEXT, Record, check_record, parse_json

ENDING = ".json"
LEFT_OUT = "left_out"
"""Key of a sidecar beside the record's own: ComfyUI's prompt and workflow, as texts, where the image has no room."""


def sidecar_of(image: Path) -> Path:
    """Return where an image's sidecar lies."""
    return image.with_name(image.name + ENDING)


def sidecar_bytes(record: Record, left_out: Mapping[str, str]) -> bytes:
    """Return a sidecar's content: the record, and the texts that the image has no room for."""
    return canonical_json({**record, LEFT_OUT: dict(left_out)} if left_out else record).encode() + b"\n"


def parse_sidecar(text: bytes, what: str) -> tuple[Record, dict[str, str]]:
    """Return the record of a sidecar, checked, and the texts that it keeps for the image; `what` names it in errors.

    Raises:
        RecordError: when it is no sound record.
    """
    value: Any = parse_json(text, what)
    left_out = value.pop(LEFT_OUT, {}) if isinstance(value, dict) else {}
    try:
        check_record(value)
    except RecordError as error:
        raise RecordError(f"{what}: {error}") from error
    texts = left_out.items() if isinstance(left_out, dict) else ()
    return value, {key: text for key, text in texts if isinstance(text, str)}


def read_sidecar(path: Path) -> tuple[Record, dict[str, str]]:
    """Return what the sidecar at `path` holds; see `parse_sidecar`.

    Raises:
        RecordError: when it is missing, over 64 MB, or no sound record.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_TEXT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RecordError(f"{path.name}: cannot be read ({reason})") from error
    return parse_sidecar(text, path.name)
