"""Where an image may be written: names that mean the same on every system, and folders that are truly inside."""

from __future__ import annotations

import os
import re
from pathlib import Path

from goodseed.errors import OutputError

LONGEST_NAME = 180
"""Bytes of a folder's or file's name; counter, ending and a temporary file's ending come on top (255 in all)."""
LONGEST_PREFIX = 1000

_DRIVE = re.compile(r"[A-Za-z]:")
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])", re.IGNORECASE)
_FORBIDDEN = '<>:"|?*'


def check_prefix(prefix: str) -> str:
    """Return a file name's prefix, folders before it allowed, with / between its parts.

    It is judged by the strictest system's rules, so that a graph saves under the same names everywhere.

    Raises:
        OutputError: for an empty prefix, absolute paths, drive letters, `..`, reserved names of Windows, characters
            that a file name cannot have, and names that are too long.
    """
    plain = prefix.replace("\\", "/")
    if not plain.strip("/. ") and ".." not in plain.split("/"):
        raise _wrong(prefix, "is empty; give the files a name, such as ComfyUI")
    if plain.startswith("/"):
        raise _wrong(prefix, "is an absolute path; name a place inside the output folder, such as portraits/ball")
    if _DRIVE.match(plain):
        raise _wrong(prefix, "names a drive; name a place inside the output folder, such as portraits/ball")
    if plain.endswith("/"):
        raise _wrong(prefix, "ends with a folder; add the beginning of a file name")
    if len(plain) > LONGEST_PREFIX:
        raise _wrong(prefix, f"has {len(plain)} characters; use {LONGEST_PREFIX} at most")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    for part in parts:
        if complaint := _complaint(part):
            raise _wrong(prefix, complaint)
    return "/".join(parts)


def check_inside(path: Path | str, folder: Path | str) -> Path:
    """Return the real path of `path`, which may not exist yet.

    Raises:
        OutputError: when it lies outside `folder`, symbolic links being followed on both sides.
    """
    try:
        real, root = Path(path).resolve(), Path(folder).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, or a character that no path has
        raise OutputError(f"{shown(str(path))}: is no usable path; choose another filename_prefix") from error
    if real != root and root not in real.parents:
        raise OutputError(
            f"{shown(os.path.relpath(path, folder))}: leads out of the output folder by a link; "
            "choose another filename_prefix, or make it a real folder"
        )
    return real


def shown(text: str, length: int = 60) -> str:
    """Return a name on one line, safe to print, cut in the middle when it is long."""
    clean = "".join(character if character.isprintable() else "?" for character in text)
    return clean if len(clean) <= length else f"{clean[: length // 2]}…{clean[-(length // 2) + 1 :]}"


def _complaint(part: str) -> str:
    """Return what is wrong with one folder's or file's name, or nothing."""
    if part == "..":
        return "leads out of the output folder (..); name a place inside it"
    bad = next((character for character in part if character in _FORBIDDEN or not character.isprintable()), None)
    if bad is not None:
        return f"holds {bad!a}, which file names cannot have on every system; leave it out"
    if part.endswith((".", " ")):
        return f"'{shown(part)}' ends with a dot or a blank, which Windows drops; leave it out"
    if _RESERVED.fullmatch(part.partition(".")[0].rstrip(" ")):
        return f"'{shown(part)}' is a reserved name of Windows; choose another"
    if len(part.encode()) > LONGEST_NAME:
        return f"'{shown(part)}' has {len(part.encode())} bytes; use {LONGEST_NAME} at most"
    return ""


def _wrong(prefix: str, complaint: str) -> OutputError:
    return OutputError(f"filename_prefix '{shown(prefix)}': {complaint}")
