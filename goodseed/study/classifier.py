"""Can the seed be told from the picture? "Good Seed Makes a Good Crop", section 3.3, on a study's features.

The paper trains a network on 9,000 pictures a seed. Here probabilistic linear discriminant analysis (Ioffe 2006) takes
its place, which needs few: features are normal around their seed's middle, middles normal around a common one. The
covariance within seeds is shrunk (Ledoit and Wolf 2004), and a seed's middle drawn to the common one by as much as its
few pictures leave open. Learned on the selection prompts, tested on pictures of prompts that it has not met.
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
from goodseed.study.plan import SETS, SMALL

FloatArray = npt.NDArray[np.float64]

TAILS = 60.0
"""Degrees of freedom of Student's t, as which a picture lies around its seed's middle: failed ones lie far off."""

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


@dataclass(frozen=True, eq=False)
class SeedModel:
    """What S seeds' pictures look like, on m axes along which seeds differ; chance has variance 1 on each."""

    origin: FloatArray
    """Features of the common middle: [d]."""
    axes: FloatArray
    """Features to axes: [d, m]."""
    middles: FloatArray
    """Each seed's middle, as expected after what was seen of it: [S, m]."""
    between: FloatArray
    """Variance of the seeds' middles: [m]."""
    spread: FloatArray
    """Variance of a seed's next picture around its expected middle: [m], chance and what is not known of the middle."""

    @staticmethod
    def learn(features: npt.ArrayLike) -> SeedModel:
        """Learn from features [S, P, d] of two seeds and two pictures each, at least."""
        values = np.asarray(features, np.float64)
        prompts = values.shape[1]
        means, whiten = _whitened(values)
        origin = means.mean(axis=0)
        places = (means - origin) @ whiten
        size = places.shape[1]
        covariance = places.T @ places / (len(places) - 1) - np.eye(size) / prompts
        variances, vectors = np.linalg.eigh(covariance)
        between, vectors = variances[variances > 0], vectors[:, variances > 0]
        known = between / (between + 1 / prompts)
        return SeedModel(
            origin, whiten @ vectors, places @ vectors * known, between, 1 + between / (prompts * between + 1)
        )

    def places(self, features: npt.ArrayLike) -> FloatArray:
        """Return where pictures lie on the axes: [N, d] → [N, m]."""
        found: FloatArray = (np.asarray(features, np.float64) - self.origin) @ self.axes
        return found

    def likelihoods(self, features: npt.ArrayLike) -> FloatArray:
        """Return the log-likelihood of pictures [N, d] under each seed, but for a constant: [N, S]."""
        scale = np.sqrt(self.spread)
        points, middles = self.places(features) / scale, self.middles / scale
        squares = (points**2).sum(axis=1)[:, None] - 2 * points @ middles.T + (middles**2).sum(axis=1)
        return _student(np.maximum(squares, 0.0), self.spread)

    def likelihood_of_others(self, features: npt.ArrayLike) -> FloatArray:
        """Return that of a seed of which nothing was seen: [N]."""
        variance = 1 + self.between
        return _student((self.places(features) ** 2 / variance).sum(axis=1), variance)


def classify_study(folder: Path | str, seeds: int | None = None, prompts: int | None = None) -> Told:
    """Tell the seeds of a finished study (or its first `seeds` ones) from its features.

    Where `prompts` are given, it learns from so many of the selection prompts only, the first ones.

    Raises:
        StudyError: when the folder holds no finished study of every seed on every prompt, or no features.
    """
    ledger = read_ledger(folder)
    learn, test = (features_of(ledger, prompt_set, seeds) for prompt_set in SETS)
    return told(learn[:, :prompts], test, feature_names(ledger))


def told(learn: npt.ArrayLike, test: npt.ArrayLike, features: tuple[str, ...] = ()) -> Told:
    """Learn the seeds from features [S, P, d], and tell them from those of other prompts [S, Q, d].

    Raises:
        StudyError: for fewer than two seeds or prompts, or features that do not fit each other.
    """
    first, second = np.asarray(learn, np.float64), np.asarray(test, np.float64)
    if first.ndim != 3 or min(first.shape[:2]) < 2 or second.shape[::2] != first.shape[::2] or not second.shape[1]:
        shapes = f"{first.shape} and {second.shape}"
        raise StudyError(f"classifier: features of shapes {shapes}; give [S, P, d] and [S, Q, d] of two seeds or more")
    model = SeedModel.learn(first)
    seeds, prompts = len(first), second.shape[1]
    right, near = np.empty(prompts), np.empty(prompts)
    for prompt in range(prompts):
        likely = model.likelihoods(second[:, prompt])
        better = (likely > np.diagonal(likely)[:, None]).sum(axis=1)
        right[prompt], near[prompt] = (better == 0).mean(), (better < NEAREST).mean()
    five = min(NEAREST, seeds) / seeds
    found = bootstrap_mean(right), bootstrap_mean(near)
    return Told(found[0], 1 / seeds, found[1], five, seeds, first.shape[1], prompts, features)


def feature_names(ledger: Ledger) -> tuple[str, ...]:
    """Return by which features a study's seeds are told: small pictures where it kept them, for others add noise."""
    if SMALL in ledger.plan.columns:
        return (SMALL,)
    return tuple(name for name, _ in _tables(ledger, "selection"))


def features_of(ledger: Ledger, prompt_set: str, seeds: int | None = None) -> FloatArray:
    """Return the features that tell a study's (first) seeds, side by side: [S, P, d].

    Raises:
        StudyError: when the study measured none.
    """
    tables = [np.asarray(table[:seeds], np.float64) for _, table in _tables(ledger, prompt_set)]
    if not tables:
        raise StudyError(f"{ledger.folder}: the study measured no features; nothing tells its seeds")
    return np.concatenate(tables, axis=2)


def _student(squares: FloatArray, variance: FloatArray) -> FloatArray:
    """Return log-densities of Student's t on m axes, but for a constant, from squared scaled distances [...]."""
    found: FloatArray = -(TAILS + len(variance)) / 2 * np.log1p(squares / TAILS) - np.log(variance).sum() / 2
    return found


def _whitened(features: FloatArray) -> tuple[FloatArray, FloatArray]:
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
    """Yield each kind of feature of one prompt set that tells seeds: [S, P, d]."""
    if SMALL in ledger.plan.columns:
        yield SMALL, np.concatenate(list(ledger.blocks(prompt_set, SMALL)))
        return
    cells = ledger.cells(prompt_set)
    for name, values in (("style", cells.style), ("composition", cells.composition)):
        if values is not None:
            yield name, values
    if cells.traits:
        yield "traits", np.stack([cells.traits[trait] for trait in sorted(cells.traits)], axis=2)
    for column in sorted(set(ledger.plan.set_metrics.values())):
        yield column, np.concatenate(list(ledger.blocks(prompt_set, column)))
