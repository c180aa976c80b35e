"""`goodseed.noise.philox.uniforms` compiled by numba, where it is installed: the same bits in a tenth of the time.

numba is the extra `speed`; all works without it. To load it and to compile takes about half a second, what numpy takes
for some five hundred latents of 4×128×128; so numpy draws until it has drawn that much in this process. The variable
GOODSEED_COMPILED changes that: 1 compiles at the first draw, 0 never.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from goodseed.noise.philox import HALF_STEP, HALF_TURN, STEP, TURN, Floats, M, W, uniforms

_LOG = logging.getLogger(__name__)

VARIABLE = "GOODSEED_COMPILED"
WORTH = 2**25
"""Numbers drawn in numpy before a kernel is compiled."""

Kernel = Callable[[int, int, int, Floats, Floats], None]
"""From a seed, block and first thread to `u` and `angle`, as in `uniforms`."""


class _Count:
    drawn = 0


def kernel_for(numel: int) -> Kernel | None:
    """Return the kernel to draw `numel` numbers with, or None where numpy is to draw them."""
    wish = os.environ.get(VARIABLE)
    _Count.drawn += numel
    return load_kernel() if wish != "0" and (wish == "1" or _Count.drawn > WORTH) else None


@functools.lru_cache(maxsize=1)
def load_kernel() -> Kernel | None:
    """Compile the kernel; None where numba is missing, does not fit the other packages, or gives other numbers."""
    try:
        import numba
        from numba.core.errors import NumbaError
    except (ImportError, AttributeError, OSError, SystemError) as error:  # a numba built for another numpy, or broken
        _LOG.debug("numba is not used: %s", error)
        return None
    if getattr(numba.config, "DISABLE_JIT", False):
        _LOG.debug("numba is not used: NUMBA_DISABLE_JIT is set")
        return None
    signature = "void(uint64, uint64, uint64, float32[:, ::1], float32[:, ::1])"
    try:
        compiled = numba.njit(signature, nogil=True, error_model="numpy")(_uniforms)
    except (NumbaError, OSError, RuntimeError, TypeError) as error:
        _LOG.debug("numba is not used: %s", error)
        return None

    def kernel(seed: int, block: int, first: int, u: Floats, angle: Floats) -> None:
        compiled(np.uint64(seed), np.uint64(block), np.uint64(first), u, angle)

    if not _same(kernel):
        _LOG.debug("numba is not used: version %s gives other numbers than numpy", numba.__version__)
        return None
    return kernel


def _same(kernel: Kernel) -> bool:
    """Whether a kernel writes the bits of `uniforms`."""
    seed, block, first, threads = 0x9E3779B97F4A7C15, 2**33 + 5, 2**17 - 100, 1000
    ours, theirs = (np.empty((2, 2, threads), dtype=np.float32) for _ in range(2))
    uniforms(seed, block, first, ours[0], ours[1], np.empty((2, 2, threads), dtype=np.uint64))
    kernel(seed, block, first, theirs[0], theirs[1])
    return ours.tobytes() == theirs.tobytes()


def _uniforms(seed: Any, block: Any, first: Any, u: Any, angle: Any) -> None:
    """Philox4x32-10 written out, for numba: one thread a turn, so that LLVM makes vectors of them."""
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    for i in range(u.shape[1]):
        a, b = block & low, block >> half
        c, d = first + np.uint64(i), np.uint64(0)
        key, other = seed & low, seed >> half
        for _ in range(10):
            p, q = a * np.uint64(M[0]), c * np.uint64(M[1])
            a, b, c, d = (q >> half) ^ b ^ key, q & low, (p >> half) ^ d ^ other, p & low
            key = (key + np.uint64(W[0])) & low
            other = (other + np.uint64(W[1])) & low
        u[0, i] = np.float32(np.uint32(a)) * STEP + HALF_STEP
        angle[0, i] = np.float32(np.uint32(b)) * TURN + HALF_TURN
        if len(u) == 2:
            u[1, i] = np.float32(np.uint32(c)) * STEP + HALF_STEP
            angle[1, i] = np.float32(np.uint32(d)) * TURN + HALF_TURN
