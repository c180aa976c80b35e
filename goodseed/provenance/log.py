"""The log beside the images: one line of JSON for each saved image, which a crash leaves whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from goodseed.errors import OutputError
from goodseed.provenance.record import Record, record_id

LOG_NAME = "goodseed-log.jsonl"


def log_line(record: Record, name: str, file_sha256: str, time: str) -> dict[str, Any]:
    """Return what the log says of one image: when, which file, its hashes, and the tuple that made it."""
    return {
        "time": time,
        "file": name,
        "file_sha256": file_sha256,
        "pixels_sha256": record["pixels"]["sha256"],
        "record": record_id(record),
        "tuple_sha256": record["tuple_sha256"],
        "tuple": {key: entry["value"] for key, entry in record["tuple"].items()},
        "batch": record["batch"],
    }


def append_line(path: Path, line: Mapping[str, Any]) -> None:
    """Append one line in a single write and flush it to the disk; a line that a crash tore before is closed first.

    Raises:
        OutputError: when it cannot be written, or `path` is a link; the log is as it was before.
    """
    data = json.dumps(line, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        if path.is_symlink():
            raise OutputError(f"{path.name}: is a link; make it a file, or turn the log off")
        handle = os.open(path, flags, 0o666)
        try:
            _append(handle, data)
        finally:
            os.close(handle)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(
            f"{path.name}: cannot be written ({reason}); the images are saved; check the folder and the free space"
        ) from error


def _append(handle: int, data: bytes) -> None:
    size = os.fstat(handle).st_size
    if size:
        os.lseek(handle, size - 1, os.SEEK_SET)
        if os.read(handle, 1) != b"\n":
            data = b"\n" + data
    try:
        written = os.write(handle, data)
        if written != len(data):
            os.write(handle, data[written:])  # says why there was no room
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size)
        raise
