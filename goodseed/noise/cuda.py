"""The normals that PyTorch's CUDA generator gives, computed on the CPU.

Sources: `curand_normal.h` of CUDA and `DistributionTemplates.h` of PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from goodseed.errors import NoiseError
from goodseed.noise.cards import DEFAULT_CARD, Card
from goodseed.noise.compiled import kernel_for
from goodseed.noise.philox import Floats, Words, philox, uniforms
from goodseed.seeds import check_seed

MOST_BYTES = 2**31 - 1
"""A larger tensor is drawn in parts by PyTorch, each with an offset of its own."""

_CHUNK = 16384
"""Threads computed at once: their words stay in the second cache, and calls are still few."""

_DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_DOUBLE = 2.0**-53


class CudaGenerator:
    """Draws what `torch.Generator("cuda")` draws on `card`, one call after the other.

    The words are those of the card; the normals agree to about 1e-6, because a card takes the sine by a fast
    approximation of its own. `offset` is the generator's `philox_offset_per_thread`, a multiple of 4.
    """

    def __init__(self, seed: int, card: Card = DEFAULT_CARD) -> None:
        self.seed = check_seed(seed)
        self.card = card
        self.offset = 0

    def randn(self, shape: Sequence[int], dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Return the next normals, [*shape] on the CPU. Half types are drawn as float32 and rounded, as on a card.

        Raises:
            NoiseError: for another dtype, a negative size, or a tensor above 2 GiB.
        """
        numel = math.prod(shape)
        if dtype not in _DTYPES:
            raise NoiseError(f"noise: dtype {dtype} cannot be drawn; use float32, float16, bfloat16 or float64")
        if any(size < 0 for size in shape) or numel * dtype.itemsize > MOST_BYTES:
            raise NoiseError(f"noise: shape {list(shape)} cannot be drawn; use sizes of 0 or more, 2 GiB at most")
        double = dtype is torch.float64
        flat = np.empty(numel, dtype=np.float64 if double else np.float32)
        if numel:
            self._fill(flat, 2 if double else 4)
        self.skip(shape, dtype)
        return torch.from_numpy(flat).reshape(tuple(shape)).to(dtype)

    def skip(self, shape: Sequence[int], dtype: torch.dtype = torch.float32) -> None:
        """Move on as a draw of `shape` does, without computing it."""
        numel = math.prod(shape)
        if numel:
            unroll = 2 if dtype is torch.float64 else 4
            self.offset += 4 * math.ceil(numel / (self.card.grid(numel) * unroll))

    def _fill(self, flat: np.ndarray[Any, Any], unroll: int) -> None:
        """Fill `flat`: thread t writes number i of its round r to place t + grid · (i + unroll · r)."""
        grid = self.card.grid(flat.size)
        room = np.empty((2, 2, min(_CHUNK, grid)), dtype=np.uint64)
        kernel = kernel_for(flat.size) if unroll == 4 else None
        for turn, start in enumerate(range(0, flat.size, grid * unroll)):
            block = self.offset // 4 + turn
            for first in range(0, min(grid, flat.size - start), _CHUNK):
                width = min(_CHUNK, grid - first)
                places = range(start + first, min(flat.size, start + grid * unroll), grid)
                parts = [flat[place : place + width] for place in places]
                used = room[:, :, : parts[0].size]
                if unroll == 2:
                    philox(self.seed, block, first, used[0], used[1], both=True)
                    _doubles(used[0], used[1], parts)
                    continue
                u, angle = _views(used[1], pairs=math.ceil(len(parts) / 2))
                if kernel is None:
                    uniforms(self.seed, block, first, u, angle, used)
                else:
                    kernel(self.seed, block, first, u, angle)
                _floats(u, angle, parts)


def _views(spare: Words, pairs: int) -> tuple[Floats, Floats]:
    """Return room for `uniforms` where its spare words lie, which are done with by then: float32 [pairs, threads]."""
    u, angle = (row.view(np.float32).reshape(2, -1)[:pairs] for row in spare)
    return u, angle


def _floats(u: Floats, angle: Floats, out: list[Floats]) -> None:
    """Write curand_normal4's numbers: sine and cosine of the first angles, then of the second; `u` is overwritten."""
    np.log(u, u)
    np.multiply(u, np.float32(-2), u)
    spread = np.sqrt(u, u)
    for i, part in enumerate(out):
        function = np.cos if i % 2 else np.sin
        function(angle[i // 2, : part.size], part)
        np.multiply(part, spread[i // 2, : part.size], part)


def _doubles(words: Words, spare: Words, out: list[np.ndarray[Any, Any]]) -> None:
    """Write curand_normal2_double's numbers: sine and cosine of all four words."""
    half = np.uint64(32)
    np.left_shift(words, half, spare)
    np.right_shift(spare, np.uint64(32 - 21), spare)
    np.bitwise_xor(spare, words >> half, spare)
    spread = np.sqrt(-2.0 * np.log(spare[0] * _DOUBLE + _DOUBLE / 2))
    angle = (spare[1] * (2 * _DOUBLE) + _DOUBLE) * math.pi
    for function, part in zip((np.sin, np.cos), out, strict=False):
        np.multiply(function(angle[: part.size]), spread[: part.size], part)
