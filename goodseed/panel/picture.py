"""A picture that was handed to the panel: read once, with its pixels, within the panel's bounds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from goodseed.errors import TooLargeError
from goodseed.provenance.paths import shown
from goodseed.provenance.read import Reading, read_image, read_recorded

LARGEST_FILE = 128 << 20
"""Bytes of one picture."""
MOST_PIXELS = 1 << 26
"""Pixels of one picture: 8192 × 8192."""
_LONGEST_NAME = 120


@dataclass(frozen=True)
class Source:
    """Where a picture is: a file, beside which its record may lie, or bytes; and what people call it."""

    name: str
    data: Path | bytes


@dataclass(frozen=True)
class Picture:
    """A picture's name and what was read of it."""

    name: str
    reading: Reading


def load(source: Source) -> Picture:
    """Return a picture with its pixels.

    Raises:
        TooLargeError: when it is a file over `LARGEST_FILE`.
        ImageError: when it is no image, is damaged, cut short, or has over `MOST_PIXELS`.
        RecordError: when its record is damaged, edited or too new.
    """
    name = plain_name(source.name)
    size = len(source.data) if isinstance(source.data, bytes) else _size(source.data)
    if size > LARGEST_FILE:
        raise TooLargeError(f"{name}: {size >> 20} MB are over the limit of {LARGEST_FILE >> 20} MB for a picture")
    return Picture(name, read_image(source.data, name, keep_image=True, most_pixels=MOST_PIXELS))


def load_both(a: Source, b: Source) -> tuple[Picture, Picture]:
    """Return two pictures, decoded side by side; see `load`."""
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(load, b)
        return load(a), second.result()


def load_recorded(path: Path) -> Picture:
    """Return a picture of the command's user, or only the record beside one; see `read_recorded`."""
    return Picture(plain_name(path.name), read_recorded(path, keep_image=True))


def plain_name(name: str) -> str:
    """Return a file's base name on one line: what an answer may show."""
    return shown(PurePosixPath(name.replace("\\", "/")).name or "picture", _LONGEST_NAME)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0  # reading it says what is wrong
