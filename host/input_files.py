"""The files in ComfyUI's input, output and temporary folder that a graph loads, and their contents."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import folder_paths

from goodseed.provenance.inputs import file_and_folder, named_files
from goodseed.provenance.record import GRAPH, known, unknown

from .model_files import hash_cache, plain_name

_READ_AT_ONCE = 64 << 20
"""Smaller files are hashed anew each time, since a picture edited in place may keep its size and its time."""


def inputs_of(recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the files that inputs of a recipe name, as a record keeps them: as they are now.

    A file that is not there, or cannot be read, is listed with an unknown hash.
    """
    nodes = {key: node for key, node in recipe["nodes"].items() if key != recipe["saver"]}
    found: list[dict[str, Any]] = []
    for named in named_files(nodes):
        text, folder = file_and_folder(named.text)
        path = _path(text, folder)
        if path is not None or named.sure:
            sha256 = _sha256(path) if path is not None else None
            found.append(
                {
                    "node": named.node, "input": named.input, "file": plain_name(text), "folder": folder,
                    "sha256": known(sha256, GRAPH) if sha256 is not None else unknown(),
                }
            )  # fmt: skip
    return found


def _path(name: str, folder: str) -> Path | None:
    """Return a file inside one of ComfyUI's folders, or None."""
    root = os.path.abspath(folder_paths.get_directory_by_type(folder) or "")
    path = os.path.abspath(os.path.join(root, name))
    inside = path.startswith(root + os.sep)
    return Path(path) if inside and os.path.isfile(path) else None


def _sha256(path: Path) -> str | None:
    try:
        if path.stat().st_size <= _READ_AT_ONCE:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        return hash_cache().get(path).sha256
    except OSError as error:
        logging.warning("Good Seed: %s: cannot be read (%s); its hash is left out", path.name, error.strerror or error)
        return None
