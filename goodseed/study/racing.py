"""Racing: seeds meet prompts in one fixed order and leave once it is clear enough that they are in the top, or not.

What is clear enough is a rule's to say: `goodseed.study.race_rules` has two. This is where a race stands, and the older
rule: after 16, 32, 64 … prompts each undecided seed is held against the k-th place by paired differences on the same
prompts: a seed whose interval lies above is accepted, one whose interval lies below is rejected, and neither is
measured further. The oldest form of the idea: Maron and Moore, "Hoeffding Races" (1994). Nothing here makes images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

START = 16
"""Prompts in the first round."""

Z = 1.96
"""Half the width of a decision's interval, in standard errors: 95 % two-sided, each decision by itself."""

_BAND = 32
"""The k-th place is the mean of the seeds around it: one in so many of the undecided on either side."""


@dataclass(frozen=True, eq=False)
class Standing:
    """Where a race stands: bool [S] each. Seeds in neither are undecided and meet the next prompts."""

    accepted: BoolArray
    rejected: BoolArray

    @property
    def undecided(self) -> IntArray:
        """The positions of the seeds that run on: [U]."""
        return np.flatnonzero(~(self.accepted | self.rejected))

    @staticmethod
    def at_start(seeds: int) -> Standing:
        return Standing(np.zeros(seeds, bool), np.zeros(seeds, bool))


def round_ends(prompts: int, start: int = START, growth: float = 2.0) -> list[int]:
    """Return after how many prompts the rounds end: start, `growth` times that, … and all of them."""
    ends = [min(start, prompts)]
    while ends[-1] < prompts:
        ends.append(min(max(round(growth * ends[-1]), ends[-1] + 1), prompts))
    return ends


def decided(standing: Standing, table: npt.ArrayLike, top: int, z: float = Z) -> Standing:
    """Return the standing after a round in which no prompt was the last one.

    `table` [U, n] holds the undecided seeds' scores on all prompts so far, more is better. The standard error of a
    difference is that of a paired difference to a mean of many seeds: the residual variance, pooled over the seeds.
    """
    values = centred(table)
    places = top - int(standing.accepted.sum())
    waiting, prompts = values.shape
    if prompts < 2 or not 0 < places < waiting:
        return filled(standing, top)
    means = values.mean(axis=1)
    order = np.argsort(-means, kind="stable")
    band = max(1, waiting // _BAND)
    place = float(means[order[max(0, places - band) : places + band]].mean())
    residual = values - means[:, None]
    error = float(np.sqrt((residual**2).sum() / ((waiting - 1) * (prompts - 1)) / prompts))
    above, below = means - z * error > place, means + z * error < place
    if error == 0 or above.sum() > places or waiting - below.sum() < places:
        return standing  # without any spread, or with more seeds sure than there are places, nothing is decided
    accepted, rejected = standing.accepted.copy(), standing.rejected.copy()
    accepted[standing.undecided[above]] = True
    rejected[standing.undecided[below]] = True
    return filled(Standing(accepted, rejected), top)


def finished(standing: Standing, table: npt.ArrayLike, top: int) -> Standing:
    """Return the standing after the last prompt: the best undecided seeds by mean take the places that are left."""
    places = top - int(standing.accepted.sum())
    order = np.argsort(-centred(table).mean(axis=1), kind="stable")
    chosen = np.zeros(len(order), bool)
    chosen[order[:places]] = True
    return closed(standing, chosen)


def centred(table: npt.ArrayLike) -> FloatArray:
    """Take each prompt's mean over the seeds away: [S, n]."""
    values = np.asarray(table, np.float64)
    centred: FloatArray = values - values.mean(axis=0)
    return centred


def filled(standing: Standing, top: int) -> Standing:
    """Close a race that has no place left, or as many undecided seeds as places."""
    places, waiting = top - int(standing.accepted.sum()), len(standing.undecided)
    if places == 0:
        return closed(standing, np.zeros(waiting, bool))
    return closed(standing, np.ones(waiting, bool)) if places == waiting else standing


def closed(standing: Standing, chosen: BoolArray) -> Standing:
    """Accept the chosen ones of the undecided [U], reject the others."""
    accepted = standing.accepted.copy()
    accepted[standing.undecided[chosen]] = True
    return Standing(accepted, ~accepted)
