"""Which seed gives the noise of which step: swaps as users write them, and the plan of one run.

Steps are counted from 0. A swap at step k leaves everything before step k as it is.
"""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from goodseed.errors import SwapError
from goodseed.seeds import check_seed

UNITS = ("fraction", "step")
MOST_STEPS = 10_000
"""The most steps that ComfyUI's samplers take."""

_SWAP = re.compile(r"(\d{1,20}(?:\.\d{1,20})?)\s*(%?)\s*:\s*(\d{1,25})")


@dataclass(frozen=True)
class Swap:
    """From step `at` on, or from the fraction `at` of the steps on, the step noise is that of `seed`."""

    at: float
    unit: str
    seed: int

    def __post_init__(self) -> None:
        """Check it.

        Raises:
            SwapError: when `at` is no step in 0…10000, or no fraction in 0…1.
            SeedError: when the seed lies outside 0…2^64−1.
        """
        check_seed(self.seed, "swap_seed")
        if self.unit == "fraction":
            if not 0 <= self.at <= 1:
                raise SwapError(f"swap_at: {self.at:g} is no fraction in 0…1; for a step set swap_unit to step")
        elif self.unit != "step":
            raise SwapError(f"swap_unit: '{self.unit}' is none of {', '.join(UNITS)}")
        elif not 0 <= self.at <= MOST_STEPS or self.at != int(self.at):
            raise SwapError(f"swap_at: {self.at:g} is no whole step in 0…{MOST_STEPS}; for a part use fraction")

    def step(self, steps: int) -> int:
        """Return the step of the swap; a fraction is one of `steps`, to the nearest step, halves up."""
        if self.unit == "step":
            return int(self.at)
        return math.floor(round(self.at * steps, 6) + 0.5)


def parse_swaps(text: str) -> tuple[Swap, ...]:
    """Return the swaps of a text such as `5: 123, 50%: 99`: step or percent of the steps, then the seed from there on.

    Raises:
        SwapError: for a part that is no swap.
        SeedError: for a seed outside 0…2^64−1.
    """
    swaps = []
    for part in re.split(r"[,\n]", text):
        match = _SWAP.fullmatch(part.strip())
        if match is None:
            raise SwapError(f"swaps: '{part.strip()[:40]}' is no step and seed; write 5: 123, 50%: 99")
        at, percent, seed = float(match[1]), match[2], int(match[3])
        swaps.append(Swap(at / 100 if percent else at, "fraction" if percent else "step", seed))
    return tuple(swaps)


@dataclass(frozen=True)
class Plan:
    """The seeds of one run's step noise: (step, seed), steps rising. Before the first it is the run's own seed.

    `start` is the step that the run starts with; the steps of the swaps are counted from 0 all the same.
    """

    swaps: tuple[tuple[int, int], ...] = ()
    start: int = 0

    def seed_at(self, place: int, first: int | None) -> int | None:
        """Return the seed of the run's step `place`, counted from its own first step; `first` is the run's seed."""
        found = bisect.bisect_right(self.swaps, self.start + place, key=lambda swap: swap[0])
        return self.swaps[found - 1][1] if found else first

    def seeds(self, first: int | None) -> list[int | None]:
        """Return all seeds in order, each once, the run's own first."""
        return list(dict.fromkeys((first, *(seed for _, seed in self.swaps))))

    def as_list(self) -> list[list[int]]:
        """Return the swaps as JSON."""
        return [[step, seed] for step, seed in self.swaps]


def make_plan(swaps: Iterable[Swap], steps: int, start: int = 0) -> Plan:
    """Return the plan of a run over `steps` steps that starts with step `start`.

    Raises:
        SwapError: when two swaps lie at the same step.
    """
    found: dict[int, int] = {}
    for swap in swaps:
        step = swap.step(steps)
        if step in found:
            raise SwapError(f"swaps: two seeds from step {step} on, {found[step]} and {swap.seed}; leave one out")
        found[step] = swap.seed
    return Plan(tuple(sorted(found.items())), start)
