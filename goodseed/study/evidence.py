"""How far a study's figures can be trusted. Seeds are chosen on the selection prompts, gains taken on the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from goodseed.banks.choice import order_of, quality
from goodseed.banks.diverse import farthest_point_sampling
from goodseed.banks.evidence import overlap_beside_chance
from goodseed.banks.format import Bank
from goodseed.banks.golden import RULES, golden_positions
from goodseed.stats import bootstrap_gain, overlap, spearman
from goodseed.study.gains import held_out_gains
from goodseed.study.ledger import Ledger
from goodseed.study.tables import Tables, metric_parts
from goodseed.study.text_evidence import text_reliability

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

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
            name: spearman(sums.mean, tables.held_out[name].mean).as_dict()
            for name, sums in sorted(tables.selection.items())
        },
    }
    if bank.metrics:
        parts = metric_parts(ledger, "held_out")
        gains = golden_gains(bank, parts, len(ledger.plan.held_out), tables.sets["held_out"])
        found |= {"overlap": _overlap(bank), "golden_gain": gains}
    if len(ledger.seeds) > DIVERSE:
        found["diverse_gain"] = {
            feature: diverse_gain(
                bank.tensors[f"feature.{feature}"], ledger.column("held_out", feature), len(ledger.plan.held_out)
            )
            for feature in ("style", "composition")
            if feature in ledger.plan.judge_info["features"]
        }
    if ledger.text:
        found["inpaint"] = text_reliability(bank, ledger)
    figures: dict[str, Any] = rounded(found)
    return figures


def diverse_gain(features: npt.ArrayLike, held_out: Iterable[npt.ArrayLike], prompts: int) -> dict[str, Any]:
    """Return how much less alike the images of diverse sets are than those of random sets, on held-out prompts.

    `features` [S, D] choose the sets (farthest point sampling from many starts); `held_out`, [S, q, d] of some of all
    `prompts` prompts at a time, measures them (eq. 2). `random` is the exact expectation over all sets. The interval is
    normal, its width from a bootstrap over seeds and prompts in which the sets are chosen anew each time.
    """
    chooses = np.asarray(features, np.float64)[:MOST_SEEDS]
    seeds = len(chooses)
    starts = np.unique(np.linspace(0, seeds - 1, STARTS).astype(np.int64))
    sets = _sampled_sets(chooses, np.arange(seeds), starts)
    draw = np.random.default_rng(0)
    resamples = [_resample(chooses, draw, prompts) for _ in range(RESAMPLES)]
    diverse = random = 0.0
    gains, first = np.zeros(RESAMPLES), 0
    for part in held_out:
        units = _units(np.asarray(part)[:MOST_SEEDS])
        some = slice(first, first + units.shape[1])
        diverse += float(_alike_of_sets(units, sets).sum())
        random += float(_alike(units).sum())
        for index, resample in enumerate(resamples):
            alike = _alike(units[resample.seeds]) - _alike_of_sets(units, resample.sets)
            gains[index] += alike @ resample.weights[some]
        first += units.shape[1]
    diverse, random = diverse / prompts, random / prompts
    gain = random - diverse
    half = _Z * float(gains.std(ddof=1))
    return {
        "diverse": diverse,
        "random": random,
        "gain": gain,
        "low": gain - half,
        "high": gain + half,
        "n": DIVERSE,
    }


@dataclass(frozen=True, eq=False)
class _Resample:
    """Seeds and prompts drawn with replacement, and the diverse sets that are chosen among these seeds."""

    seeds: IntArray
    weights: FloatArray
    """Of the prompts: [Q]."""
    sets: IntArray
    """Positions among all seeds: [sets, DIVERSE]."""


def _resample(features: FloatArray, draw: np.random.Generator, prompts: int) -> _Resample:
    seeds = len(features)
    # A seed drawn twice is one seed to choose from: a set never holds it twice.
    drawn = np.unique(draw.integers(seeds, size=seeds))
    weights = np.bincount(draw.integers(prompts, size=prompts), minlength=prompts) / prompts
    if len(drawn) < DIVERSE:
        drawn = np.arange(seeds)
    starts = draw.integers(len(drawn), size=STARTS_PER_RESAMPLE)
    return _Resample(drawn, weights, _sampled_sets(features, drawn, starts))


def _icc(tables: Tables) -> dict[str, Any]:
    both = {
        **{name: sums.with_those_of(tables.held_out[name]) for name, sums in tables.selection.items()},
        **tables.traits,
        **tables.composition,
    }
    return {name: sums.icc().as_dict() for name, sums in sorted(both.items())}


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


def golden_gains(
    bank: Bank,
    parts: Iterable[Mapping[str, npt.ArrayLike]],
    prompts: int,
    sets: Mapping[str, npt.ArrayLike],
) -> dict[str, dict[str, Any]]:
    """Return each rule's held-out gain in each metric.

    `parts` yield the held-out tables of metrics of single images, [S, p] of some of all `prompts` prompts at a time;
    `sets` are those of metrics of sets, [S, g]. All rules choose as many seeds as the paper's does (its intersection of
    the top quarters), so that they compare; where that is empty, a sixteenth of the seeds, and the paper's rule has no
    entry.
    """
    paper = golden_positions(bank, "paper")
    count = len(paper) or max(1, len(bank.seeds) // 16)
    rules = (*RULES, *sorted(bank.metrics))
    found = {rule: [int(position) for position in golden_positions(bank, rule, count)] for rule in rules}
    chosen = {rule: positions for rule, positions in found.items() if positions}
    directions = {name: str(about["direction"]) for name, about in bank.metrics.items()}
    of_images = {name: direction for name, direction in directions.items() if name not in sets}
    gains = held_out_gains(parts, prompts, len(bank.seeds), chosen, of_images)
    for rule, positions in chosen.items():
        for name, table in sets.items():
            gains[rule][name] = bootstrap_gain(table, positions, directions[name])
    return {rule: {name: gain.as_dict() for name, gain in sorted(found.items())} for rule, found in gains.items()}


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


def _sampled_sets(features: FloatArray, among: IntArray, starts: IntArray) -> IntArray:
    """Return the diverse sets among the seeds at some positions, from these starts among them: [sets, DIVERSE]."""
    table = features[among]
    sets: IntArray = among[np.array([farthest_point_sampling(table, DIVERSE, int(start)) for start in starts])]
    return sets


def _alike_of_sets(units: FloatArray, sets: IntArray) -> FloatArray:
    """Return the mean cosine within sets, a mean over the sets, per prompt: [Q]."""
    per_prompt: FloatArray = np.mean([_alike(units[chosen]) for chosen in sets], axis=0)
    return per_prompt


def rounded(value: Any) -> Any:
    """Return nested figures with 6 significant digits, as a bank keeps them."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
