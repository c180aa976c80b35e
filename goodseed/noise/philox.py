"""Philox4x32-10 in numpy: the words that a CUDA generator draws, and the uniform numbers that they stand for.

Sources: `curand_philox4x32_x.h` and `curand_uniform.h` of CUDA; Philox is Salmon and others, "Parallel Random Numbers:
As Easy as 1, 2, 3" (2011).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

Words = np.ndarray[Any, np.dtype[np.uint64]]
"""uint64, in [2, threads] for the two pairs of words of each thread."""

Floats = np.ndarray[Any, np.dtype[np.float32]]

M = (0xD2511F53, 0xCD9E8D57)
W = (0x9E3779B9, 0xBB67AE85)
STEP = np.float32(2.0**-32)
HALF_STEP = STEP / 2
TURN = np.float32(np.float32(2.3283064e-10) * np.float32(6.2831855))
HALF_TURN = TURN / 2

_MULTIPLIERS = np.array(M, dtype=np.uint64)[:, None]
_32 = np.uint64(32)
_LOW = 2**32 - 1


def uniforms(seed: int, block: int, first: int, u: Floats, angle: Floats, room: Words) -> None:
    """Write what curand_box_muller makes of the words: `u` in 0…1 of words 0 and 2, `angle` in 0…2π of words 1 and 3.

    Both are [1, threads] for words 0 and 1, or [2, threads] for all four. `room` is [2, 2, threads] and overwritten.
    """
    words, spare = room
    philox(seed, block, first, words, spare, both=len(u) == 2)
    for row, pair in enumerate(words[: len(u)]):
        halves = pair.view(np.uint32)
        np.copyto(u[row], halves[1::2], casting="unsafe")
        np.multiply(u[row], STEP, u[row])
        np.add(u[row], HALF_STEP, u[row])
        np.copyto(angle[row], halves[::2], casting="unsafe")
        np.multiply(angle[row], TURN, angle[row])
        np.add(angle[row], HALF_TURN, angle[row])


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
    still = (block & _LOW) * M[0] ^ int(keys[0, 1, 0])  # the thread's upper word is 0
    moving = words[0]
    moving[:] = np.arange(first, first + moving.size, dtype=np.uint64)
    moving *= np.uint64(M[1])
    moving ^= np.uint64(((block >> 32) << 32) ^ int(keys[0, 0, 0]))
    np.right_shift(moving, _32, spare)
    np.left_shift(moving, _32, moving)
    moving ^= np.uint64((still >> 32) * M[1] ^ int(keys[1, 0, 0]))
    np.multiply(spare, np.uint64(M[0]), words[1])
    words[1] ^= np.uint64(((still & _LOW) << 32) ^ int(keys[1, 1, 0]))


@functools.lru_cache(maxsize=64)
def _keys(seed: int) -> Words:
    """Return the keys of the ten rounds, each in the upper half: uint64 [10, 2, 1]."""
    halves = (seed & _LOW, seed >> 32)
    keys = [[((half + turn * step) & _LOW) << 32 for half, step in zip(halves, W, strict=True)] for turn in range(10)]
    return np.array(keys, dtype=np.uint64)[..., None]
