"""When a seed leaves a race: by the gain that deciding now can cost, or, as older races, by intervals.

The rule `gain` is empirical Bayes. Seeds' effects and chance are taken as normal, their variances are estimated while
all seeds run, and each seed has a posterior that says how far its standing can still move by the last prompt. To take a
seed or to leave it then has an expected price, next to none for a seed near the border, which may as well go either
way. All prices together stay below `SPEND` of what the whole study's best seeds would gain: an indifference zone
(Bechhofer 1954) in the place of certainty about each seed, with the prices of Chick and Inoue's (2001) linear loss.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from goodseed.study.racing import (
    START,
    FloatArray,
    IntArray,
    Standing,
    Z,
    centred,
    decided,
    filled,
    finished,
    round_ends,
)

GAIN, INTERVAL = "gain", "interval"
RULES = (GAIN, INTERVAL)

SPEND = 0.005
"""The share of the whole study's gain that a race by `gain` may cost, as it expects it."""

GROWTH = 1.5
"""By so much longer is each round's end of a race by `gain`: looking often pays more than long rounds."""

_HALVINGS = 60


class Rule(Protocol):
    """Decides after each round; one object sees one race."""

    ends: list[int]
    """After how many prompts the rounds end."""

    def after(self, standing: Standing, table: npt.ArrayLike) -> Standing:
        """Return the standing after a round; `table` [U, n]: the undecided seeds' scores so far, more is better."""
        ...


def make_rule(name: str, top: int, prompts: int, start: int, z: float = Z) -> Rule:
    """Make the rule called `name` for a race over so many prompts, `start` of them in the first round."""
    return GainRule(top, prompts, start) if name == GAIN else IntervalRule(top, prompts, start, z)


def first_round(name: str, prompts: int) -> int:
    """Return how many prompts all seeds meet: 16 by intervals, 8 by gain; fewer where there are not many."""
    return max(3, min(START, prompts // 4)) if name == INTERVAL else max(4, min(8, prompts // 8))


class IntervalRule:
    """`goodseed.study.racing.decided` after each round."""

    def __init__(self, top: int, prompts: int, start: int = START, z: float = Z) -> None:
        self.top, self.z = top, z
        self.ends = round_ends(prompts, start)

    def after(self, standing: Standing, table: npt.ArrayLike) -> Standing:
        last = np.shape(table)[1] == self.ends[-1]
        return finished(standing, table, self.top) if last else decided(standing, table, self.top, self.z)


class GainRule:
    """Decides the cheapest seeds first, for as long as the prices stay within this round's part of the budget."""

    def __init__(self, top: int, prompts: int, start: int, spend: float = SPEND, growth: float = GROWTH) -> None:
        self.top, self.prompts, self.spend = top, prompts, spend
        self.ends = round_ends(prompts, start, growth)
        self._round, self._seen = 0, 0
        self._left = 0.0
        self._between = self._within = 0.0
        self._means: FloatArray = np.zeros(0)

    def after(self, standing: Standing, table: npt.ArrayLike) -> Standing:
        values = np.asarray(table, np.float64)
        self._round += 1
        if values.shape[1] == self.prompts:
            return finished(standing, values, self.top)
        running = standing.undecided
        if len(running) == len(standing.accepted):
            self._estimate(values)
        elif self._between > 0:
            self._learn(running, values[:, self._seen :])
        self._seen = values.shape[1]
        return self._decided(standing, running) if self._between > 0 and self._within > 0 else standing

    def _estimate(self, table: FloatArray) -> None:
        """Estimate both variances and all posteriors afresh, while no seed has left: [S, n]."""
        values = centred(table)
        seeds, prompts = values.shape
        means = values.mean(axis=1)
        chance = ((values - means[:, None]) ** 2).sum() / ((seeds - 1) * max(prompts - 1, 1))
        self._within = float(chance)
        self._between = max(float(means.var(ddof=1) - chance / prompts), 0.0)
        if self._between == 0:
            return
        self._means = means * self._reliability(prompts)
        self._left = self.spend * self._whole_gain(seeds)

    def _learn(self, running: IntArray, new: FloatArray) -> None:
        """Move the posteriors of the seeds that run on by their scores on new prompts [U, q]."""
        before, more = self._precision(self._seen), new.shape[1] / self._within
        prior = self._means[running]
        scores = new.mean(axis=1)
        scores += prior.mean() - scores.mean()  # what a prompt does to all says nothing of any
        self._means[running] = (before * prior + more * scores) / (before + more)

    def _decided(self, standing: Standing, running: IntArray) -> Standing:
        places = self.top - int(standing.accepted.sum())
        means = self._means[running]
        moves = np.sqrt(1 / self._precision(self._seen) - 1 / self._precision(self.prompts))
        border = _border(means, moves, places)
        leave, take = moves * _beyond((means - border) / moves), moves * _beyond((border - means) / moves)
        prices = np.minimum(leave, take)
        order = np.argsort(prices, kind="stable")
        budget = self._left / (len(self.ends) - self._round)
        cheap = order[: int(np.searchsorted(np.cumsum(prices[order]), budget, side="right"))]
        chosen = cheap[take[cheap] < leave[cheap]][:places]
        dropped = cheap[take[cheap] >= leave[cheap]][: len(running) - places]
        self._left -= float(prices[chosen].sum() + prices[dropped].sum())
        accepted, rejected = standing.accepted.copy(), standing.rejected.copy()
        accepted[running[chosen]] = True
        rejected[running[dropped]] = True
        return filled(Standing(accepted, rejected), self.top)

    def _precision(self, prompts: int) -> float:
        return 1 / self._between + prompts / self._within

    def _reliability(self, prompts: int) -> float:
        return self._between / (self._between + self._within / prompts)

    def _whole_gain(self, seeds: int) -> float:
        """Return what the whole study's best seeds gain together: selection intensity × SD of the seeds' means."""
        from scipy.stats import norm

        share = self.top / seeds
        return float(seeds * norm.pdf(norm.isf(share)) * np.sqrt(self._between * self._reliability(self.prompts)))


def race(
    table: npt.ArrayLike, top: int, start: int | None = None, z: float = Z, rule: str = GAIN
) -> tuple[Standing, int]:
    """Race on a table [S, P] that is there already, more is better; return the end's standing and the images used.

    For simulations and benchmarks: it uses a cell only where a race would have measured it.
    """
    values = np.asarray(table, np.float64)
    start = first_round(rule, values.shape[1]) if start is None else start
    judge = make_rule(rule, top, values.shape[1], start, z)
    standing, images, done = Standing.at_start(len(values)), 0, 0
    for end in judge.ends:
        images += len(standing.undecided) * (end - done)
        done = end
        standing = judge.after(standing, values[standing.undecided, :end])
        if not len(standing.undecided):
            break
    return standing, images


def _border(means: FloatArray, moves: float, places: int) -> float:
    """Return the last standing that takes a place: as many seeds are expected above it as there are places."""
    from scipy.special import ndtr

    low, high = float(means.min() - 9 * moves), float(means.max() + 9 * moves)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if ndtr((means - middle) / moves).sum() > places:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beyond(z: FloatArray) -> FloatArray:
    """Return the expectation of max(0, z + a standard normal)."""
    from scipy.special import ndtr

    expected: FloatArray = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) + z * ndtr(z)
    return np.maximum(expected, 0.0)
