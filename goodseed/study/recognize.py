"""Which seed of a study likely made this picture, or none of them.

The seeds' model is `goodseed.study.classifier.SeedModel`. A picture may as well come of a seed that the study has not
measured: that is half of what is expected beforehand, and has a likelihood of its own. Features lie around their middle
in no perfect order and pictures of one seed are no independent draws, so that plain probabilities are too sure of
themselves. They are flattened by a temperature, and "none of them" has a handicap (Platt's two numbers; Guo et al.
2017), chosen where the truth is known: every second seed is learned, and pictures of held-out prompts are asked about,
of those seeds and of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from goodseed.determinism.randomness import random_state_kept
from goodseed.errors import StudyError
from goodseed.stats import Interval, bootstrap_mean
from goodseed.study.classifier import NEAREST, FloatArray, SeedModel, features_of
from goodseed.study.ledger import Ledger, read_ledger
from goodseed.study.metrics.small import small
from goodseed.study.plan import QUALITY, SETS, SMALL
from goodseed.study.registry import make_pair

NAMED = 0.5
"""A seed stands out where it has more than this of all probability."""

TEMPERATURES = np.geomspace(1.0, 32.0, 11)
HANDICAPS = np.linspace(-60.0, 60.0, 49)


@dataclass(frozen=True)
class Scale:
    """From evidence to probabilities: evidence over `temperature`, after `handicap` was added to that of none."""

    temperature: float = 1.0
    handicap: float = 0.0

    def shares(self, evidence: FloatArray) -> FloatArray:
        """Return probabilities [N, S + 1] from evidence [N, S + 1], its last column that of none."""
        scaled = evidence / self.temperature
        scaled[:, -1] += self.handicap / self.temperature
        scaled -= scaled.max(axis=1, keepdims=True)
        weights = np.exp(scaled)
        shares: FloatArray = weights / weights.sum(axis=1, keepdims=True)
        return shares


@dataclass(frozen=True)
class Guess:
    """What a picture's features say: seeds with their probabilities, likeliest first, and that of none of them."""

    likeliest: tuple[tuple[int, float], ...]
    none: float

    @property
    def seed(self) -> int | None:
        """The seed that stands out, if one does."""
        seed, probability = self.likeliest[0]
        return seed if probability > NAMED else None

    def as_dict(self) -> dict[str, Any]:
        likeliest = [{"seed": seed, "probability": probability} for seed, probability in self.likeliest]
        return {"seed": self.seed, "none": self.none, "likeliest": likeliest}


