"""From a ledger to a seed bank: one row a seed, and how far the figures can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from goodseed.banks.format import Bank, make_bank
from goodseed.study.evidence import reliability
from goodseed.study.frechet import stderr_of_mean
from goodseed.study.ledger import Ledger, read_ledger
from goodseed.study.pca import style_features
from goodseed.study.plan import SETS, Plan
from goodseed.study.references import set_distances
from goodseed.study.tables import Tables
from goodseed.study.text_evidence import text_info, text_tensors

STYLE = ("pc1", "pc2")
_PREFIX = {"selection": "metric", "held_out": "heldout"}


def build_bank(folder: Path | str) -> Bank:
    """Sum a finished study up in a bank; the same ledger always gives the same bank.

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
        for metric, table in tables.of_set(name).items():
            key = f"{_PREFIX[name]}.{metric}"
            tensors[f"{key}.mean"] = table.mean(axis=1).astype(np.float32)
            # Paired prompts: what a prompt does to all seeds alike says nothing about a seed.
            tensors[f"{key}.stderr"] = stderr_of_mean(table - table.mean(axis=0)).astype(np.float32)
            tensors[f"{key}.n"] = images
    for trait, values in tables.traits.items():
        tensors[f"trait.{trait}"] = values.mean(axis=1).astype(np.float32)
    return {**tensors, **_features(ledger)}


def _features(ledger: Ledger) -> dict[str, np.ndarray]:
    tensors: dict[str, np.ndarray] = {}
    first, second = ledger.selection, ledger.held_out
    if first.style is not None and second.style is not None:
        styles = style_features(first.style, second.style, len(STYLE))
        tensors["feature.style"], tensors["heldout.feature.style"] = (style.astype(np.float32) for style in styles)
    for prefix, cells in (("feature", first), ("heldout.feature", second)):
        if cells.composition is not None:
            tensors[f"{prefix}.composition"] = cells.composition.reshape(len(ledger.seeds), -1)
    return tensors


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
