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
_NO_WORKFLOW: dict[str, list[Any]] = {"templates": []}
"""What keeps ComfyUI's front end from taking a sidecar that is dropped on it for a workflow without nodes.

It would empty the canvas; so it finds a list of templates, and that none is in it (getDataFromJSON in its scripts/).
"""


def sidecar_of(image: Path) -> Path:
    """Return where an image's sidecar lies."""
    return image.with_name(image.name + ENDING)


def sidecar_bytes(record: Record, left_out: Mapping[str, str]) -> bytes:
    """Return a sidecar's content: the record, and the texts that the image has no room for."""
    kept = {LEFT_OUT: dict(left_out)} if left_out else {}
    return canonical_json({**record, **kept, **_NO_WORKFLOW}).encode() + b"\n"


def parse_sidecar(text: bytes, what: str) -> tuple[Record, dict[str, str]]:
    """Return the record of a sidecar, checked, and the texts that it keeps for the image; `what` names it in errors.

    Raises:
        RecordError: when it is no sound record.
    """
    value: Any = parse_json(text, what)
    left_out: Any = {}
    if isinstance(value, dict):
        left_out = value.pop(LEFT_OUT, {})
        for name in _NO_WORKFLOW:
            value.pop(name, None)
    if _is_workflow(value):
        raise RecordError(f"{what}: is a workflow of ComfyUI and no record; name an image, or the record beside one")
    try:
        check_record(value)
    except RecordError as error:
        raise RecordError(f"{what}: {error}") from error
    texts = left_out.items() if isinstance(left_out, dict) else ()
    return value, {key: text for key, text in texts if isinstance(text, str)}


def _is_workflow(value: Any) -> bool:
    """Say whether JSON is a workflow as ComfyUI saves it, in the editor's format or in that of the API."""
    if not isinstance(value, dict):
        return False
    api = bool(value) and all(isinstance(node, dict) and "class_type" in node for node in value.values())
    return api or isinstance(value.get("nodes"), list)


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
