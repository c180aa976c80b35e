"""The inpainting part of a bank: how much text each seed leaves in holes, and how far that can be trusted."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from goodseed.banks.clean import clean_positions
from goodseed.banks.format import Bank
from goodseed.stats import bootstrap_gain, chance_correlation, icc, spearman
from goodseed.study.frechet import stderr_of_mean
from goodseed.study.inpaint_plan import INPAINT_SETS, Inpainting
from goodseed.study.ledger import Ledger

CLEAN_SHARE = 16
"""One of so many seeds is called clean where the gain of clean seeds is measured."""

_PREFIX = dict(zip(INPAINT_SETS, ("inpaint", "heldout.inpaint"), strict=True))


def text_tensors(ledger: Ledger) -> dict[str, np.ndarray]:
    """Return each task's mean share of text by seed, its error and its count, on both sets of pairs."""
    tensors: dict[str, np.ndarray] = {}
    for task, tables in ledger.text.items():
        for prefix, values in zip(_PREFIX.values(), tables, strict=True):
            table, key = values.astype(np.float64), f"{prefix}.{task}"
            tensors[f"{key}.text_share"] = table.mean(axis=1).astype(np.float32)
            # Paired holes: what a pair does to all seeds alike says nothing about a seed.
            tensors[f"{key}.stderr"] = stderr_of_mean(table - table.mean(axis=0)).astype(np.float32)
            tensors[f"{key}.n"] = np.full(len(table), table.shape[1], np.int32)
    return tensors


def text_info(inpainting: Inpainting, seeds: int) -> dict[str, Any]:
    """Return what the metadata of a bank says of its inpainting."""
    pairs = {}
    for name, cell_set in zip(("selection", "held_out"), INPAINT_SETS, strict=True):
        found = inpainting.pairs(cell_set)
        prompts = {task: list(texts) for task, texts in found.prompts.items()}
        pairs[name] = {
            "sha256": found.sha256,
            "count": len(found.names),
            "licence": inpainting.licence,
            "prompts": prompts,
        }
    return {
        "about": inpainting.about,
        "tasks": {name: {"about": about} for name, about in inpainting.tasks.items()},
        "pairs": pairs,
        "reader": dict(inpainting.reader_info),
        "images": seeds * sum(len(inpainting.cells(cell_set)) for cell_set in INPAINT_SETS),
    }


def text_reliability(bank: Bank, ledger: Ledger) -> dict[str, Any]:
    """Return for each task: ICC, rank correlation of the two sets of pairs beside chance, the clean seeds' gain.

    Clean seeds are chosen on the selection pairs (`bank` holds their means); the gain is on the held-out pairs.
    """
    found: dict[str, Any] = {}
    for task, tables in ledger.text.items():
        selection, held_out = (table.astype(np.float64) for table in tables)
        found[task] = {
            "icc": icc(np.concatenate([selection, held_out], axis=1)).as_dict(),
            "rank_correlation": _correlation(selection, held_out),
            "gain": bootstrap_gain(held_out, clean_seeds(bank, task), "lower").as_dict(),
        }
    return found


def clean_seeds(bank: Bank, task: str | None) -> list[int]:
    """Return the positions of the seeds that the study calls clean: a sixteenth of them."""
    return [int(position) for position in clean_positions(bank, task)[: max(1, len(bank.seeds) // CLEAN_SHARE)]]


def _correlation(selection: npt.NDArray[np.float64], held_out: npt.NDArray[np.float64]) -> dict[str, float]:
    chance = chance_correlation(len(selection))
    found = spearman(selection.mean(axis=1), held_out.mean(axis=1)).as_dict()
    return {**found, "chance": chance.value, "chance_low": chance.low, "chance_high": chance.high}
