"""From a race to a seed bank: the first round's bank, its scores carried on by the rounds that followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from goodseed.banks.format import Bank, make_bank
from goodseed.stats import bootstrap_contrast
from goodseed.study.bank import build_bank, prompts_info
from goodseed.study.evidence import rounded
from goodseed.study.plan import SETS
from goodseed.study.race_plan import ORDER, RacePlan
from goodseed.study.racing import FloatArray, IntArray, Standing
from goodseed.study.unbalanced import Block, adjusted_means

KIND = "racing"


@dataclass(frozen=True, eq=False)
class Round:
    """A round that was run: the prompts met by its end, the seeds in it, their scores, and what came of it."""

    end: int
    seeds: IntArray
    """Positions among all seeds: [s]."""
    scores: Mapping[str, FloatArray]
    """Metric → [s, prompts of this round]."""
    standing: Standing


@dataclass(frozen=True, eq=False)
class Finals:
    """Scores on the held-out prompts: of all seeds on the first ones, of the finalists on the rest (or on none)."""

    everyone: Mapping[str, FloatArray]
    """Metric → [S, q]."""
    finalists: IntArray
    """Positions of the accepted and of the compared seeds: [f]."""
    rest: Mapping[str, FloatArray]
    """Metric → [f, Q − q]; empty where no prompt is left."""


def race_bank(
    opening: Path, race: RacePlan, rounds: Sequence[Round], finals: Finals, standing: Standing, images: int
) -> Bank:
    """Return the bank of a race whose first round, a study of all seeds, lies in the folder `opening`.

    Metrics of single images are least squares means over all rounds (`unbalanced.py`), their n a seed's own. Metrics
    of a whole set of images compare only at equal n on the same prompts: they, the traits and the features stay those
    of the first round, and so do ICC, rank correlation and the gain of diverse sets. The gain of the accepted seeds is
    measured on all held-out prompts, against seeds drawn whatever they scored.
    """
    first = build_bank(opening)
    seeds = len(first.seeds)
    tensors = dict(first.tensors)
    for metric in finals.everyone:
        blocks = [Block(part.seeds, part.scores[metric]) for part in rounds]
        held_out = [Block(np.arange(seeds), finals.everyone[metric])]
        if finals.rest:
            held_out.append(Block(finals.finalists, finals.rest[metric]))
        for prefix, parts in (("metric", blocks), ("heldout", held_out)):
            means = adjusted_means(parts, seeds)
            tensors[f"{prefix}.{metric}.mean"] = means.mean.astype(np.float32)
            tensors[f"{prefix}.{metric}.stderr"] = means.stderr.astype(np.float32)
            tensors[f"{prefix}.{metric}.n"] = means.n
    measured = first.info["reliability"]
    info = {
        **first.info,
        "prompts": {name: prompts_info(race.study, name, ORDER) for name in SETS},
        "features": {
            name: {**about, "held_out_prompts": race.checked} for name, about in first.info["features"].items()
        },
        "design": _design(race, rounds, standing, images),
        "reliability": {
            **{part: measured[part] for part in ("icc", "rank_correlation", "diverse_gain") if part in measured},
            "golden_gain": {race.metric: _gains(race, finals, standing)},
        },
    }
    return make_bank(tensors, info)


def _design(race: RacePlan, rounds: Sequence[Round], standing: Standing, images: int) -> dict[str, Any]:
    study = race.study
    return {
        "kind": KIND,
        "images": images,
        "images_exhaustive": study.images,
        "metric": race.metric,
        "top": race.top,
        **race.rule_settings,
        "rounds": [
            {
                "prompts": part.end,
                "seeds": len(part.seeds),
                "accepted": int(part.standing.accepted.sum()),
                "rejected": int(part.standing.rejected.sum()),
            }
            for part in rounds
        ],
        "accepted": [seed for seed, taken in zip(study.seeds, standing.accepted, strict=True) if taken],
        "held_out": {"everyone": race.checked, "finalists": len(study.held_out), "compared": list(race.compared)},
        "same_for_all": {"selection": race.start, "held_out": race.checked},
    }


def _gains(race: RacePlan, finals: Finals, standing: Standing) -> dict[str, Any]:
    """Return each metric's gain of the accepted seeds over the compared ones, on all held-out prompts."""
    wanted = set(race.compared)
    accepted = standing.accepted[finals.finalists]
    compared = np.array([race.study.seeds[position] in wanted for position in finals.finalists])
    gains: dict[str, Any] = {}
    for metric, everyone in sorted(finals.everyone.items()):
        parts = [everyone[finals.finalists], *([finals.rest[metric]] if finals.rest else [])]
        table = np.concatenate(parts, axis=1)
        direction = race.study.judge_info["metrics"][metric]["direction"]
        gains[metric] = bootstrap_contrast(table[accepted], table[compared], direction).as_dict()
    found: dict[str, Any] = rounded(gains)
    return found
