"""What metrics of a seed's whole set of images are the distance to, kept in the study's folder.

`reference/<features>.npz` holds `mu` and `sigma` of the reference's features (for Fréchet distances, as pytorch-fid
writes them) or their `rows` (for MMD), with the `sha256` and the `count` of what they were made from. A bank is built
from it without the weights and without the reference images.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from goodseed.determinism.randomness import random_state_kept
from goodseed.errors import StudyError
from goodseed.files import write_bytes
from goodseed.study.frechet import Reference
from goodseed.study.interfaces import Judge, SetDistance
from goodseed.study.metrics.mmd import Mmd
from goodseed.study.metrics.source import Source, read_arrays
from goodseed.study.plan import QUALITY, SETS, Plan
from goodseed.study.registry import make_pair, one_torch_thread


def keep_references(folder: Path, plan: Plan, source: Source | None) -> None:
    """Make what is missing of a study's references; what is there already is not made again.

    Raises:
        StudyError: when something is missing and there is no source, or images cannot be read.
        WeightsError: when weights that it needs are neither here nor to be had.
        OutputError: when the folder cannot be written.
    """
    for metric, column in plan.set_metrics.items():
        if column == QUALITY or _is_kept(folder, column, _about(plan, metric)):
            continue
        if source is None:
            raise StudyError(f"metric {metric}: its reference is not in {folder}; name it with --reference")
        with random_state_kept():
            arrays = source.features(metric)
        buffer = io.BytesIO()
        digest, count = np.array(source.sha256), np.array(source.count or 0)
        np.savez(buffer, allow_pickle=False, **arrays, sha256=digest, count=count)
        write_bytes(_path(folder, column), buffer.getvalue())


def set_distances(folder: Path, plan: Plan) -> tuple[dict[str, dict[str, SetDistance]], dict[str, Mapping[str, Any]]]:
    """Return each prompt set's distances by metric, and what a bank says of the references.

    Raises:
        StudyError: when a kept reference is missing or damaged, or the judge is not the one of the study.
    """
    distances: dict[str, dict[str, SetDistance]] = {name: {} for name in SETS}
    about: dict[str, Mapping[str, Any]] = {}
    for metric, column in plan.set_metrics.items():
        if column == QUALITY:
            for name, (reference, info) in _own(plan, metric).items():
                distances[name][metric], about[name] = reference, info
        else:
            kept = _read(folder, column, _about(plan, metric))
            for name in SETS:
                distances[name][metric] = kept
                about.setdefault(name, _about(plan, metric)["reference"])
    return distances, about


def _about(plan: Plan, metric: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", plan.judge_info["metrics"][metric])


def _own(plan: Plan, metric: str) -> dict[str, tuple[Reference, dict[str, Any]]]:
    """Return the judge's own references: features of real images of each set's prompts."""
    _, judge = make_pair(plan.generator, plan.metrics, options=plan.options)
    if not plan.metrics and judge.describe() != plan.judge_info:
        raise StudyError(f"generator {plan.generator}: its judge is not the one that this study was made with")
    found = {}
    for name in SETS:
        features = _reference_features(judge, plan, name)
        info = {
            "what": plan.judge_info.get("reference", "real images of the same prompts"),
            "sha256": hashlib.sha256(np.ascontiguousarray(features, "<f4").tobytes()).hexdigest(),
            "count": len(features),
        }
        found[name] = (Reference.of(features), info)
    return found


def _reference_features(judge: Judge, plan: Plan, name: str) -> np.ndarray:
    with one_torch_thread(), random_state_kept():
        return np.asarray(judge.reference(plan.prompts(name).prompts), np.float32)


def _path(folder: Path, column: str) -> Path:
    return folder / "reference" / f"{column}.npz"


def _is_kept(folder: Path, column: str, about: Mapping[str, Any]) -> bool:
    try:
        _read(folder, column, about)
    except StudyError:
        return False
    return True


def _read(folder: Path, column: str, about: Mapping[str, Any]) -> SetDistance:
    path = _path(folder, column)
    arrays = read_arrays(path)
    if str(arrays.get("sha256", "")) != about["reference"]["sha256"]:
        raise StudyError(f"{path}: was made from another reference; run the same study again")
    try:
        if about["distance"] == "mmd":
            return Mmd(arrays["rows"])
        return Reference.of_statistics(arrays["mu"], arrays["sigma"])
    except KeyError as error:
        raise StudyError(f"{path}: lacks {error}; run the same study again") from error
