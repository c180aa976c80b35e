"""Where the weights of metrics come from: a folder of the user's, a cache, or the server that offers them.

In order: the folder that $GOODSEED_WEIGHTS names (`--weights`), the cache of torch.hub or of the Hugging Face hub,
the network. Nothing is fetched before its size was said (`missing`).
"""

from __future__ import annotations

import hashlib
import logging
import os
import urllib.error
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goodseed.canonical import canonical_json
from goodseed.errors import WeightsError
from goodseed.files import sha256_of

log = logging.getLogger(__name__)

VARIABLE = "GOODSEED_WEIGHTS"

_COMMON = frozenset(["config.json", "model.safetensors", "pytorch_model.bin"])  # many repositories have files so called


@dataclass(frozen=True)
class WeightsFile:
    """One file. In the user's folder it lies under its `name`, or, of a repository, under `<repository>/<name>`."""

    name: str
    size: int
    """Bytes; of some files to three digits."""
    url: str = ""
    """Where it is, for a file on a plain server."""
    repository: str = ""
    """Owner and name on the Hugging Face hub, for a file there."""
    revision: str = "main"
    sha256: str = ""
    """The beginning of its SHA-256, where it is known: a file that is fetched from a plain server must have it."""

    @property
    def place(self) -> Path:
        """Return where it lies in the user's folder."""
        return Path(self.repository.rpartition("/")[2]) / self.name

    @property
    def address(self) -> str:
        """Return what a browser would open."""
        return self.url or f"https://huggingface.co/{self.repository}/resolve/{self.revision}/{self.name}"


def weights_folder() -> Path | None:
    """Return the folder that $GOODSEED_WEIGHTS names, if any."""
    named = os.environ.get(VARIABLE, "")
    return Path(named).expanduser() if named else None


def find(file: WeightsFile) -> Path | None:
    """Return where a file is on this machine, or None; nothing is fetched."""
    folder = weights_folder()
    if folder is not None:
        places = [folder / file.place] if file.name in _COMMON else [folder / file.place, folder / file.name]
        for path in places:
            if path.is_file():
                return path
    return _in_hub_cache(file) if file.repository else _in_torch_cache(file)


def fetch(file: WeightsFile) -> Path:
    """Return where a file is, after fetching it where it is not here.

    Raises:
        WeightsError: one line with the file, its size and where to put it, when it cannot be had.
    """
    path = find(file)
    if path is not None:
        return path
    log.info("Good Seed: fetching %s, %s, from %s", file.name, in_words(file.size), file.address)
    try:
        return _from_hub(file) if file.repository else _from_server(file)
    except (OSError, RuntimeError) as error:
        raise WeightsError(_how_to_get([file], error)) from error


def fetch_all(files: Sequence[WeightsFile]) -> list[Path]:
    """Return where files are, after fetching those that are not here.

    Raises:
        WeightsError: one line with all that are not here, their sizes and where to put them, when one cannot be had.
    """
    paths = []
    for file in files:
        try:
            paths.append(fetch(file))
        except WeightsError as error:
            raise WeightsError(_how_to_get(missing(files), error.__cause__ or error)) from error
    return paths


def fetch_folder(files: Sequence[WeightsFile]) -> Path:
    """Return the folder that holds all files of one repository, after fetching what is not here.

    Raises:
        WeightsError: when a file cannot be had, or they lie in different folders.
    """
    folders = {path.parent for path in fetch_all(files)}
    if len(folders) > 1:
        places = ", ".join(sorted(map(str, folders)))
        raise WeightsError(f"{files[0].repository}: its files lie in {places}; put {names_of(files)} in one folder")
    return folders.pop()


def missing(files: Sequence[WeightsFile]) -> list[WeightsFile]:
    """Return the files that are not on this machine."""
    return [file for file in files if find(file) is None]


def describe(paths: Sequence[Path]) -> dict[str, Any]:
    """Return `weights_sha256` and `weights` (file name and SHA-256 of each) as a metric's entry holds them.

    Of several files `weights_sha256` is the SHA-256 of their names and SHA-256s as canonical JSON.
    """
    files = [{"file": path.name, "sha256": sha256_of(path)} for path in paths]
    whole = files[0]["sha256"] if len(files) == 1 else hashlib.sha256(canonical_json(files).encode()).hexdigest()
    return {"weights_sha256": whole, "weights": files}


def check_loaded(path: Path, lacking: Sequence[str], more: Sequence[str] = ()) -> None:
    """Return if a checkpoint filled a network.

    Raises:
        WeightsError: when weights are missing from it or left over.
    """
    if lacking or more:
        what = f"lacks {len(lacking)} weights ({lacking[0]} …)" if lacking else f"has {more[0]} …, which is unknown"
        raise WeightsError(f"{path}: {what}; is it the right file? Remove it, and it is fetched again")


def in_words(size: int) -> str:
    """Return a size for people: 1.97 GB, 99 MB, 2 kB."""
    if size >= 10**9:
        return f"{size / 10**9:.2f} GB"
    return f"{size / 10**6:.0f} MB" if size >= 10**6 else f"{max(1, round(size / 1000))} kB"


def names_of(files: Sequence[WeightsFile]) -> str:
    return ", ".join(file.name for file in files)


def _how_to_get(files: Sequence[WeightsFile], error: BaseException) -> str:
    folder = weights_folder()
    many = len(files) > 1
    named = ", ".join(f"{file.place} ({in_words(file.size)})" for file in files) if many else files[0].name
    whole = in_words(sum(file.size for file in files))
    why = " ".join(str(error).split())[:120]
    steps = ", ".join(
        f"get {file.address} and put it at {folder / file.place if folder else file.place}" for file in files
    )
    where = "" if folder else f" in a folder that --weights or ${VARIABLE} names"
    return f"{named}: these weights ({whole}) are not here and cannot be fetched ({why}); {steps}{where}"


def _in_hub_cache(file: WeightsFile) -> Path | None:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    found = try_to_load_from_cache(file.repository, file.name, revision=file.revision)
    return Path(found) if isinstance(found, str) else None


def _from_hub(file: WeightsFile) -> Path:
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise OSError("huggingface_hub is not installed") from error
    return Path(hf_hub_download(file.repository, file.name, revision=file.revision))


def _in_torch_cache(file: WeightsFile) -> Path | None:
    path = _torch_cache() / file.name
    return path if path.is_file() else None


def _from_server(file: WeightsFile) -> Path:
    import torch

    path = _torch_cache() / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(file.url, str(path), hash_prefix=file.sha256 or None)
    except urllib.error.URLError as error:
        raise OSError(str(error.reason)) from error
    return path


def _torch_cache() -> Path:
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints"
