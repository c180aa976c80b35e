"""One study on a folder at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from goodseed.errors import MissingExtraError, OutputError, StudyError


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system gives back even when this process is killed.

    Raises:
        StudyError: when another study holds it.
        OutputError: when the folder cannot be made or written.
    """
    try:
        import filelock
    except ImportError as error:
        raise MissingExtraError("a study locks its folder with filelock; pip install filelock") from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / "lock", timeout=0)
        lock.acquire()
    except filelock.Timeout as error:
        raise StudyError(f"{folder}: another study runs in this folder; wait for it, or use another --out") from error
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be written ({error.strerror or error}); check the folder and the free space"
        ) from error
    try:
        yield
    finally:
        lock.release()
