"""How far two pictures are apart, and when an eye would call them the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

EYE_PSNR = 40.0
"""dB over the whole picture from which on two pictures look the same."""
EYE_BLOCK_PSNR = 30.0
"""dB in the worst block: a face may change while the rest of a large picture holds the mean down."""
BLOCK = 16
"""Side of a block, in pixels."""
PEAK = 255.0


@dataclass(frozen=True)
class Difference:
    """Two pictures' difference in levels of 0…255, and their PSNR in dB (infinite where they are the same)."""

    largest: float
    mean: float
    psnr: float
    worst_block_psnr: float

    @property
    def same(self) -> bool:
        return self.largest == 0

    @property
    def same_to_the_eye(self) -> bool:
        return self.psnr >= EYE_PSNR and self.worst_block_psnr >= EYE_BLOCK_PSNR

    def as_dict(self) -> dict[str, Any]:
        """Return the difference as JSON; PSNR is null where it is infinite."""
        return {
            "max": self.largest,
            "mean": self.mean,
            "psnr": self.psnr if math.isfinite(self.psnr) else None,
            "worst_block_psnr": self.worst_block_psnr if math.isfinite(self.worst_block_psnr) else None,
        }

    def __str__(self) -> str:
        if self.same:
            return "no difference"
        return f"largest difference {self.largest:.0f} of 255, mean {self.mean:.3f}, PSNR {self.psnr:.1f} dB"


def difference(a: Pixels, b: Pixels) -> Difference | None:
    """Return the difference of two images uint8 [H, W, C], or None where their shapes differ."""
    if a.shape != b.shape:
        return None
    apart = absolute(a, b).astype(np.float32)
    squares = (apart**2).mean(axis=2)
    return Difference(
        largest=float(apart.max(initial=0.0)),
        mean=float(apart.mean(dtype=np.float64)),
        psnr=psnr(float(squares.mean(dtype=np.float64))),
        worst_block_psnr=psnr(_worst_block(squares)),
    )


def absolute(a: Pixels, b: Pixels) -> Pixels:
    """Return the absolute difference of two arrays of bytes of one shape."""
    return np.maximum(a, b) - np.minimum(a, b)


def psnr(mean_square: float) -> float:
    """Return the peak signal-to-noise ratio in dB of a mean squared difference in levels of 0…255."""
    return 10 * math.log10(PEAK**2 / mean_square) if mean_square > 0 else math.inf


def _worst_block(squares: NDArray[np.float32]) -> float:
    """Return the largest mean of a block of BLOCK × BLOCK pixels (smaller at the edges)."""
    height, width = squares.shape
    if height == 0 or width == 0:
        return 0.0
    rows = np.add.reduceat(squares, np.arange(0, height, BLOCK), axis=0)
    sums = np.add.reduceat(rows, np.arange(0, width, BLOCK), axis=1)
    heights = np.minimum(BLOCK, height - np.arange(0, height, BLOCK))
    widths = np.minimum(BLOCK, width - np.arange(0, width, BLOCK))
    return float((sums / (heights[:, None] * widths[None, :])).max())
