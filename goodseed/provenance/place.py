"""Putting a finished image and its sidecar into a folder: under new names, whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from goodseed.errors import OutputError
from goodseed.provenance.sidecar import sidecar_of

_MOST_TRIES = 100_000
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def place_image(
    folder: Path, stem: str, counter: int, ending: str, data: bytes, sidecar: bytes | None
) -> tuple[Path, int]:
    """Write an image, and its sidecar, as `<stem>_<counter>_.<ending>`; return the path and the next counter.

    No file that is there is touched: the first counter is taken whose names are free, also when others save into the
    same folder. Both files are written whole before either gets its name.

    Raises:
        OutputError: when the folder cannot be written or the disk is full; nothing is left behind.
    """
    temporary: list[Path] = []
    try:
        for content in (data, sidecar):
            if content is not None:
                path = folder / f".goodseed-{secrets.token_hex(8)}.tmp"
                temporary.append(path)
                _write(path, content)
        for number in range(counter, counter + _MOST_TRIES):
            image = folder / f"{stem}_{number:05}_.{ending}"
            beside = sidecar_of(image)
            if os.path.lexists(beside) or not _claim(temporary[0], image):
                continue
            if sidecar is None or _claim(temporary[1], beside):
                return image, number + 1
            image.unlink()
        raise OutputError(f"{stem}: {_MOST_TRIES} files of this name are there; choose another filename_prefix")
    except OSError as error:
        raise OutputError(
            f"{stem}_{counter:05}_.{ending}: cannot be written ({error.strerror or error}); "
            "check the output folder and the free space"
        ) from error
    finally:
        for path in temporary:
            path.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    """Write a new file to the disk, with the rights that the process gives to its files."""
    with os.fdopen(os.open(path, _NEW, 0o666), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _claim(temporary: Path, path: Path) -> bool:
    """Give a written file its name too, unless something has it; say whether it was free."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links, such as exFAT
        try:
            os.close(os.open(path, _NEW, 0o666))
        except FileExistsError:
            return False
        os.replace(temporary, path)
    return True
