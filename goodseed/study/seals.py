"""Which shards are known to be whole: a text file beside them, so that a start need not read them all.

`shards/seals.tsv` has a line for each: the shard's name, its file's size and time of change, the CRC-32 of its bytes
and the first digits of its study's key. Lines are only added while a study runs; the last one of a name counts, and one
that was cut off counts for nothing. A seal that does not fit its file any more is as good as none: then the shard is
read. So the file may be lost, or left behind by a copy, and nothing but time is lost. Whoever uses a shard's numbers
holds its bytes against its seal: what has changed behind the same size and time is found before it is used.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from goodseed.errors import OutputError
from goodseed.files import write_bytes

_KEY_DIGITS = 16


@dataclass(frozen=True)
class Seal:
    """What a shard's file was when it was whole."""

    size: int
    time: int
    """Nanoseconds since 1970."""
    crc: int
    key: str

    @staticmethod
    def of(data: bytes, status: os.stat_result, key: str) -> Seal:
        return Seal(status.st_size, status.st_mtime_ns, zlib.crc32(data), key[:_KEY_DIGITS])

    def fits(self, status: os.stat_result, key: str) -> bool:
        """Say whether the file is still that one, as far as its size and time tell."""
        same = (self.size, self.time) == (status.st_size, status.st_mtime_ns)
        return same and self.key == key[:_KEY_DIGITS]


def seals_path(folder: Path) -> Path:
    return folder / "shards" / "seals.tsv"


def read_seals(folder: Path) -> dict[str, Seal]:
    """Return the seals of a study's shards by name; lines that are no seal are passed over."""
    try:
        text = seals_path(folder).read_bytes().decode("ascii", "replace")
    except OSError:
        return {}  # without it shards are read, and what is wrong with the folder is said then
    found: dict[str, Seal] = {}
    for line in text.split("\n"):
        parts = line.split("\t")
        if len(parts) == 5 and all(part.isdecimal() for part in parts[1:4]) and len(parts[4]) == _KEY_DIGITS:
            size, time, crc = (int(part) for part in parts[1:4])
            found[parts[0]] = Seal(size, time, crc, parts[4])
    return found


def add_seal(folder: Path, name: str, seal: Seal) -> None:
    """Add a line.

    Raises:
        OutputError: when the folder cannot be written or the disk is full.
    """
    path = seals_path(folder)
    try:
        with open(path, "ab", buffering=0) as file:
            file.write(_line(name, seal))
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); check the folder and the free space"
        ) from error


def write_seals(folder: Path, seals: Mapping[str, Seal]) -> None:
    """Write all lines anew.

    Raises:
        OutputError: when the folder cannot be written or the disk is full.
    """
    write_bytes(seals_path(folder), b"".join(_line(name, seal) for name, seal in seals.items()))


def _line(name: str, seal: Seal) -> bytes:
    return f"{name}\t{seal.size}\t{seal.time}\t{seal.crc}\t{seal.key}\n".encode()
