"""A reference for metrics of sets: a folder of real images, or statistics that somebody has saved."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from goodseed.canonical import canonical_json
from goodseed.errors import StudyError
from goodseed.files import sha256_of
from goodseed.study.frechet import covariance_fault
from goodseed.study.metrics.parts import SetPart

SUFFIXES = frozenset([".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"])
LEAST = 100
"""A reference of fewer images says too little of real ones."""

BATCH = 16


@dataclass(frozen=True)
class Source:
    """What `--reference` names: images, or arrays that were made of images."""

    path: Path
    what: str
    sha256: str
    """Of the images' names and bytes, or of the arrays."""
    count: int | None
    """How many images; None where saved statistics do not say."""
    images: tuple[Path, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return what a bank says of it."""
        return {"what": self.what, "sha256": self.sha256, "count": self.count}

    def features(self, metric: str) -> dict[str, np.ndarray]:
        """Return what the study keeps of it for a metric: `mu` and `sigma`, or `rows`.

        Raises:
            StudyError: for an image that cannot be read, and for statistics of another kind than the metric needs.
        """
        from goodseed.study.metrics.catalogue import make_set_part

        part = make_set_part(metric)
        return part.summarize(self.batches()) if self.images else self._saved(metric, part)

    def check(self, metric: str) -> None:
        """Return if a metric can be the distance to it, before anything is fetched or computed.

        Raises:
            StudyError: for saved statistics of another kind, or of another number of features, than the metric has.
        """
        from goodseed.study.metrics.catalogue import make_set_part

        if not self.images:
            self._saved(metric, make_set_part(metric))

    def _saved(self, metric: str, part: SetPart) -> dict[str, np.ndarray]:
        arrays = read_arrays(self.path)
        missing = [name for name in part.keeps if name not in arrays]
        if missing:
            raise StudyError(
                f"{self.path}: has no {missing[0]}, which {metric} needs; name a folder of images with --reference"
            )
        kept = {name: arrays[name] for name in part.keeps}
        width = kept[part.keeps[0]].shape[-1]
        if width != part.width:
            raise StudyError(
                f"{self.path}: holds statistics of {width} features, and {metric} has {part.width}: they are of "
                "another network; name a folder of images with --reference"
            )
        return kept

    def batches(self) -> Iterator[list[np.ndarray]]:
        """Yield the images, uint8 [H, W, 3] each, some at a time."""
        for start in range(0, len(self.images), BATCH):
            yield [read_picture(path) for path in self.images[start : start + BATCH]]


def open_source(path: Path | str) -> Source:
    """Look at a reference without computing anything.

    Raises:
        StudyError: for what is neither a folder of at least `LEAST` images nor an .npz with sound statistics.
    """
    path = Path(path)
    if path.is_dir():
        return _images(path)
    arrays = read_arrays(path)
    fault = _fault(arrays)
    if fault:
        raise StudyError(f"{path}: {fault}; give statistics as pytorch-fid saves them, or a folder of images")
    own = str(arrays.get("sha256", ""))
    count = int(arrays["count"]) if "count" in arrays else 0
    digest = own if len(own) == 64 else _digest(arrays)
    return Source(path, f"saved statistics, {path.name}", digest, count or None)


def _fault(arrays: dict[str, np.ndarray]) -> str:
    """Say why arrays are no statistics of a reference; nothing where they are."""
    numbers = {name: array for name, array in arrays.items() if array.dtype.kind in "fiu"}
    if not ({"mu", "sigma"} <= set(numbers) or "rows" in numbers):
        return "holds neither mu and sigma nor rows, as numbers"
    if "count" in arrays and ("count" not in numbers or numbers["count"].size != 1):
        return "its count is no number of images"
    if "rows" in numbers:
        rows = numbers["rows"]
        if rows.ndim != 2 or len(rows) < 2 or not np.isfinite(rows).all():
            return f"its rows of shape {rows.shape} are not the finite features of at least two images"
    if {"mu", "sigma"} <= set(numbers):
        return covariance_fault(numbers["mu"].astype(np.float64), numbers["sigma"].astype(np.float64))
    return ""


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of an .npz file.

    Raises:
        StudyError: when it is missing, damaged or holds objects.
    """
    try:
        with np.load(path, allow_pickle=False) as opened:
            if not hasattr(opened, "files"):
                raise StudyError(
                    f"{path}: is no .npz; give a folder of images, or statistics as pytorch-fid saves them"
                )
            return {name: opened[name] for name in opened.files}
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror or error}); is it there?") from error
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError) as error:
        raise StudyError(f"{path}: is no .npz of plain arrays; save it again, or name a folder of images") from error


def read_picture(path: Path) -> np.ndarray:
    """Read an image as uint8 [H, W, 3].

    Raises:
        StudyError: when it cannot be read.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError) as error:
        raise StudyError(f"{path}: cannot be read as an image ({str(error)[:80]}); take it out or mend it") from error


def _images(folder: Path) -> Source:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if len(paths) < LEAST:
        raise StudyError(
            f"{folder}: holds {len(paths)} images; a reference needs at least {LEAST}, and 2,048 for a covariance that "
            "is not of lower rank"
        )
    names = [[path.relative_to(folder).as_posix(), sha256_of(path)] for path in paths]
    digest = hashlib.sha256(canonical_json(names).encode()).hexdigest()
    return Source(
        folder, f"{len(paths)} images of the folder {folder.resolve().name}", digest, len(paths), tuple(paths)
    )


def _digest(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in ("mu", "sigma", "rows"):
        if name in arrays:
            digest.update(name.encode() + np.ascontiguousarray(arrays[name], "<f8").tobytes())
    return digest.hexdigest()
