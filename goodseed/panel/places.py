"""Files of ComfyUI's folders, named as its /view names them: a base name, a subfolder, and which folder."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from goodseed.errors import MissingFileError, NameRefusedError, NameTrespassError
from goodseed.provenance.inputs import FOLDERS
from goodseed.provenance.paths import shown

ENDINGS = (".png", ".webp", ".jpg", ".jpeg", ".avif")
MOST_ENTRIES = 50_000
"""Up to how many entries of a folder are looked at for the newest."""
_LONGEST = 1024


def folder_named(named: Mapping[str, Any]) -> str:
    """Return which of ComfyUI's folders a name means: input, output or temp.

    Raises:
        NameRefusedError: for any other.
    """
    folder = named.get("type")
    if folder not in FOLDERS:
        raise NameRefusedError(f"type: {shown(str(folder))} is none of {', '.join(FOLDERS)}")
    return str(folder)


def file_in(root: Path | str, named: Mapping[str, Any]) -> Path:
    """Return the file that `filename` and `subfolder` name inside a folder.

    Raises:
        NameRefusedError: when they are no texts, empty, too long, or hold characters that no name has.
        NameTrespassError: when they are absolute, go up, or lead out of the folder by a link.
        MissingFileError: when there is no such file.
    """
    name, subfolder = _text(named, "filename"), _text(named, "subfolder")
    if os.sep == "\\":
        subfolder = subfolder.replace("\\", "/")  # as the host writes them there
    if not name:
        raise NameRefusedError("filename: is empty; name a picture")
    if "/" in name or "\\" in name + subfolder or name in (".", ".."):
        raise NameTrespassError(f"{shown(name)}: is no plain name; give folders in `subfolder`, with / between them")
    if subfolder.startswith("/") or ".." in subfolder.split("/") or os.path.splitdrive(subfolder)[0]:
        raise NameTrespassError(f"{shown(subfolder)}: leads out of ComfyUI's folder; name one inside it")
    try:
        real, top = (Path(os.path.realpath(path)) for path in (Path(root, subfolder, name), root))
        found = real.is_file()
    except (OSError, ValueError) as error:
        raise NameRefusedError(f"{shown(name)}: is no usable name") from error
    if top not in real.parents:
        raise NameTrespassError(f"{shown(name)}: lies outside of ComfyUI's folder, behind a link")
    if not found:
        raise MissingFileError(f"{shown(name)}: there is no such file; it was moved or deleted")
    return real


def newest(root: Path | str, limit: int) -> list[dict[str, Any]]:
    """Return the newest pictures in a folder and its subfolders, as /view names them, with when they were changed."""
    found = heapq.nlargest(limit, _pictures(Path(root)), key=lambda entry: (entry["modified"], entry["filename"]))
    return [{**entry, "type": "output"} for entry in found]


def _pictures(root: Path) -> Iterator[dict[str, Any]]:
    """Yield the pictures below a folder; links to folders are not followed."""
    waiting, left = [root], MOST_ENTRIES
    while waiting:
        folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:  # deleted meanwhile, or not for us
            continue
        for entry in entries:
            left -= 1
            if left < 0:
                return
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(folder / entry.name)
            elif entry.name.lower().endswith(ENDINGS) and entry.is_file(follow_symlinks=False):
                subfolder = folder.relative_to(root).as_posix()
                yield {
                    "filename": entry.name,
                    "subfolder": "" if subfolder == "." else subfolder,
                    "modified": entry.stat(follow_symlinks=False).st_mtime,
                }


def _text(named: Mapping[str, Any], part: str) -> str:
    value = named.get(part, "")
    if not isinstance(value, str):
        raise NameRefusedError(f"{part}: is no text")
    if len(value) > _LONGEST:
        raise NameRefusedError(f"{part}: has {len(value)} characters, over the limit of {_LONGEST}")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        raise NameRefusedError(f"{shown(value)}: holds characters that no file name has")
    return value
