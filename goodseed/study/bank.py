"""From a ledger to a seed bank: one row a seed, and how far the figures can be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from goodseed.banks.format import Bank, make_bank
from goodseed.study.evidence import reliability
from goodseed.study.ledger import Ledger, read_ledger
from goodseed.study.pca import on_axes, principal_axes
from goodseed.study.plan import SETS, Plan
from goodseed.study.references import set_distances
from goodseed.study.tables import Tables
from goodseed.study.text_evidence import text_info, text_tensors

STYLE = ("pc1", "pc2")
_PREFIX = {"selection": "metric", "held_out": "heldout"}


def build_bank(folder: Path | str) -> Bank:
    """Sum a finished study up in a bank; the same ledger always gives the same bank.

    The ledger is read some prompts at a time: what is in memory does not grow with the prompts, but for the features of
    the bank itself.

    Raises:
        StudyError: when the study is unfinished or damaged, or its generator is not the one it was made with.
    """
    ledger = read_ledger(folder)
    distances, references = set_distances(Path(folder), ledger.plan)
    tables = Tables.of(ledger, distances)
    tensors = {**_tensors(ledger, tables), **text_tensors(ledger)}
    info = _info(ledger.plan, references)
    bare = make_bank(tensors, {**info, "reliability": {}})
    return make_bank(tensors, {**info, "reliability": reliability(bare, ledger, tables)})


def _tensors(ledger: Ledger, tables: Tables) -> dict[str, np.ndarray]:
    seeds = len(ledger.seeds)
    tensors: dict[str, np.ndarray] = {"seeds": np.array(ledger.seeds, np.uint64).view(np.int64)}
    for name in SETS:
        images = np.full(seeds, len(ledger.plan.prompts(name)), np.int32)
        for metric, sums in tables.of_set(name).items():
            key = f"{_PREFIX[name]}.{metric}"
            tensors[f"{key}.mean"] = sums.mean.astype(np.float32)
            tensors[f"{key}.stderr"] = sums.stderr.astype(np.float32)
            tensors[f"{key}.n"] = images
    for trait, sums in tables.traits.items():
        tensors[f"trait.{trait}"] = sums.mean.astype(np.float32)
    return {**tensors, **_features(ledger)}


def _features(ledger: Ledger) -> dict[str, np.ndarray]:
    tensors: dict[str, np.ndarray] = {}
    described = ledger.plan.judge_info["features"]
    axes = principal_axes(ledger.column("selection", "style"), len(STYLE)) if "style" in described else None
    for prompt_set, prefix in (("selection", "feature"), ("held_out", "heldout.feature")):
        if axes is not None:
            styles = on_axes(ledger.column(prompt_set, "style"), axes)
            tensors[f"{prefix}.style"] = _in_a_row(ledger, prompt_set, len(STYLE), styles)
        if "composition" in described:
            places = ledger.column(prompt_set, "composition")
            width = len(ledger.plan.composition_names)
            tensors[f"{prefix}.composition"] = _in_a_row(ledger, prompt_set, width, places)
    return tensors


def _in_a_row(ledger: Ledger, prompt_set: str, width: int, parts: Iterable[npt.NDArray[Any]]) -> np.ndarray:
    """Lay features that come some prompts at a time, [S, p, d], side by side: float32 [S, P·d]."""
    whole = np.empty((len(ledger.seeds), len(ledger.plan.prompts(prompt_set)), width), np.float32)
    first = 0
    for part in parts:
        whole[:, first : first + part.shape[1]] = part
        first += part.shape[1]
    return whole.reshape(len(whole), -1)


def _info(plan: Plan, references: Mapping[str, Any]) -> dict[str, Any]:
    judge = plan.judge_info
    named = {"style": STYLE, "composition": plan.composition_names}
    features = {
        name: {
            **judge["features"][name],
            "prompts": len(plan.selection),
            "per_prompt": len(names),
            "names": list(names),
        }
        for name, names in named.items()
        if name in judge["features"]
    }
    return {
        **plan.generator_info,
        "schema": 1,
        "prompts": {name: prompts_info(plan, name) for name in SETS},
        "reference": dict(references),
        "metrics": judge["metrics"],
        "traits": judge["traits"],
        "features": features,
        "design": {"kind": "exhaustive", "images": plan.without_inpainting.images},
        "software": dict(plan.software),
        **({} if plan.inpaint is None else {"inpaint": text_info(plan.inpaint, len(plan.seeds))}),
    }


def prompts_info(plan: Plan, name: str, order: str = "as in the file") -> dict[str, Any]:
    """Return what a bank says of one of a plan's prompt sets."""
    prompts = plan.prompts(name)
    return {
        "sha256": prompts.sha256,
        "count": len(prompts),
        "order": order,
        "licence": prompts.licence,
        "texts": list(prompts.prompts),
    }
