"""A study's numbers as tables of seeds × prompts, in float64: what means, errors and intervals are made of.

A table of one number a cell is never whole in memory: `SeedSums` takes it some prompts at a time. Metrics of a seed's
whole set of images have a few numbers a seed, and stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodseed.stats import Interval, icc_of_squares
from goodseed.study.interfaces import SetDistance
from goodseed.study.ledger import Ledger
from goodseed.study.plan import SETS

FloatArray = npt.NDArray[np.float64]
Distances = Mapping[str, Mapping[str, SetDistance]]
"""Prompt set → metric per seed → what it is the distance to."""

PLACES = {"x": "centroid_x", "y": "centroid_y"}
"""Names in a bank's evidence of what a composition's axes are called."""

_METRIC, _TRAIT = "metric.", "trait."


class SeedSums:
    """What the figures of S seeds need of a table [S, P], however many prompts it has: [S] each."""

    def __init__(self, seeds: int) -> None:
        self.prompts = 0
        self._sums: FloatArray = np.zeros(seeds)
        self._rests: FloatArray = np.zeros(seeds)
        """Sums of what is left when each prompt's mean over the seeds is taken away."""
        self._squares: FloatArray = np.zeros(seeds)
        """Sums of its squares around each seed's mean."""
        self._largest = 0.0

    @staticmethod
    def of(*tables: npt.ArrayLike) -> SeedSums:
        """Take in whole tables [S, P], each of other prompts."""
        sums = SeedSums(len(np.asarray(tables[0])))
        for table in tables:
            sums.add(table)
        return sums

    def add(self, values: npt.ArrayLike) -> None:
        """Take in all seeds on the next prompts: [S, p]."""
        table = np.asarray(values, np.float64)
        rest = table - table.mean(axis=0)
        squares = ((rest - rest.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        largest = float(np.abs(table).max(initial=0.0))
        self._take(table.shape[1], table.sum(axis=1), rest.sum(axis=1), squares, largest)

    def with_those_of(self, other: SeedSums) -> SeedSums:
        """Return the sums of both tables side by side: the same seeds on this one's prompts and on the other's."""
        both = SeedSums(len(self._sums))
        for part in (self, other):
            both._take(part.prompts, part._sums, part._rests, part._squares, part._largest)
        return both

    @property
    def mean(self) -> FloatArray:
        """Each seed's mean: [S]."""
        means: FloatArray = self._sums / self.prompts
        return means

    @property
    def stderr(self) -> FloatArray:
        """The standard error of each seed's mean, prompts paired: [S]; 0 where there is one prompt.

        What a prompt does to all seeds alike says nothing about a seed.
        """
        if self.prompts < 2:
            return np.zeros(len(self._sums))
        error: FloatArray = np.sqrt(self._squares / (self.prompts - 1)) / np.sqrt(self.prompts)
        return error

    def icc(self) -> Interval:
        """Return the share of one image's variance that its seed explains (see `stats.icc`).

        Raises:
            StudyError: for fewer than two seeds or two prompts.
        """
        effects = self._rests / self.prompts
        between = self.prompts * float(((effects - effects.mean()) ** 2).sum())
        return icc_of_squares(between, float(self._squares.sum()), len(effects), self.prompts, self._largest)

    def _take(self, prompts: int, sums: FloatArray, rests: FloatArray, squares: FloatArray, largest: float) -> None:
        """Add the sums of further prompts (Chan, Golub, LeVeque 1979)."""
        if self.prompts and prompts:
            apart = rests / prompts - self._rests / self.prompts
            squares = squares + apart**2 * (self.prompts * prompts / (self.prompts + prompts))
        self.prompts += prompts
        self._sums = self._sums + sums
        self._rests = self._rests + rests
        self._squares = self._squares + squares
        self._largest = max(self._largest, largest)


@dataclass(frozen=True)
class Tables:
    """Each metric on each prompt set, and what needs no held-out set on both together."""

    selection: Mapping[str, SeedSums]
    """By metric."""
    held_out: Mapping[str, SeedSums]
    traits: Mapping[str, SeedSums]
    composition: Mapping[str, SeedSums]
    """centroid_x, centroid_y, size and, where measured, depth."""
    sets: Mapping[str, Mapping[str, FloatArray]]
    """Prompt set → metric per seed → what each prompt, or group of prompts, adds (`SetDistance.per_prompt`): [S, g]."""

    def of_set(self, prompt_set: str) -> Mapping[str, SeedSums]:
        return self.selection if prompt_set == "selection" else self.held_out

    @staticmethod
    def of(ledger: Ledger, distances: Distances) -> Tables:
        """Read a ledger once through."""
        sets = {name: _sets(ledger, name, found) for name, found in distances.items()}
        one, two = (_sums(ledger, name) for name in SETS)
        both = {name: sums.with_those_of(two[name]) for name, sums in one.items() if not name.startswith(_METRIC)}
        return Tables(
            selection=_metrics(one, sets["selection"]),
            held_out=_metrics(two, sets["held_out"]),
            traits={name.removeprefix(_TRAIT): sums for name, sums in both.items() if name.startswith(_TRAIT)},
            composition={name: sums for name, sums in both.items() if not name.startswith(_TRAIT)},
            sets=sets,
        )


def metric_parts(ledger: Ledger, prompt_set: str) -> Iterator[dict[str, np.ndarray]]:
    """Yield the tables of all metrics of single images, of some prompts after others: float32 [S, p] each."""
    columns = [name for name in ledger.plan.columns if name.startswith(_METRIC)]
    for _, part in ledger.parts(prompt_set, columns):
        yield {name.removeprefix(_METRIC): values for name, values in part.items()}


def _sums(ledger: Ledger, prompt_set: str) -> dict[str, SeedSums]:
    """Return the sums of all columns with one number a cell, and those of the composition's axes by their names."""
    columns = [name for name in ledger.plan.columns if name.startswith((_METRIC, _TRAIT))]
    columns += [name for name in ("composition",) if name in ledger.plan.columns]
    found: dict[str, SeedSums] = {}
    for _, part in ledger.parts(prompt_set, columns):
        places = part.pop("composition", None)
        for axis, name in enumerate(ledger.plan.composition_names):
            if places is not None:
                part[PLACES.get(name, name)] = places[..., axis]
        for name, values in part.items():
            found.setdefault(name, SeedSums(len(ledger.seeds))).add(values)
    return found


def _metrics(sums: Mapping[str, SeedSums], sets: Mapping[str, FloatArray]) -> dict[str, SeedSums]:
    of_images = {name.removeprefix(_METRIC): found for name, found in sums.items() if name.startswith(_METRIC)}
    return of_images | {metric: SeedSums.of(table) for metric, table in sets.items()}


def _sets(ledger: Ledger, prompt_set: str, distances: Mapping[str, SetDistance]) -> dict[str, FloatArray]:
    return {
        name: np.concatenate(
            [distance.per_prompt(block) for block in ledger.blocks(prompt_set, ledger.plan.set_metrics[name])]
        )
        for name, distance in distances.items()
    }
