"""The normals that PyTorch's CUDA generator gives, computed on the CPU.

Sources: `curand_philox4x32_x.h` and `curand_normal.h` of CUDA, `DistributionTemplates.h` of PyTorch; Philox is Salmon
and others, "Parallel Random Numbers: As Easy as 1, 2, 3" (2011).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from goodseed.errors import NoiseError
from goodseed.noise.cards import DEFAULT_CARD, Card
from goodseed.seeds import check_seed

__all__ = ["Card", "CudaGenerator", "philox"]

Words = np.ndarray[Any, np.dtype[np.uint64]]
"""uint64, in [2, threads] for the two pairs of words of each thread."""

MOST_BYTES = 2**31 - 1
"""A larger tensor is drawn in parts by PyTorch, each with an offset of its own."""

_M = (0xD2511F53, 0xCD9E8D57)
_W = (0x9E3779B9, 0xBB67AE85)
_MULTIPLIERS = np.array(_M, dtype=np.uint64)[:, None]
_32 = np.uint64(32)
_LOW = 2**32 - 1
_CHUNK = 16384
"""Threads computed at once: their words stay in the second cache, and calls are still few."""

_DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_STEP = np.float32(2.0**-32)
_TURN = np.float32(np.float32(2.3283064e-10) * np.float32(6.2831855))
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
        normals = _doubles if unroll == 2 else _floats
        room = np.empty((2, 2, min(_CHUNK, grid)), dtype=np.uint64)
        for turn, start in enumerate(range(0, flat.size, grid * unroll)):
            for first in range(0, min(grid, flat.size - start), _CHUNK):
                width = min(_CHUNK, grid - first)
                places = range(start + first, min(flat.size, start + grid * unroll), grid)
                parts = [flat[place : place + width] for place in places]
                words, spare = room[:, :, : parts[0].size]
                philox(self.seed, self.offset // 4 + turn, first, words, spare, both=len(parts) > 2 or unroll == 2)
                normals(words, spare, parts)


def _floats(words: Words, spare: Words, out: list[np.ndarray[Any, Any]]) -> None:
    """Write curand_normal4's numbers: sine and cosine of words 0 and 1, then of 2 and 3; `spare` is overwritten."""
    count = words.shape[1]
    spread, angle = (row.view(np.float32)[:count] for row in spare)
    for chain in range(math.ceil(len(out) / 2)):
        halves = words[chain].view(np.uint32)
        np.copyto(spread, halves[1::2], casting="unsafe")
        np.multiply(spread, _STEP, spread)
        np.add(spread, _STEP / 2, spread)
        np.log(spread, spread)
        np.multiply(spread, np.float32(-2), spread)
        np.sqrt(spread, spread)
        np.copyto(angle, halves[::2], casting="unsafe")
        np.multiply(angle, _TURN, angle)
        np.add(angle, _TURN / 2, angle)
        for function, part in zip((np.sin, np.cos), out[2 * chain : 2 * chain + 2], strict=False):
            function(angle[: part.size], part)
            np.multiply(part, spread[: part.size], part)


def _doubles(words: Words, spare: Words, out: list[np.ndarray[Any, Any]]) -> None:
    """Write curand_normal2_double's numbers: sine and cosine of all four words."""
    np.left_shift(words, _32, spare)
    np.right_shift(spare, np.uint64(32 - 21), spare)
    np.bitwise_xor(spare, words >> _32, spare)
    spread = np.sqrt(-2.0 * np.log(spare[0] * _DOUBLE + _DOUBLE / 2))
    angle = (spare[1] * (2 * _DOUBLE) + _DOUBLE) * math.pi
    for function, part in zip((np.sin, np.cos), out, strict=False):
        np.multiply(function(angle[: part.size]), spread[: part.size], part)


def philox(seed: int, block: int, first: int, words: Words, spare: Words, both: bool) -> None:
    """Write the Philox4x32-10 words of threads `first`, `first` + 1, … at counter `block` to `words` [2, threads].

    Row 0 holds words 0 (upper half) and 1, row 1 words 2 and 3; row 1 is left unfinished unless `both`. `spare` is
    of the same shape and overwritten. On the way a row's upper half is the word to multiply next, and its lower half
    what the last product left, with the key of the coming round in it: so every second round needs no key.
    """
    keys = _keys(seed)
    _two_rounds(keys, block, first, words, spare[0])
    last = 10 if both else 9
    for turn in range(2, last):
        np.right_shift(words, _32, spare)
        np.multiply(spare, _MULTIPLIERS, spare)
        np.left_shift(words, _32, words)
        np.bitwise_xor(words, spare[::-1], words)  # each row's product goes to the other
        if turn % 2 == 0:
            np.bitwise_xor(words, keys[turn] | (keys[turn + 1] >> _32), words)
    if not both:  # words 0 and 1 need one product
        np.right_shift(words[1], _32, spare[1])
        np.multiply(spare[1], _MULTIPLIERS[1], spare[1])
        np.left_shift(words[0], _32, words[0])
        np.bitwise_xor(words[0], spare[1], words[0])


def _two_rounds(keys: Words, block: int, first: int, words: Words, spare: Words) -> None:
    """Write the words after two rounds. The counter is (block, thread), 64 bits each.

    Threads differ in one word of their counters, and after the first round in one row: the rest are plain numbers.
    """
    still = (block & _LOW) * _M[0] ^ int(keys[0, 1, 0])  # the thread's upper word is 0
    moving = words[0]
    moving[:] = np.arange(first, first + moving.size, dtype=np.uint64)
    moving *= np.uint64(_M[1])
    moving ^= np.uint64(((block >> 32) << 32) ^ int(keys[0, 0, 0]))
    np.right_shift(moving, _32, spare)
    np.left_shift(moving, _32, moving)
    moving ^= np.uint64((still >> 32) * _M[1] ^ int(keys[1, 0, 0]))
    np.multiply(spare, np.uint64(_M[0]), words[1])
    words[1] ^= np.uint64(((still & _LOW) << 32) ^ int(keys[1, 1, 0]))


@functools.lru_cache(maxsize=64)
def _keys(seed: int) -> Words:
    """Return the keys of the ten rounds, each in the upper half: uint64 [10, 2, 1]."""
    halves = (seed & _LOW, seed >> 32)
    keys = [[((half + turn * step) & _LOW) << 32 for half, step in zip(halves, _W, strict=True)] for turn in range(10)]
    return np.array(keys, dtype=np.uint64)[..., None]
