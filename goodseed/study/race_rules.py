"""When a seed leaves a race: by the gain that deciding now can cost, or, as older races, by intervals.

The rule `gain` has a belief of every seed's mean over all prompts (`goodseed.study.race_beliefs`), which says how far
its standing can still move. To take a seed or to leave it then has an expected price, next to none for a seed near the
border, which may as well go either way. All prices together stay below `SPEND` of what the whole study's best seeds
would gain: an indifference zone (Bechhofer 1954) in the place of certainty about each seed, with the prices of Chick
and Inoue's (2001) linear loss.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from goodseed.study.race_beliefs import Beliefs, Prices
from goodseed.study.racing import (
    START,
    IntArray,
    Standing,
    Z,
    decided,
    filled,
    finished,
    round_ends,
)

GAIN, INTERVAL = "gain", "interval"
RULES = (GAIN, INTERVAL)

SPEND = 0.004
"""The share of the whole study's gain that a race by `gain` may cost, as it expects it."""

BELIEFS = "nonparametric, unskewed"
"""What races by `gain` believe, as their plans say it. Earlier forms took skewed chance for steadiness
("nonparametric"), or effects as normal (nothing is said)."""

GROWTH = 1.5
"""By so much longer is each round's end of a race by `gain`: looking often pays more than long rounds."""


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
    """Return how many prompts all seeds meet: 16, or fewer where there are not many.

    With fewer a race by gain would save more, but what few prompts say of chance may be far from what the others will.
    """
    return max(3, min(START, prompts // 4)) if name == INTERVAL else max(4, min(START, prompts // 8))


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
        self._left: float | None = None
        self._beliefs: Beliefs | None = None

    def after(self, standing: Standing, table: npt.ArrayLike) -> Standing:
        values = np.asarray(table, np.float64)
        self._round += 1
        if values.shape[1] == self.prompts:
            return finished(standing, values, self.top)
        running = standing.undecided
        if self._beliefs is None:
            self._beliefs = Beliefs(len(standing.accepted), self.prompts)
        differ = self._beliefs.learn(running, values[:, self._seen :])
        self._seen = values.shape[1]
        if not differ:
            return standing
        places = self.top - int(standing.accepted.sum())
        return self._decided(standing, running, self._beliefs.prices(running, places), places)

    def _decided(self, standing: Standing, running: IntArray, prices: Prices, places: int) -> Standing:
        if self._left is None:
            self._left = self.spend * prices.gain
        price = np.minimum(prices.leave, prices.take)
        order = np.argsort(price, kind="stable")
        budget = self._left / (len(self.ends) - self._round)
        cheap = order[: int(np.searchsorted(np.cumsum(price[order]), budget, side="right"))]
        better = prices.take[cheap] < prices.leave[cheap]
        chosen, dropped = cheap[better][:places], cheap[~better][: len(running) - places]
        self._left -= float(price[chosen].sum() + price[dropped].sum())
        accepted, rejected = standing.accepted.copy(), standing.rejected.copy()
        accepted[running[chosen]] = True
        rejected[running[dropped]] = True
        return filled(Standing(accepted, rejected), self.top)


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
