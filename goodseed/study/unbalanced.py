"""Means of seeds that met different numbers of prompts: what a race leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodseed.errors import StudyError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Block:
    """Scores of some seeds on some prompts: `seeds` [s] are positions among all, `values` is [s, p]."""

    seeds: IntArray
    values: FloatArray


@dataclass(frozen=True, eq=False)
class Means:
    """Each seed's mean as if it had met all prompts, its standard error, and the images it rests on: [S] each."""

    mean: FloatArray
    stderr: FloatArray
    n: npt.NDArray[np.int32]


def adjusted_means(blocks: Sequence[Block], seeds: int) -> Means:
    """Return least squares means of `seeds` seeds under score = seed + prompt + chance, all prompts weighing alike.

    Blocks share no prompt, and the first holds all seeds. Where a seed missed the hard prompts, its plain mean would
    flatter it; here what a block's prompts do to all seeds that met them is taken off. A seed's error is that of its
    own residuals; what is not known of the prompts' effects is not in it. For one block the means are the plain ones.

    Raises:
        StudyError: when the first block lacks a seed, or a seed has fewer than two images.
    """
    if not blocks or len(blocks[0].seeds) != seeds or seeds < 2:
        raise StudyError("means: the first block of a race must hold all seeds, at least two")
    counts = np.zeros(seeds, np.int64)
    weights = np.array([block.values.shape[1] for block in blocks], np.float64)
    sums = np.zeros(seeds)
    for block in blocks:
        counts[block.seeds] += block.values.shape[1]
        sums[block.seeds] += block.values.sum(axis=1)
    if counts.min() < 2:
        raise StudyError("means: a seed has one image only; give each at least two prompts")
    effects = _block_effects(blocks, counts, sums, weights)
    shift = np.zeros(seeds)
    for block, weight, effect in zip(blocks, weights, effects, strict=True):
        shift[block.seeds] += weight * effect
    mean = (sums - shift) / counts
    squares = np.zeros(seeds)
    for block in blocks:
        # The prompts' own effects, among the seeds that met them.
        rest = block.values - mean[block.seeds, None]
        squares[block.seeds] += ((rest - rest.mean(axis=0)) ** 2).sum(axis=1)
    return Means(mean, np.sqrt(squares / (counts - 1) / counts), counts.astype(np.int32))


def _block_effects(blocks: Sequence[Block], counts: IntArray, sums: FloatArray, weights: FloatArray) -> FloatArray:
    """Return each block's mean effect on a score, their sum over all prompts zero: normal equations, seeds removed."""
    size = len(blocks)
    left, right = np.zeros((size, size)), np.zeros(size)
    inside = np.zeros((size, len(counts)))
    for row, block in enumerate(blocks):
        inside[row, block.seeds] = weights[row]
        right[row] = (block.values.sum(axis=1) - weights[row] * (sums / counts)[block.seeds]).sum()
        left[row, row] = weights[row] * len(block.seeds)
    left -= (inside / counts) @ inside.T
    # Adding a constant to all effects changes nothing; the extra row fixes it.
    effects: FloatArray = np.linalg.lstsq(np.vstack([left, weights]), np.append(right, 0.0), rcond=None)[0]
    return effects
