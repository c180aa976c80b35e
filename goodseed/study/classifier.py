"""Can the seed be told from the picture? "Good Seed Makes a Good Crop", section 3.3, on a study's features.

The paper trains a network on 9,000 pictures a seed. Here linear discriminant analysis with equal priors takes its
place: the nearest class mean after whitening by the shrunk covariance within seeds (Ledoit and Wolf 2004), learned on
the selection prompts and tested on pictures of prompts that it has not met.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from goodseed.errors import StudyError
from goodseed.stats import Interval, bootstrap_mean
from goodseed.study.ledger import Ledger, read_ledger

FloatArray = npt.NDArray[np.float64]

NEAREST = 5
"""The second figure: how often the true seed is among so many likeliest ones."""


@dataclass(frozen=True)
class Told:
    """How often the seed was told from a picture of a held-out prompt, beside chance; intervals are over prompts."""

    accuracy: Interval
    chance: float
    among_five: Interval
    chance_five: float
    seeds: int
    learned: int
    """Pictures a seed that it learned from: the selection prompts."""
    tested: int
    """Pictures a seed that it was tested on: the held-out prompts."""
    features: tuple[str, ...]

    @property
    def better_than_chance(self) -> bool:
        return self.accuracy.low > self.chance

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "features": list(self.features), "better_than_chance": self.better_than_chance}


def classify_study(folder: Path | str, seeds: int | None = None) -> Told:
    """Tell the seeds of a finished study (or its first `seeds` ones) from its features.

    Raises:
        StudyError: when the folder holds no finished study of every seed on every prompt, or no features.
    """
    ledger = read_ledger(folder)
    sides = [
        {name: np.asarray(table[:seeds], np.float64) for name, table in _tables(ledger, prompt_set)}
        for prompt_set in ("selection", "held_out")
    ]
    if not sides[0]:
        raise StudyError(f"{folder}: the study measured no features; nothing tells its seeds")
    learn, test = (np.concatenate([side[name] for name in sides[0]], axis=2) for side in sides)
    return told(learn, test, tuple(sides[0]))


def told(learn: npt.ArrayLike, test: npt.ArrayLike, features: tuple[str, ...] = ()) -> Told:
    """Learn the seeds from features [S, P, d], and tell them from those of other prompts [S, Q, d].

    Raises:
        StudyError: for fewer than two seeds or prompts, or features that do not fit each other.
    """
    first, second = np.asarray(learn, np.float64), np.asarray(test, np.float64)
    if first.ndim != 3 or min(first.shape[:2]) < 2 or second.shape[::2] != first.shape[::2] or not second.shape[1]:
        shapes = f"{first.shape} and {second.shape}"
        raise StudyError(f"classifier: features of shapes {shapes}; give [S, P, d] and [S, Q, d] of two seeds or more")
    means, whiten = _learned(first)
    seeds, prompts = len(first), second.shape[1]
    right, near = np.empty(prompts), np.empty(prompts)
    centres = means @ whiten
    for prompt in range(prompts):
        points = second[:, prompt] @ whiten
        distance = (centres**2).sum(axis=1) - 2 * points @ centres.T  # its own square is the same for all centres
        closer = (distance < np.diagonal(distance)[:, None]).sum(axis=1)
        right[prompt], near[prompt] = (closer == 0).mean(), (closer < NEAREST).mean()
    five = min(NEAREST, seeds) / seeds
    found = bootstrap_mean(right), bootstrap_mean(near)
    return Told(found[0], 1 / seeds, found[1], five, seeds, first.shape[1], prompts, features)


def _learned(features: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the seeds' means [S, d] and what makes the covariance within seeds the unit one [d, d]."""
    from sklearn.covariance import ledoit_wolf

    _, prompts, size = features.shape
    means = features.mean(axis=1)
    within = (features - means[:, None]).reshape(-1, size)
    spread = within.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    covariance = ledoit_wolf(within / scale, assume_centered=True)[0] * (prompts / (prompts - 1))
    values, vectors = np.linalg.eigh(covariance)
    kept = values > values.max(initial=0.0) * 1e-9
    whiten: FloatArray = (vectors[:, kept] / np.sqrt(values[kept])) / scale[:, None]
    return means, whiten


def _tables(ledger: Ledger, prompt_set: str) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield each kind of feature of one prompt set: [S, P, d]."""
    cells = ledger.cells(prompt_set)
    for name, values in (("style", cells.style), ("composition", cells.composition)):
        if values is not None:
            yield name, values
    if cells.traits:
        yield "traits", np.stack([cells.traits[trait] for trait in sorted(cells.traits)], axis=2)
    for column in sorted(set(ledger.plan.set_metrics.values())):
        yield column, np.concatenate(list(ledger.blocks(prompt_set, column)))
