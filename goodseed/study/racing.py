"""Racing: seeds meet prompts in one fixed order and leave once it is sure enough that they are in the top, or not.

After 16, 32, 64 … prompts each undecided seed is held against the k-th place by paired differences on the same
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


def round_ends(prompts: int, start: int = START) -> list[int]:
    """Return after how many prompts the rounds end: start, twice that, … and all of them."""
    ends = [min(start, prompts)]
    while ends[-1] < prompts:
        ends.append(min(2 * ends[-1], prompts))
    return ends


def decided(standing: Standing, table: npt.ArrayLike, top: int, z: float = Z) -> Standing:
    """Return the standing after a round in which no prompt was the last one.

    `table` [U, n] holds the undecided seeds' scores on all prompts so far, more is better. The standard error of a
    difference is that of a paired difference to a mean of many seeds: the residual variance, pooled over the seeds.
    """
    values = _centred(table)
    places = top - int(standing.accepted.sum())
    waiting, prompts = values.shape
    if prompts < 2 or not 0 < places < waiting:
        return _filled(standing, top)
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
    return _filled(Standing(accepted, rejected), top)


def finished(standing: Standing, table: npt.ArrayLike, top: int) -> Standing:
    """Return the standing after the last prompt: the best undecided seeds by mean take the places that are left."""
    places = top - int(standing.accepted.sum())
    order = np.argsort(-_centred(table).mean(axis=1), kind="stable")
    chosen = np.zeros(len(order), bool)
    chosen[order[:places]] = True
    return _closed(standing, chosen)


def race(table: npt.ArrayLike, top: int, start: int = START, z: float = Z) -> tuple[Standing, int]:
    """Race on a table [S, P] that is there already, more is better; return the end's standing and the images used.

    For simulations and benchmarks: it uses a cell only where a race would have measured it.
    """
    values = np.asarray(table, np.float64)
    standing, images, done = Standing.at_start(len(values)), 0, 0
    for end in round_ends(values.shape[1], start):
        images += len(standing.undecided) * (end - done)
        done = end
        seen = values[standing.undecided, :end]
        standing = finished(standing, seen, top) if end == values.shape[1] else decided(standing, seen, top, z)
        if not len(standing.undecided):
            break
    return standing, images


def _centred(table: npt.ArrayLike) -> FloatArray:
    values = np.asarray(table, np.float64)
    centred: FloatArray = values - values.mean(axis=0)
    return centred


def _filled(standing: Standing, top: int) -> Standing:
    """Close a race that has no place left, or as many undecided seeds as places."""
    places, waiting = top - int(standing.accepted.sum()), len(standing.undecided)
    if places == 0:
        return _closed(standing, np.zeros(waiting, bool))
    return _closed(standing, np.ones(waiting, bool)) if places == waiting else standing


def _closed(standing: Standing, chosen: BoolArray) -> Standing:
    """Accept the chosen ones of the undecided [U], reject the others."""
    accepted = standing.accepted.copy()
    accepted[standing.undecided[chosen]] = True
    return Standing(accepted, ~accepted)
