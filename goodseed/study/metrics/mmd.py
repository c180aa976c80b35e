"""The squared maximum mean discrepancy of each seed's images to real ones: CMMD where the features are CLIP's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from goodseed.errors import StudyError

FloatArray = npt.NDArray[np.float64]

SIGMA = 10.0
SCALE = 1000.0
"""As in Jayasumana et al. 2024, "Rethinking FID", section 4: a Gaussian kernel, and a factor for people's eyes."""

_ROWS = 2048


class Mmd:
    """MMD² with the kernel exp(−|x−y|² / 2σ²), times 1,000, by the unbiased estimator (Gretton et al. 2012, eq. 3).

    Unbiased, it is 0 on the mean where both sets come from one distribution, and single values may be negative;
    the authors' code has the biased estimator, which is larger by what each image's likeness to itself adds.

    Args:
        reference: features of real images [N, d], at least two.

    Raises:
        StudyError: for fewer than two rows, and for NaN.
    """

    def __init__(self, reference: npt.ArrayLike) -> None:
        rows = np.asarray(reference, np.float64)
        if rows.ndim != 2 or len(rows) < 2 or not np.isfinite(rows).all():
            raise StudyError(f"reference: features of shape {rows.shape} must be finite and at least two rows")
        self._rows = rows
        count = len(rows)
        self._among = (_sums(rows, rows).sum() - count) / (count * (count - 1))

    def distances(self, features: npt.ArrayLike) -> FloatArray:
        """Return each seed's distance: [S, n, d] → [S]."""
        found: FloatArray = self.per_prompt(features).mean(axis=1)
        return found

    def per_prompt(self, features: npt.ArrayLike) -> FloatArray:
        """Return what each prompt adds to each seed's distance: [S, n, d] → [S, n].

        Efron's jackknife values, shifted (see `frechet.jackknife`): their mean over prompts is the distance.

        Raises:
            StudyError: for fewer than two images a seed, or another number of features than the reference has.
        """
        values = np.asarray(features)
        if values.ndim != 3 or values.shape[1] < 2 or values.shape[2] != self._rows.shape[1]:
            raise StudyError(f"MMD: features of shape {values.shape}, reference of {self._rows.shape[1]}")
        return np.stack([self._of_seed(seed.astype(np.float64)) for seed in values])

    def _of_seed(self, values: FloatArray) -> FloatArray:
        n = len(values)
        own = _sums(values, values) - 1  # without each image with itself
        across = _sums(values, self._rows) / len(self._rows)
        whole = own.sum() / (n * (n - 1)) + self._among - 2 * across.mean()
        if n < 3:
            return np.full(n, SCALE * whole)
        without = (own.sum() - 2 * own) / ((n - 1) * (n - 2)) + self._among - 2 * (across.sum() - across) / (n - 1)
        found: FloatArray = SCALE * (whole + (n - 1) * (without.mean() - without))
        return found


def _sums(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the sum of the kernel of each row of `first` with all rows of `second`, some rows at a time."""
    lengths = (second**2).sum(axis=1)
    sums = np.empty(len(first))
    for start in range(0, len(first), _ROWS):
        part = first[start : start + _ROWS]
        squared = (part**2).sum(axis=1)[:, None] + lengths - 2 * part @ second.T
        sums[start : start + _ROWS] = np.exp(-np.maximum(squared, 0) / (2 * SIGMA**2)).sum(axis=1)
    return sums