@dataclass(frozen=True)
class Calibration:
    """How often a seed was named, and rightly, where the truth is known; intervals are over prompts."""

    scale: Scale
    seeds: int
    """Seeds that were learned: half of the study's."""
    named_right: Interval
    """Of pictures of these seeds: the share for which their own seed stood out."""
    named_wrong: Interval
    """… and another one."""
    named_strangers: Interval
    """Of pictures of the other seeds: the share for which a seed stood out all the same."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Recognizer:
    """Names the seeds of one study."""

    seeds: tuple[int, ...]
    model: SeedModel
    calibration: Calibration

    def guess(self, features: npt.ArrayLike) -> list[Guess]:
        """Return what the features [N, d] say of each picture."""
        shares = self.calibration.scale.shares(evidence(self.model, features))
        guesses = []
        for row in shares:
            order = np.argsort(-row[:-1], kind="stable")[:NEAREST]
            guesses.append(Guess(tuple((self.seeds[i], float(row[i])) for i in order), float(row[-1])))
        return guesses


def evidence(model: SeedModel, features: npt.ArrayLike) -> FloatArray:
    """Return logarithms of prior times likelihood, of each of S seeds and of none: [N, d] → [N, S + 1]."""
    seeds = model.likelihoods(features) - np.log(2 * len(model.middles))
    return np.concatenate([seeds, model.likelihood_of_others(features)[:, None] - np.log(2)], axis=1)


def learn_recognizer(folder: Path | str, seeds: int | None = None) -> tuple[Recognizer, Ledger]:
    """Learn to name the seeds of a finished study (or its first `seeds` ones).

    Raises:
        StudyError: when the folder holds no finished study of every seed on every prompt, or no features, or fewer
            than four seeds.
    """
    ledger = read_ledger(folder)
    learn, test = (features_of(ledger, prompt_set, seeds) for prompt_set in SETS)
    return Recognizer(ledger.seeds[: len(learn)], SeedModel.learn(learn), calibrate(learn, test)), ledger


def calibrate(learn: npt.ArrayLike, test: npt.ArrayLike) -> Calibration:
    """Choose the scale, and say how often seeds are named rightly: features [S, P, d] and [S, Q, d].

    The shares are of prompts that the scale was not chosen on: chosen on half of the held-out prompts, counted on
    the other, both ways.

    Raises:
        StudyError: for fewer than four seeds or two held-out prompts.
    """
    first, second = np.asarray(learn, np.float64), np.asarray(test, np.float64)
    if len(first) < 4 or second.shape[1] < 2:
        raise StudyError(f"classify: {len(first)} seeds and {second.shape[1]} held-out prompts; take at least 4 and 2")
    model = SeedModel.learn(first[0::2])
    found = [evidence(model, second[:, prompt]) for prompt in range(second.shape[1])]
    truth = _truth(len(first))
    counted = np.empty((len(found), 3))
    for half in (0, 1):
        scale = _best_scale(found[1 - half :: 2], truth)
        for prompt in range(half, len(found), 2):
            counted[prompt] = _named(scale.shares(found[prompt]), truth)
    right, wrong, strangers = (bootstrap_mean(column) for column in counted.T)
    return Calibration(_best_scale(found, truth), len(model.middles), right, wrong, strangers)


def picture_features(ledger: Ledger, images: Mapping[str, npt.NDArray[np.uint8]]) -> FloatArray:
    """Return the features of pictures [H, W, 3], by their names, that tell the study's seeds: [N, d].

    Raises:
        StudyError: when the study's judge cannot measure a picture.
        WeightsError: when the judge's weights are neither here nor to be had.
    """
    if SMALL in ledger.plan.columns:
        return np.concatenate([small(image[None]) for image in images.values()]).astype(np.float64)
    plan = ledger.plan
    _, judge = make_pair(plan.generator, plan.metrics, options=plan.options)
    rows = []
    with random_state_kept():
        for name, image in images.items():
            try:
                found = judge.measure(image[None].copy(), plan.selection.prompts[0])
            except StudyError as error:
                raise StudyError(
                    f"{name}: cannot be measured as the study measures ({error}); is it of its size?"
                ) from error
            parts = [part for part in (found.style, found.composition) if part is not None]
            if found.traits:
                parts.append(np.stack([found.traits[trait] for trait in sorted(found.traits)], axis=1))
            sets = dict(found.sets) if found.quality is None else {QUALITY: found.quality, **found.sets}
            parts += [sets[column] for column in sorted(set(plan.set_metrics.values()))]
            rows.append(np.concatenate(parts, axis=1, dtype=np.float64))
    return np.concatenate(rows)


def _truth(seeds: int) -> npt.NDArray[np.int64]:
    """Return the right column for each seed, of which every second one was learned: none for the others."""
    learned = -(-seeds // 2)
    return np.where(np.arange(seeds) % 2 == 0, np.arange(seeds) // 2, learned)


def _best_scale(found: Sequence[FloatArray], truth: npt.NDArray[np.int64]) -> Scale:
    """Return the scale under which the truth is likeliest."""
    rows = np.concatenate(found)
    right = rows[np.arange(len(rows)), np.tile(truth, len(found))]
    strangers = np.tile(truth == rows.shape[1] - 1, len(found))
    best, scale = np.inf, Scale()
    for temperature in TEMPERATURES:
        seeds = np.logaddexp.reduce(rows[:, :-1] / temperature, axis=1)
        for handicap in HANDICAPS:
            none = (rows[:, -1] + handicap) / temperature
            likely = np.where(strangers, none, right / temperature) - np.logaddexp(seeds, none)
            if -likely.mean() < best:
                best, scale = -float(likely.mean()), Scale(float(temperature), float(handicap))
    return scale


def _named(shares: FloatArray, truth: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    best = shares[:, :-1].argmax(axis=1)
    named = shares[np.arange(len(shares)), best] > NAMED
    known = truth < shares.shape[1] - 1
    right = named & (best == truth)
    return float(right[known].mean()), float((named & ~right)[known].mean()), float(named[~known].mean())
