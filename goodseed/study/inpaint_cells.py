"""Computing a shard of inpainting: holes filled and read, one fixed batch of seeds at a time."""

from __future__ import annotations

import time

import numpy as np

from goodseed.errors import StudyError
from goodseed.study.cells import ShardResult
from goodseed.study.inpaint_plan import INPAINT_SETS, TEXT_SHARE, Inpainting
from goodseed.study.interfaces import Generator, InpaintPair, Inpaints
from goodseed.study.plan import Shard
from goodseed.study.registry import make_reader


class InpaintingWork:
    """Computes shards of inpainting; the pairs are drawn and the reader's models loaded once."""

    def __init__(self, inpainting: Inpainting, maker: Generator) -> None:
        if not isinstance(maker, Inpaints):
            raise StudyError("inpaint: this generator cannot fill holes")
        self._maker, self._tasks = maker, tuple(inpainting.tasks)
        self._reader = make_reader(inpainting.reader)
        self._pairs = dict(zip(INPAINT_SETS, maker.inpaint_pairs(len(inpainting.selection.names)), strict=True))

    def compute(self, shard: Shard) -> ShardResult:
        """Fill and read every cell of a shard.

        Raises:
            StudyError: when the generator or the reader gives something else than its protocol says.
        """
        pairs, seconds = self._pairs[shard.prompt_set], 0.0
        parts: list[np.ndarray] = []
        for number in range(shard.prompt_start, shard.prompt_start + len(shard.prompts)):
            task, pair = self._tasks[number // len(pairs)], pairs[number % len(pairs)]
            for start in range(0, len(shard.seeds), shard.batch):
                seeds = shard.seeds[start : start + shard.batch]
                began = time.perf_counter()
                images = self._maker.inpaint(pair, pair.prompts[task], seeds)
                shares = self._reader.shares(images, pair) if images.shape[0] == len(seeds) else np.empty(0)
                seconds += time.perf_counter() - began
                parts.append(_checked(images, shares, len(seeds), pair))
        return ShardResult(shard, {TEXT_SHARE: np.concatenate(parts)}, seconds)


def _checked(images: np.ndarray, shares: np.ndarray, count: int, pair: InpaintPair) -> np.ndarray:
    if images.dtype != np.uint8 or images.shape != (count, *pair.image.shape):
        raise StudyError(f"generator: gave {images.dtype} {images.shape}, not {count} pictures as large as the pair's")
    shares = np.ascontiguousarray(shares, dtype=np.float32)
    if shares.shape != (count,) or not ((shares >= 0) & (shares <= 1)).all():
        raise StudyError(f"reader: gave no {count} shares in 0…1 for {pair.name}")
    return shares
