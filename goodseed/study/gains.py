"""What chosen seeds gain on held-out prompts, from tables that come some prompts at a time.

The draws are those of `stats.bootstrap_gain`, which wants a whole table: the figures are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from goodseed.stats import LEVEL, Gain

FloatArray = npt.NDArray[np.float64]
Chosen = Mapping[str, Sequence[int]]
"""Rule → the positions of the seeds that it chooses."""

RESAMPLES = 2000
_TOGETHER = 250
"""So many resamples are handled at a time."""


def held_out_gains(
    parts: Iterable[Mapping[str, npt.ArrayLike]],
    prompts: int,
    seeds: int,
    chosen: Chosen,
    directions: Mapping[str, str],
) -> dict[str, dict[str, Gain]]:
    """Return each rule's gain in each metric: how much better its seeds are than all, with a 95 % interval.

    `parts` yield tables [seeds, p] by metric, all `prompts` prompts in the end; `directions` say of each metric whether
    higher or lower is better. All rules choose equally many seeds, so that one bootstrap over seeds and prompts serves
    them all.
    """
    sums = {rule: {metric: np.zeros(RESAMPLES) for metric in directions} for rule in chosen}
    totals = {metric: np.zeros(seeds) for metric in directions}
    draws = _Draws(len(next(iter(chosen.values()))), seeds, prompts)
    first = 0
    for part in parts:
        tables = {metric: np.asarray(values, np.float64) for metric, values in part.items()}
        for metric, table in tables.items():
            totals[metric] += table.sum(axis=1)
            draws.add(table, first, {rule: (positions, sums[rule][metric]) for rule, positions in chosen.items()})
        first += next(iter(tables.values())).shape[1]
    return {
        rule: {
            metric: _gain(totals[metric] / prompts, sums[rule][metric] / prompts, positions, directions[metric])
            for metric in sorted(directions)
        }
        for rule, positions in chosen.items()
    }


class _Draws:
    """How often each resample has each chosen seed, each of all seeds, and each prompt: [R, k], [R, S] and [R, P]."""

    def __init__(self, chosen: int, seeds: int, prompts: int) -> None:
        random = np.random.default_rng(0)
        self._chosen, self._seeds, self._prompts = (_drawn(random, size) for size in (chosen, seeds, prompts))

    def add(self, table: FloatArray, first: int, into: Mapping[str, tuple[Sequence[int], FloatArray]]) -> None:
        """Add to each rule's resampled sums [R] what the prompts of `table` [S, p], from `first` on, add to them."""
        seeds, prompts = table.shape
        for start in range(0, RESAMPLES, _TOGETHER):
            some = slice(start, start + _TOGETHER)
            of_all = self._seeds[some].astype(np.float64) @ table / seeds
            of_chosen = self._chosen[some].astype(np.float64)
            weights = self._prompts[some, first : first + prompts]
            for positions, sums in into.values():
                by_prompt = of_chosen @ table[np.asarray(positions)] / len(positions) - of_all
                sums[some] += (by_prompt * weights).sum(axis=1)


def _drawn(random: np.random.Generator, size: int) -> npt.NDArray[np.uint8]:
    """Draw `size` of `size` things with replacement, and count them: [R, size].

    One thing is never drawn 256 times: the chance is below 1/255!.
    """
    found = np.empty((RESAMPLES, size), np.uint8)
    for start in range(0, RESAMPLES, _TOGETHER):
        found[start : start + _TOGETHER] = random.multinomial(size, [1 / size] * size, _TOGETHER)
    return found


def _gain(means: FloatArray, resampled: FloatArray, positions: Sequence[int], direction: str) -> Gain:
    sign = 1.0 if direction == "higher" else -1.0
    golden, everyone = float(means[np.asarray(positions)].mean()), float(means.mean())
    low, high = np.quantile(sign * resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Gain(golden, everyone, sign * (golden - everyone), float(low), float(high), len(positions))
