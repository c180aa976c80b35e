"""The runs of a figure of seed swaps, as in "Good Seed Makes a Good Crop", figure 2: a row a pair of seeds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from goodseed.errors import SwapError
from goodseed.seeds import parse_seeds

MOST_RUNS = 1000
"""The most runs that one grid asks for."""

_FRACTION = re.compile(r"(\d{1,20}(?:\.\d{1,20})?|\.\d{1,20})\s*(%?)")


@dataclass(frozen=True)
class Run:
    """One run of the Seed Swap KSampler: its seeds, the fraction of the steps to swap at, and `row | column`."""

    seed: int
    swap_seed: int
    swap_at: float
    initial_seed: int
    label: str


def plan_grid(
    seeds: str, swap_seeds: str, fractions: str, alone: bool = True, first_noise: bool = True, other_alone: bool = True
) -> list[Run]:
    """Return the runs of each pair of seeds, row by row.

    The first of `seeds` goes with the first of `swap_seeds`, and so on; where one of the two is a single seed, it goes
    with all of the other. `alone`: a run of the seed, not swapped. `first_noise`: one with the first noise of the swap
    seed and the step noise of the seed. `other_alone`: one of the swap seed, not swapped.

    Raises:
        SeedError: for a text that is no list of seeds.
        SwapError: for a text that is no list of fractions, lists that make no pairs, no run, or more than a thousand.
    """
    first, second = parse_seeds(seeds), parse_seeds(swap_seeds)
    if len(first) != len(second) and 1 not in (len(first), len(second)):
        raise SwapError(
            f"swap_seeds: {len(second)} for {len(first)} seeds; name as many as there are seeds, or a single one"
        )
    pairs = max(len(first), len(second))
    parts = _fractions(fractions)
    count = pairs * (len(parts) + alone + first_noise + other_alone)
    if not 0 < count <= MOST_RUNS:
        raise SwapError(f"the grid has {count} runs; ask for 1 to {MOST_RUNS}")
    return [
        run
        for seed, other in zip(first * (pairs // len(first)), second * (pairs // len(second)), strict=True)
        for run in _row(seed, other, parts, alone, first_noise, other_alone)
    ]


def _row(
    seed: int, other: int, fractions: list[float], alone: bool, first_noise: bool, other_alone: bool
) -> Iterator[Run]:
    row = f"{seed} to {other}"
    if alone:
        yield Run(seed, seed, 0.0, seed, f"{row} | first seed alone")
    for at in fractions:
        yield Run(seed, other, at, seed, f"{row} | swap at {100 * at:.6g} %")
    if first_noise:
        yield Run(seed, seed, 0.0, other, f"{row} | second seed's first noise")
    if other_alone:
        yield Run(other, other, 0.0, other, f"{row} | second seed alone")


def _fractions(text: str) -> list[float]:
    """Read `0, 0.25, 50 %`; a text without anything is no fraction."""
    if not text.strip():
        return []
    found: list[float] = []
    for part in re.split(r"[,\n]", text):
        match = _FRACTION.fullmatch(part.strip())
        at = float(match[1]) / (100 if match[2] else 1) if match else -1.0
        if not 0 <= at <= 1:
            raise SwapError(f"fractions: '{part.strip()[:40]}' is no fraction in 0…1; write 0.75, 0.5, 0.25, 0")
        if at in found:
            raise SwapError(f"fractions: {part.strip()} stands twice; name each once")
        found.append(at)
    return found
