"""What a pipeline is made of: its files with their hashes, and what a bank says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from goodseed.canonical import canonical_json
from goodseed.errors import StudyError, WeightsError
from goodseed.files import sha256_of
from goodseed.provenance.hashing import HashCache
from goodseed.study.diffusers.families import Family
from goodseed.study.diffusers.source import Found, lacks_weights, weight_names

Files = list[dict[str, Any]]
"""`file` (its place in the pipeline's folder), `bytes`, `sha256`, and `tensors_sha256` of a safetensors file."""

_TEXTS = (".json", ".txt", ".model")


def files_of(found: Found, variant: str, cache: HashCache) -> Files:
    """Return the files of a pipeline that a picture depends on, hashed; by name, so in the same order everywhere.

    Raises:
        StudyError: when no file is of the variant.
        WeightsError: when a component has no weights, or a file cannot be read.
    """
    try:
        if variant and not any(f".{variant}" in path.name for path in _paths(found, variant)):
            raise StudyError(f"variant: {found.name} has no weights of variant {variant[:40]}; leave --variant out")
        return [_hashed(found.folder, path, cache) for path in _paths(found, variant)]
    except OSError as error:
        raise WeightsError(
            f"{found.name}: {error.filename} cannot be read ({error.strerror}); fetch it again"
        ) from error


def check_files(folder: Path, files: Files) -> None:
    """Return if a folder holds these files: weights of the same size, and all others of the same content.

    Raises:
        StudyError: otherwise.
    """
    for entry in files:
        path = folder / entry["file"]
        same = path.is_file() and path.stat().st_size == entry["bytes"]
        if not same or (_is_text(path.name) and sha256_of(path) != entry["sha256"]):
            raise StudyError(
                f"{folder}: its {entry['file']} is not the one that the study was planned with; name the same pipeline"
            )


def model_entry(name: str, parts: Sequence[str], files: Files, family: str) -> dict[str, str]:
    """Return `file`, `sha256`, `tensors_sha256` and `family` of some components' weights, as banks hold them.

    Of several files both hashes are the SHA-256 of the files' names and hashes as canonical JSON.
    """
    weights = [entry for entry in files if entry["file"].partition("/")[0] in parts and not _is_text(entry["file"])]
    return {
        "file": f"{_base(name)}, {' + '.join(parts)}",
        "sha256": _together(weights, "sha256"),
        "tensors_sha256": _together(weights, "tensors_sha256"),
        "family": family,
    }


def encoders_of(found: Found, family: Family) -> tuple[str, ...]:
    """Return the text encoders that a pipeline has."""
    return tuple(part for part in family.encoders if part in found.parts)


def _paths(found: Found, variant: str) -> Iterator[Path]:
    for part in found.parts:
        folder = found.folder / part
        if lacks_weights(folder, variant):
            raise WeightsError(f"{found.name}: lacks the weights of {part} in {folder}; fetch or save it again")
        names = [path.name for path in folder.glob("*") if path.is_file()]
        texts = [name for name in names if _is_text(name) and ".index." not in name]
        for name in sorted({*texts, *weight_names(names, variant)}):
            yield folder / name


def _hashed(folder: Path, path: Path, cache: HashCache) -> dict[str, Any]:
    entry: dict[str, Any] = {"file": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size}
    if _is_text(path.name):
        return {**entry, "sha256": sha256_of(path)}
    hashes = cache.get(path)
    tensors = {"tensors_sha256": hashes.tensors_sha256} if hashes.tensors_sha256 else {}
    return {**entry, "sha256": hashes.sha256, **tensors}


def _is_text(name: str) -> bool:
    return name.endswith(_TEXTS)


def _together(entries: Sequence[Mapping[str, Any]], which: str) -> str:
    """Return one hash for one or several files; none where one of them has none."""
    if not entries or not all(which in entry for entry in entries):
        return ""
    if len(entries) == 1:
        return str(entries[0][which])
    rows = [[entry["file"], entry[which]] for entry in entries]
    return hashlib.sha256(canonical_json(rows).encode()).hexdigest()


def _base(name: str) -> str:
    """Return what stands behind the last slash of a pipeline's name."""
    return name.replace("\\", "/").rpartition("/")[2]
