"""What a race believes of each seed: its mean over all prompts, from those that it has met, without a shape assumed.

Nonparametric empirical Bayes. How the seeds' effects are spread is estimated on a grid by maximum likelihood (Kiefer
and Wolfowitz 1956; by the EM steps of Laird 1978), so that a few seeds may stand far out, as they do where a trait is
rare. Chance is taken as normal about a seed's effect, and its variance as a straight line in that: a trait that is
there or not varies most in the middle, a score that cannot exceed ten varies least near it. Where chance is skewed, a
mean and a variance from the same few pictures go together without any cause, by the third moment over their number;
that is taken out of the line, or seeds that were lucky would be taken for steady ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodseed.study.racing import FloatArray, IntArray

_GRID, _STEPS = 60, 30
"""Effects that are told apart, and steps of the estimate; more steps would make it sharper, and races less careful."""

_BEYOND = 0.2
"""The grid goes so much further on either side than the shrunken means do, as a share of their range."""

_LEAST = 0.5
"""The line of variances stays above this share of the mean one: a few prompts show no seed to be without chance."""

_EVERYWHERE = 1e-3
"""Where the estimate starts: normal, and this much at every place."""

_HALVINGS = 50


@dataclass(frozen=True, eq=False)
class Prices:
    """What it is expected to cost, in the sum of means over all prompts, to decide now: [U] each."""

    leave: FloatArray
    take: FloatArray
    gain: float
    """What the best seeds are expected to gain over the mean one, all together."""


class Beliefs:
    """Scores seen so far, as sums: a seed that has left keeps what it met, and still says how effects are spread."""

    def __init__(self, seeds: int, prompts: int) -> None:
        self._prompts = prompts
        self._count, self._sum, self._squares, self._cubes = (np.zeros(seeds) for _ in range(4))
        self._expected: FloatArray = np.zeros(seeds)
        self._between = self._within = 0.0
        self._grid = self._weights = np.zeros(0)
        self.variances: FloatArray = np.zeros(0)
        """Of one picture's score around its seed's effect, at each of the effects that are told apart."""

    def learn(self, running: IntArray, new: npt.ArrayLike) -> bool:
        """Take in the running seeds' scores on new prompts [U, q], and return whether seeds are seen to differ."""
        scores = np.asarray(new, np.float64)
        scores = (
            scores - scores.mean(axis=0) + self._expected[running].mean()
        )  # what a prompt does to all tells of none
        self._count[running] += scores.shape[1]
        self._sum[running] += scores.sum(axis=1)
        self._squares[running] += (scores**2).sum(axis=1)
        self._cubes[running] += (scores**3).sum(axis=1)
        means, variances = self._means(), self._seeds_variances()
        self._within = float(np.average(variances, weights=self._count - 1)) if self._count.min() > 1 else 0.0
        if len(running) == len(means):  # later, those that are left were chosen
            self._between = max(float(means.var(ddof=1) - self._within / self._count[0]), 0.0)
        if self._between == 0 or self._within == 0:
            return False
        self._estimate(means, variances)
        return True

    def prices(self, running: IntArray, places: int) -> Prices:
        """Return what taking and leaving each running seed may cost, where `places` of them are to be taken."""
        seen = self._count[running][:, None]
        missing = self._prompts - seen
        ends = (seen * self._means()[running][:, None] + missing * self._grid) / self._prompts
        moves = np.sqrt(self.variances * missing) / self._prompts
        weights = self._weights[running]
        border = _border(ends, moves, weights, places)
        leave, take = (
            (weights * moves * _beyond(side * (ends - border) / moves)).sum(axis=1)  # E max(0, ±(mean − border))
            for side in (1, -1)
        )
        average = float((weights * ends).sum(axis=1).mean())
        return Prices(leave, take, float(leave.sum()) + places * (border - average))

    def _means(self) -> FloatArray:
        return self._sum / self._count

    def _seeds_variances(self) -> FloatArray:
        squares = self._squares - self._sum**2 / self._count
        variances: FloatArray = np.maximum(squares, 0.0) / np.maximum(self._count - 1, 1)
        return variances

    def _seeds_skews(self) -> FloatArray:
        """Return each seed's third central moment (the k-statistic k3), unbiased; 0 from two prompts."""
        count, means = self._count, self._means()
        cubes = self._cubes - 3 * means * self._squares + 2 * count * means**3
        skews: FloatArray = cubes * count / np.maximum((count - 1) * (count - 2), 1)
        return skews

    def _estimate(self, means: FloatArray, variances: FloatArray) -> None:
        """Estimate the spread of effects, the line of variances, and what each seed's effect may be."""
        chance = self._within / self._count
        shrunk = means.mean() + self._between / (self._between + chance) * (means - means.mean())
        weights = self._count - 1
        middle = np.average(shrunk, weights=weights)
        by_skew = self._between / (self._between + chance) * self._seeds_skews() / self._count
        slope = np.average((shrunk - middle) * variances - by_skew, weights=weights)
        slope /= np.average((shrunk - middle) ** 2, weights=weights)
        room = _BEYOND * np.ptp(shrunk)
        self._grid = np.linspace(shrunk.min() - room, shrunk.max() + room, _GRID)
        self.variances = np.maximum(self._within + slope * (self._grid - middle), _LEAST * self._within)
        likelihood = -((means[:, None] - self._grid) ** 2) * self._count[:, None]
        likelihood = likelihood / (2 * self.variances) - np.log(self.variances) / 2
        likelihood = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        spread = np.exp(-((self._grid - means.mean()) ** 2) / (2 * self._between)) + _EVERYWHERE
        for _ in range(_STEPS):
            spread = _shares(likelihood * spread).mean(axis=0)
        self._weights = _shares(likelihood * spread)
        self._expected = self._weights @ self._grid


def _shares(values: FloatArray) -> FloatArray:
    shares: FloatArray = values / values.sum(axis=1, keepdims=True)
    return shares


def _border(ends: FloatArray, moves: FloatArray, weights: FloatArray, places: int) -> float:
    """Return the last mean that takes a place: as many seeds are expected above it as there are places."""
    from scipy.special import ndtr

    low, high = float((ends - 6 * moves).min()), float((ends + 6 * moves).max())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if (weights * ndtr((ends - middle) / moves)).sum() > places:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beyond(z: FloatArray) -> FloatArray:
    """Return the expectation of max(0, z + a standard normal)."""
    from scipy.special import ndtr

    expected: FloatArray = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) + z * ndtr(z)
    return np.maximum(expected, 0.0)
