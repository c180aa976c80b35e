"""Hashes of model files: of the whole file and of its tensors alone, in the background and once per file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from goodseed.errors import OutputError
from goodseed.files import write_bytes

_CHUNK = 1 << 22
_LARGEST_HEADER = 100 << 20
"""As safetensors itself limits it."""
_FILE = "hashes.json"
_VERSION = 1


class Hashes(NamedTuple):
    """SHA-256 of a file, and of its tensors alone where it is a safetensors file, in hexadecimal."""

    sha256: str
    tensors_sha256: str | None


def hash_file(path: Path | str) -> Hashes:
    """Return a file's hashes, in the time of one: two threads read it side by side.

    Raises:
        OSError: when the file cannot be read.
    """
    with ThreadPoolExecutor(1) as pool:
        tensors = pool.submit(tensors_sha256, path)
        digest = hashlib.sha256()
        with open(path, "rb", buffering=0) as file:
            _add(digest, file, os.fstat(file.fileno()).st_size)
        return Hashes(digest.hexdigest(), tensors.result())


def tensors_sha256(path: Path | str) -> str | None:
    """Return the SHA-256 of a safetensors file's data, which edits of its header leave alone; None for other files.

    Hashed in the order of their names: name, dtype and shape as JSON, then the bytes.

    Raises:
        OSError: when the file cannot be read.
    """
    with open(path, "rb", buffering=0) as file:
        start, entries = safetensors_header(file)
        if not entries:
            return None
        digest = hashlib.sha256()
        for name in sorted(entries):
            entry = entries[name]
            digest.update(json.dumps([name, entry["dtype"], entry["shape"]]).encode())
            first, last = entry["data_offsets"]
            file.seek(start + first)
            _add(digest, file, last - first)
    return digest.hexdigest()


def safetensors_header(file: BinaryIO) -> tuple[int, dict[str, Any]]:
    """Return where the data starts and the tensors' entries; (0, {}) for a file that is no safetensors file."""
    total = os.fstat(file.fileno()).st_size
    file.seek(0)
    size = int.from_bytes(file.read(8), "little")
    if total < 8 or not 2 <= size <= min(total - 8, _LARGEST_HEADER):
        return 0, {}
    text = file.read(size)
    if not text.startswith(b"{"):
        return 0, {}
    with contextlib.suppress(ValueError, RecursionError):
        header = json.loads(text)
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        if all(_is_entry(entry, total - 8 - size) for entry in entries.values()):
            return 8 + size, entries
    return 0, {}


class HashCache:
    """Hashes of files by real path, size and time of the last change, kept in one file of a folder.

    A file that changes is hashed again; one that is being hashed is hashed once, however many ask for it.
    """

    def __init__(self, folder: Path | str) -> None:
        self.path = Path(folder) / _FILE
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] | None = None
        self._waiting: dict[tuple[str, int, int], Future[Hashes]] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="goodseed-hash")

    def start(self, path: Path | str) -> Future[Hashes]:
        """Return the hashes of a file, to come: from memory, or from a thread in the background.

        Raises:
            OSError: when the file is not there.
        """
        key = _state(path)
        with self._lock:
            known = self._load().get(key[0])
            if known is not None and (known["size"], known["mtime_ns"]) == key[1:]:
                done: Future[Hashes] = Future()
                done.set_result(Hashes(known["sha256"], known["tensors_sha256"]))
                return done
            waiting = self._waiting.get(key)
            if waiting is None:
                waiting = self._waiting[key] = self._pool.submit(self._hash, key)
            return waiting

    def get(self, path: Path | str) -> Hashes:
        """Return the hashes of a file, waiting for them where they are not known yet.

        Raises:
            OSError: when the file is not there or cannot be read.
        """
        return self.start(path).result()

    def _hash(self, key: tuple[str, int, int]) -> Hashes:
        try:
            hashes = hash_file(key[0])
            if _state(key[0]) == key:  # unchanged while it was read
                self._keep(key, hashes)
            return hashes
        finally:
            with self._lock:
                self._waiting.pop(key, None)

    def _keep(self, key: tuple[str, int, int], hashes: Hashes) -> None:
        with self._lock:
            known = self._load()
            known.update({path: entry for path, entry in _read(self.path).items() if path not in known})
            known[key[0]] = {"size": key[1], "mtime_ns": key[2], **hashes._asdict()}
            text = json.dumps({"version": _VERSION, "files": known}, indent=1, sort_keys=True)
            try:
                write_bytes(self.path, text.encode("utf-8", "surrogateescape"))
            except OutputError as error:  # hashes are then made again after the next start
                logging.warning("Good Seed: %s", error)

    def _load(self) -> dict[str, dict[str, Any]]:
        if self._known is None:
            self._known = _read(self.path)
        return self._known


def _state(path: Path | str) -> tuple[str, int, int]:
    real = os.path.realpath(path)
    status = os.stat(real)
    return real, status.st_size, status.st_mtime_ns


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Return what a cache file holds; nothing where it is missing, damaged or of another version."""
    try:
        content = json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))
    except (OSError, ValueError, RecursionError):
        return {}
    if (
        not isinstance(content, dict)
        or content.get("version") != _VERSION
        or not isinstance(content.get("files"), dict)
    ):
        return {}
    return {name: entry for name, entry in content["files"].items() if _is_kept(entry)}


def _is_kept(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("size"), int)
        and isinstance(entry.get("mtime_ns"), int)
        and isinstance(entry.get("sha256"), str)
        and isinstance(entry.get("tensors_sha256"), (str, type(None)))
        and "tensors_sha256" in entry
    )


def _is_entry(entry: Any, length: int) -> bool:
    if not isinstance(entry, dict):
        return False
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    return (
        isinstance(dtype, str)
        and isinstance(shape, list)
        and isinstance(offsets, list)
        and len(offsets) == 2
        and all(isinstance(offset, int) for offset in offsets)
        and 0 <= offsets[0] <= offsets[1] <= length
    )


def _add(digest: Any, file: BinaryIO, length: int) -> None:
    """Add the next `length` bytes of a file to a digest."""
    for part in _chunks(file, length):
        digest.update(part)


def _chunks(file: BinaryIO, length: int) -> Iterator[memoryview]:
    buffer = memoryview(bytearray(min(_CHUNK, max(length, 1))))
    while length > 0:
        count = file.readinto(buffer[: min(length, len(buffer))])  # type: ignore[attr-defined]
        if not count:
            raise OSError("the file has become shorter while it was read")
        yield buffer[:count]
        length -= count
