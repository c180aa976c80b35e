"""The pictures that a graph loads: whether a server has them, and with the contents that the record names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from goodseed.errors import ServerError, VerifyError
from goodseed.provenance.diff.input_files import NAME, fix_of, hash_of, name_of, shown_file
from goodseed.provenance.diff.values import mappings
from goodseed.provenance.inputs import FOLDERS, PICTURES, file_and_folder
from goodseed.provenance.paths import shown
from goodseed.provenance.verify.client import Server
from goodseed.provenance.verify.rerun import Rerun

Record = Mapping[str, Any]


class Needed(NamedTuple):
    """A picture that a graph loads; `recorded` is what the record says of it, where it knows its contents."""

    file: str
    folder: str
    recorded: Mapping[str, Any] | None


def bring_inputs(rerun: Rerun, record: Record, server: Server, folder: Path | None) -> list[dict[str, Any]]:
    """Put pictures that the server lacks into its input folder, from a folder here; return those that are others.

    Each of these as a cause, for servers that keep no records themselves.

    Raises:
        VerifyError: when a picture is not in the folder either, or with other contents than the record names.
        ServerError: when there is no folder, and the server lacks a picture whose contents the record names.
    """
    causes: list[dict[str, Any]] = []
    for needed in _needed(rerun, record, every=folder is not None):
        found = server.file(needed.file, needed.folder)
        if found is not None:
            if needed.recorded is not None and not _is(found, needed.recorded):
                causes.append(_other(needed.recorded, found))
        elif folder is not None and needed.folder == FOLDERS[0]:
            server.upload(needed.file, _read(folder, needed))
        elif needed.recorded is not None:
            raise ServerError(
                f"{server.url}: has no {needed.folder} picture '{shown(needed.file)}' (sha256 "
                f"{hash_of(needed.recorded)}), which the graph loads; put it there, or name its folder with --inputs"
            )
    return causes


def _needed(rerun: Rerun, record: Record, every: bool) -> Iterator[Needed]:
    """Yield the pictures of a record, then if `every` those that stock nodes load, each once."""
    seen: set[tuple[str, str]] = set()
    for needed in (*_recorded(rerun, record), *(_loaded(rerun) if every else ())):
        if (needed.file, needed.folder) not in seen:
            seen.add((needed.file, needed.folder))
            yield needed


def _recorded(rerun: Rerun, record: Record) -> Iterator[Needed]:
    for entry in mappings(record.get("inputs")):
        file, folder = str(entry.get("file")), str(entry.get("folder"))
        fits = entry.get("node") in rerun.graph and folder in FOLDERS and file.lower().endswith(PICTURES)
        if fits and hash_of(entry):
            yield Needed(file, folder, entry)


def _loaded(rerun: Rerun) -> Iterator[Needed]:
    for node in rerun.graph.values():
        name = node["inputs"].get("image")
        if node["class_type"].startswith("LoadImage") and isinstance(name, str):
            file, folder = file_and_folder(name)
            yield Needed(file.replace("\\", "/"), folder, None)


def _read(folder: Path, needed: Needed) -> bytes:
    source = folder / needed.file.rpartition("/")[2]
    if not source.is_file():
        raise VerifyError(f"{folder}: has no '{shown(source.name)}', which the graph loads; put it there")
    data = source.read_bytes()
    if needed.recorded is not None and not _is(data, needed.recorded):
        raise VerifyError(
            f"{folder}: its '{shown(source.name)}' has other contents than the image was made from; "
            f"put the one with sha256 {hash_of(needed.recorded)} there"
        )
    return data


def _is(data: bytes, recorded: Mapping[str, Any]) -> bool:
    return hashlib.sha256(data).hexdigest() == hash_of(recorded)


def _other(recorded: Mapping[str, Any], data: bytes) -> dict[str, Any]:
    """Return the cause of a picture with other contents, as `goodseed.provenance.diff` names it."""
    other = {**recorded, "sha256": {"value": hashlib.sha256(data).hexdigest(), "known": "observed"}}
    a, b, where = (
        shown_file(recorded),
        shown_file(other),
        f"node {shown(str(recorded['node']))}: {shown(name_of(recorded), 120)}",
    )
    return {
        "cause": "graph", "where": where, "a": a, "b": b,
        "why": f"{where} has other contents on the server: {a} in the image, {b} there.",
        "fix": fix_of(recorded), "name": NAME,
    }  # fmt: skip
