"""How far a study's figures can be trusted. Seeds are chosen on the selection prompts, gains taken on the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from goodseed.banks.choice import order_of, quality
from goodseed.banks.diverse import farthest_point_sampling
from goodseed.banks.evidence import overlap_beside_chance
from goodseed.banks.format import Bank
from goodseed.banks.golden import RULES, golden_positions
from goodseed.stats import bootstrap_gain, icc, overlap, spearman
from goodseed.study.ledger import Ledger
from goodseed.study.tables import Tables
from goodseed.study.text_evidence import text_reliability

FloatArray = npt.NDArray[np.float64]

DIVERSE = 4
"""Seeds in a diverse set, as in the paper's table 2."""

STARTS = 64
RESAMPLES = 200
STARTS_PER_RESAMPLE = 8
MOST_SEEDS = 4096
"""Of more seeds than this, the gain of diverse sets is measured on the first ones."""

_DIGITS = 6
_Z = 1.959963984540054


def reliability(bank: Bank, ledger: Ledger, tables: Tables) -> dict[str, Any]:
    """Return a bank's `reliability`: ICC, rank correlation, overlap beside chance, held-out gains, with intervals.

    `bank` holds the same study's tensors, its own reliability still empty. Figures are rounded to 6 digits.
    """
    found: dict[str, Any] = {
        "icc": _icc(tables),
        "rank_correlation": {
            name: spearman(table.mean(axis=1), tables.held_out[name].mean(axis=1)).as_dict()
            for name, table in sorted(tables.selection.items())
        },
    }
    if bank.metrics:
        found |= {"overlap": _overlap(bank), "golden_gain": _golden_gain(bank, tables)}
    if len(ledger.seeds) > DIVERSE:
        found["diverse_gain"] = {
            feature: diverse_gain(bank.tensors[f"feature.{feature}"], cells)
            for feature, cells in (("style", ledger.held_out.style), ("composition", ledger.held_out.composition))
            if cells is not None
        }
    if ledger.text:
        found["inpaint"] = text_reliability(bank, ledger)
    figures: dict[str, Any] = rounded(found)
    return figures


def diverse_gain(features: npt.ArrayLike, held_out: npt.ArrayLike) -> dict[str, Any]:
    """Return how much less alike the images of diverse sets are than those of random sets, on held-out prompts.

    `features` [S, D] choose the sets (farthest point sampling from many starts), `held_out` [S, Q, d] measures
    them (eq. 2). `random` is the exact expectation over all sets. The interval is normal, its width from a
    bootstrap over seeds and prompts in which the sets are chosen anew each time.
    """
    chooses = np.asarray(features, np.float64)[:MOST_SEEDS]
    units = _units(np.asarray(held_out)[:MOST_SEEDS])
    seeds, prompts = units.shape[:2]
    starts = np.unique(np.linspace(0, seeds - 1, STARTS).astype(np.int64))
    diverse = _alike_after_sampling(chooses, units, starts)
    random = _alike(units).mean()
    draw = np.random.default_rng(0)
    gains = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        # A seed drawn twice is one seed to choose from: a set never holds it twice.
        drawn = np.unique(draw.integers(seeds, size=seeds))
        weights = np.bincount(draw.integers(prompts, size=prompts), minlength=prompts) / prompts
        if len(drawn) < DIVERSE:
            drawn = np.arange(seeds)
        starts = draw.integers(len(drawn), size=STARTS_PER_RESAMPLE)
        some = units[drawn]
        gains[index] = (_alike(some) - _alike_after_sampling(chooses[drawn], some, starts)) @ weights
    gain = float(random - diverse.mean())
    half = _Z * float(gains.std(ddof=1))
    return {
        "diverse": float(diverse.mean()),
        "random": float(random),
        "gain": gain,
        "low": gain - half,
        "high": gain + half,
        "n": DIVERSE,
    }


def _icc(tables: Tables) -> dict[str, Any]:
    both = {
        **{name: np.concatenate([table, tables.held_out[name]], axis=1) for name, table in tables.selection.items()},
        **tables.traits,
        **tables.composition,
    }
    return {name: icc(table).as_dict() for name, table in sorted(both.items())}


def _overlap(bank: Bank) -> dict[str, Any]:
    """Return what the metrics' top quarters share, and what each metric's shares between the two prompt sets."""
    top = max(1, len(bank.seeds) // 4)
    chance = overlap(top, len(bank.seeds))
    between: dict[str, Any] = {}
    for name in sorted(bank.metrics):
        sign = 1.0 if bank.metrics[name]["direction"] == "higher" else -1.0
        held_out = order_of(sign * bank.metric(name, held_out=True).astype(np.float64))[:top]
        between[name] = {
            "both": len(np.intersect1d(order_of(quality(bank, name))[:top], held_out)),
            "chance": chance.value,
            "chance_low": chance.low,
            "chance_high": chance.high,
        }
    return {**overlap_beside_chance(bank, top), "between_sets": between}


def _golden_gain(bank: Bank, tables: Tables) -> dict[str, Any]:
    """Return each rule's held-out gain in each metric.

    All rules choose as many seeds as the paper's does (its intersection of the top quarters), so that they
    compare; where that is empty, a sixteenth of the seeds, and the paper's rule has no entry.
    """
    paper = golden_positions(bank, "paper")
    count = len(paper) or max(1, len(bank.seeds) // 16)
    gains: dict[str, Any] = {}
    for rule in (*RULES, *sorted(bank.metrics)):
        chosen = [int(position) for position in golden_positions(bank, rule, count)]
        if chosen:
            gains[rule] = {
                name: bootstrap_gain(table, chosen, bank.metrics[name]["direction"]).as_dict()
                for name, table in sorted(tables.held_out.items())
            }
    return gains


def _units(features: npt.ArrayLike) -> FloatArray:
    """Scale vectors [S, Q, d] to length 1, as the cosine does; vectors of length 0 stay."""
    values = np.asarray(features, np.float64)
    lengths = np.linalg.norm(values, axis=2, keepdims=True)
    units: FloatArray = np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0)
    return units


def _alike(units: FloatArray) -> FloatArray:
    """Return the mean cosine over all pairs of seeds, per prompt: [C, Q, d] → [Q]. Equation 2 before its last mean."""
    count = len(units)
    pairs: FloatArray = (units.sum(axis=0) ** 2).sum(axis=1) - (units**2).sum(axis=(0, 2))
    return pairs / (count * (count - 1))


def _alike_after_sampling(features: FloatArray, units: FloatArray, starts: npt.NDArray[np.int64]) -> FloatArray:
    sets = [farthest_point_sampling(features, DIVERSE, int(start)) for start in starts]
    per_prompt: FloatArray = np.mean([_alike(units[chosen]) for chosen in sets], axis=0)
    return per_prompt


def rounded(value: Any) -> Any:
    """Return nested figures with 6 significant digits, as a bank keeps them."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
