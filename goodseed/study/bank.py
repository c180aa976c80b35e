"""From a ledger to a seed bank: one row a seed, and how far the figures can be trusted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from goodseed.banks.format import Bank, make_bank
from goodseed.determinism.randomness import random_state_kept
from goodseed.errors import StudyError
from goodseed.study.evidence import reliability
from goodseed.study.frechet import Reference, stderr_of_mean
from goodseed.study.ledger import Ledger, read_ledger
from goodseed.study.pca import style_features
from goodseed.study.plan import SETS, Plan
from goodseed.study.registry import make_pair, one_torch_thread
from goodseed.study.tables import Tables
from goodseed.study.text_evidence import text_info, text_tensors

COMPOSITION = ("x", "y", "size")
STYLE = ("pc1", "pc2")
_PREFIX = {"selection": "metric", "held_out": "heldout"}


def build_bank(folder: Path | str) -> Bank:
    """Sum a finished study up in a bank; the same ledger always gives the same bank.

    Raises:
        StudyError: when the study is unfinished or damaged, or its generator is not the one it was made with.
    """
    ledger = read_ledger(folder)
    references = _references(ledger.plan)
    tables = Tables.of(ledger, {name: Reference.of(features) for name, features in references.items()})
    tensors = {**_tensors(ledger, tables), **text_tensors(ledger)}
    info = _info(ledger.plan, references)
    bare = make_bank(tensors, {**info, "reliability": {}})
    return make_bank(tensors, {**info, "reliability": reliability(bare, ledger, tables)})


def _references(plan: Plan) -> dict[str, np.ndarray]:
    _, judge = make_pair(plan.generator)
    if judge.describe() != plan.judge_info:
        raise StudyError(f"generator {plan.generator}: its judge is not the one that this study was made with")
    with one_torch_thread(), random_state_kept():
        return {name: np.asarray(judge.reference(plan.prompts(name).prompts), np.float32) for name in SETS}


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
    styles = style_features(ledger.selection.style, ledger.held_out.style, len(STYLE))
    for name, style in zip(SETS, styles, strict=True):
        prefix = "heldout.feature" if name == "held_out" else "feature"
        tensors[f"{prefix}.style"] = style.astype(np.float32)
        tensors[f"{prefix}.composition"] = np.ascontiguousarray(ledger.cells(name).composition.reshape(seeds, -1))
    return tensors


def _info(plan: Plan, references: Mapping[str, np.ndarray]) -> dict[str, Any]:
    judge = plan.judge_info
    features = {
        name: {
            **judge["features"][name],
            "prompts": len(plan.selection),
            "per_prompt": len(names),
            "names": list(names),
        }
        for name, names in (("style", STYLE), ("composition", COMPOSITION))
    }
    return {
        **plan.generator_info,
        "schema": 1,
        "prompts": {name: _prompts_info(plan, name) for name in SETS},
        "reference": {name: _reference_info(judge, features) for name, features in references.items()},
        "metrics": judge["metrics"],
        "traits": judge["traits"],
        "features": features,
        "design": {"kind": "exhaustive", "images": plan.without_inpainting.images},
        "software": dict(plan.software),
        **({} if plan.inpaint is None else {"inpaint": text_info(plan.inpaint, len(plan.seeds))}),
    }


def _prompts_info(plan: Plan, name: str) -> dict[str, Any]:
    prompts = plan.prompts(name)
    return {
        "sha256": prompts.sha256,
        "count": len(prompts),
        "order": "as in the file",
        "licence": prompts.licence,
        "texts": list(prompts.prompts),
    }


def _reference_info(judge: Mapping[str, Any], features: np.ndarray) -> dict[str, Any]:
    return {
        "what": judge.get("reference", "real images of the same prompts"),
        "sha256": hashlib.sha256(np.ascontiguousarray(features, "<f4").tobytes()).hexdigest(),
        "count": len(features),
    }
