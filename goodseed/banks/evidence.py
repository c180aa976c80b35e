"""What speaks for a choice: held-out gain, overlap beside chance, ICC, similarity beside random."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from goodseed.banks.choice import IntArray, order_of, quality
from goodseed.banks.format import Bank
from goodseed.errors import ChoiceError
from goodseed.stats import measured_gain
from goodseed.stats import overlap as chance_overlap

RANDOM_SETS = 200
"""How many random sets of seeds a diverse one is compared with."""


def golden_evidence(
    bank: Bank, rule: str, positions: IntArray, top: int | None, worst: bool
) -> tuple[dict[str, Any], list[str]]:
    """Return figures for the seeds at `positions`, all from the held-out prompts or the study, and remarks.

    `held_out`: for each metric the chosen seeds' mean beside all seeds', with the gain's interval, `low` and `high`,
    both None where the prompts were too few for one (a Fréchet distance of two images has no standard error); `icc`
    and `rank_correlation` as measured; `overlap` of the metrics' top lists beside chance (where `top` is given);
    `study`: the rule's gain as the study measured it.
    """
    reliability = bank.info["reliability"]
    gains: dict[str, Any] = {}
    remarks: list[str] = []
    for name in sorted(bank.metrics):
        errors = bank.metric(name, held_out=True, part="stderr")
        gain = measured_gain(
            bank.metric(name, held_out=True),
            errors,
            [int(position) for position in positions],
            bank.metrics[name]["direction"],
        )
        gains[name] = gain.as_dict()
        if not errors.any():
            gains[name] |= {"low": None, "high": None}
            remarks.append(f"The held-out prompts are too few to say how far the gain in {name} may be off.")
        elif not worst and gain.low <= 0 <= gain.high:
            remarks.append(f"On the held-out prompts the gain in {name} cannot be told from none.")
        correlated = reliability.get("icc", {}).get(name)
        if isinstance(correlated, dict) and correlated.get("low", 1) <= 0:
            remarks.append(f"The study found no sure effect of the seed on {name} (its ICC's interval reaches 0).")
    evidence: dict[str, Any] = {
        "held_out": gains,
        "icc": _of(reliability.get("icc"), gains),
        "rank_correlation": _of(reliability.get("rank_correlation"), gains),
        "study": reliability.get("golden_gain", {}).get(rule),
    }
    if top is not None and len(gains) > 1:
        evidence["overlap"] = overlap_beside_chance(bank, top, worst)
        if evidence["overlap"]["both"] <= evidence["overlap"]["chance_high"]:
            remarks.append(f"The lists share {evidence['overlap']['both']} seeds, no more than chance gives.")
    return evidence, remarks


def overlap_beside_chance(bank: Bank, top: int, worst: bool = False) -> dict[str, Any]:
    """Return how many seeds all metrics' top lists share on the selection prompts, and how many chance gives."""
    names = sorted(bank.metrics)
    shared = set(range(len(bank.seeds)))
    for name in names:
        shared &= {int(position) for position in order_of(quality(bank, name, worst))[:top]}
    chance = chance_overlap(top, len(bank.seeds), len(names))
    return {
        "top": top,
        "metrics": names,
        "both": len(shared),
        "chance": chance.value,
        "chance_low": chance.low,
        "chance_high": chance.high,
    }


def diverse_evidence(
    bank: Bank, features: list[str], positions: IntArray, candidates: IntArray, random_state: int
) -> tuple[dict[str, Any], list[str]]:
    """Return, for each feature, the chosen set's similarity (eq. 2) beside that of random sets, and remarks.

    On the held-out prompts where the bank keeps their features, else on the selection prompts.
    """
    measured: dict[str, Any] = {}
    remarks: list[str] = []
    random = np.random.default_rng(random_state)
    for feature in features:
        held_out = f"heldout.feature.{feature}" in bank.tensors
        table = bank.tensors[f"heldout.feature.{feature}" if held_out else f"feature.{feature}"]
        cells = table.reshape(len(table), -1, bank.info["features"][feature]["per_prompt"])
        chosen = similarity(cells[positions])
        others = [
            similarity(cells[random.choice(candidates, len(positions), replace=False)]) for _ in range(RANDOM_SETS)
        ]
        low, high = np.quantile(others, [0.025, 0.975])
        measured[feature] = {
            "prompts": "held_out" if held_out else "selection",
            "similarity": chosen,
            "random": float(np.mean(others)),
            "random_low": float(low),
            "random_high": float(high),
        }
        if chosen >= low:
            remarks.append(f"In {feature} the set is no more varied than random sets are.")
    return {"similarity": measured, "study": bank.info["reliability"].get("diverse_gain", {})}, remarks


def similarity(features: npt.ArrayLike) -> float:
    """Return the mean pairwise cosine of C images' features, averaged over prompts: [C, prompts, d] → number.

    Equation 2 of "Good Seed Makes a Good Crop". A feature of length zero has cosine 0 with every other.

    Raises:
        ChoiceError: for fewer than two images, and for another number of axes.
    """
    values = np.asarray(features, dtype=np.float64)
    if values.ndim != 3 or len(values) < 2:
        raise ChoiceError(f"similarity: features of shape {values.shape}; give [seeds ≥ 2, prompts, features]")
    lengths = np.linalg.norm(values, axis=2, keepdims=True)
    units = np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0)
    count = len(units)
    # The sum over all ordered pairs is |Σu|²; without each image with itself.
    pairs = (units.sum(axis=0) ** 2).sum(axis=1) - (units**2).sum(axis=(0, 2))
    return float(pairs.mean() / (count * (count - 1)))


def _of(measured: Any, names: dict[str, Any]) -> dict[str, Any]:
    return {name: measured[name] for name in names if name in measured} if isinstance(measured, dict) else {}
