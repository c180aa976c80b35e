"""Files written whole or not at all, and hashes of files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from goodseed.errors import OutputError

_WAITS = (0.02, 0.1, 0.5, 2.0) if os.name == "nt" else ()
"""Seconds after which a file that Windows would not rename is tried again."""


@contextlib.contextmanager
def atomic_writer(path: Path | str) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; flush it and rename it to `path` when the block succeeds.

    Raises:
        OutputError: when the folder cannot be written or the disk is full. `path` keeps its old content.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        if path.exists() and not path.is_file():  # renaming onto a device would replace it
            raise OutputError(f"{path}: is a folder or a device; name a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        _rename(temporary, path)
        temporary = None
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); check the folder and the free space"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def not_over(out: Path | None, *read: Path | None) -> None:
    """Return if `out`, a file to write, is none of the files that are read.

    Raises:
        OutputError: when it is one of them, under whatever name.
    """
    if out is None or not out.is_file():
        return
    for path in read:
        if path is not None and path.is_file() and path.samefile(out):
            raise OutputError(f"{out}: is read, and would be lost if it were written; name another file")


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all (see `atomic_writer`)."""
    with atomic_writer(path) as file:
        file.write(data)


def sha256_of(path: Path | str) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _rename(temporary: Path, path: Path) -> None:
    """Rename a new file; on Windows in several tries, because scanners hold new files for a moment."""
    for wait in _WAITS:
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(wait)
        else:
            return
    temporary.replace(path)


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
