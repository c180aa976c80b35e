"""The Fréchet distance of each seed's images to real ones, in float64.

FD² = |μ₁ − μ₂|² + tr S₁ + tr S₂ − 2 tr (S₁S₂)^½ (Heusel et al. 2017, eq. 6). With S₂ = L Lᵀ factored once, the last
trace is the sum of the square roots of the eigenvalues of Lᵀ S₁ L (d×d), or, with Z the n centred features
over √(n−1), of (ZL)(ZL)ᵀ (n×n), whichever is smaller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodseed.errors import StudyError

FloatArray = npt.NDArray[np.float64]

JACKKNIFE_GROUPS = 32
"""With more prompts than this the jackknife leaves out a group of prompts at a time."""

_NOISE = 1e-12  # eigenvalues below this share of the largest are rounding errors; their roots would not be small
_BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Reference:
    """Mean [d], covariance's factor L [d, d] and trace of the reference features."""

    mean: FloatArray
    factor: FloatArray
    trace: float

    @staticmethod
    def of(features: npt.ArrayLike) -> Reference:
        """Factor the covariance of `features` [N, d].

        Raises:
            StudyError: for fewer than two rows, and for NaN.
        """
        values = np.asarray(features, np.float64)
        if values.ndim != 2 or len(values) < 2 or not np.isfinite(values).all():
            raise StudyError(f"reference: features of shape {values.shape} must be finite and at least two rows")
        mean = values.mean(axis=0)
        centred = (values - mean) / np.sqrt(len(values) - 1)
        eigenvalues, vectors = np.linalg.eigh(centred.T @ centred)
        roots = np.sqrt(np.where(eigenvalues > _NOISE * eigenvalues[-1], eigenvalues, 0.0))
        return Reference(mean, vectors * roots, float((centred**2).sum()))


def frechet_distances(features: npt.ArrayLike, reference: Reference) -> FloatArray:
    """Return each seed's Fréchet distance (not its root) to the reference: [S, n, d] → [S].

    Distances compare at equal n on the same prompts only.

    Raises:
        StudyError: for fewer than two images a seed, or another number of features than the reference has.
    """
    values = np.asarray(features)
    if values.ndim != 3 or values.shape[1] < 2 or values.shape[2] != len(reference.mean):
        raise StudyError(f"Fréchet distance: features of shape {values.shape}, reference of {len(reference.mean)}")
    seeds, images, size = values.shape
    distances = np.empty(seeds)
    block = max(1, _BLOCK_BYTES // (8 * images * size))
    for start in range(0, seeds, block):
        part = values[start : start + block].astype(np.float64)
        mean = part.mean(axis=1)
        centred = (part - mean[:, None]) / np.sqrt(images - 1)
        projected = centred @ reference.factor
        transposed = projected.swapaxes(1, 2)
        gram = projected @ transposed if images < size else transposed @ projected
        eigenvalues = np.linalg.eigvalsh(gram)
        kept = np.where(eigenvalues > _NOISE * eigenvalues[:, -1:], eigenvalues, 0.0)
        distances[start : start + block] = (
            ((mean - reference.mean) ** 2).sum(axis=1)
            + (centred**2).sum(axis=(1, 2))
            + reference.trace
            - 2 * np.sqrt(kept).sum(axis=1)
        )
    return distances


def jackknife(features: npt.ArrayLike, reference: Reference) -> FloatArray:
    """Return what each prompt (or group of prompts) adds to each seed's distance: [S, n, d] → [S, g].

    Entry (s, p) is D_s + (g−1)(mean_q D_{s,−q} − D_{s,−p}), with D_{s,−p} the distance of seed s without
    prompt p (Efron's jackknife values, shifted). The mean over p is exactly D_s, and the values can be
    resampled over prompts as a metric of single images can. `stderr_of_mean` gives D_s's standard error.
    """
    values = np.asarray(features)
    whole = frechet_distances(values, reference)
    groups = np.array_split(np.arange(values.shape[1]), min(values.shape[1], JACKKNIFE_GROUPS))
    if values.shape[1] < 3:
        return np.repeat(whole[:, None], len(groups), axis=1)  # one image has no covariance
    without = np.stack([frechet_distances(np.delete(values, group, axis=1), reference) for group in groups], axis=1)
    influence: FloatArray = whole[:, None] + (len(groups) - 1) * (without.mean(axis=1, keepdims=True) - without)
    return influence


def stderr_of_mean(table: npt.ArrayLike) -> FloatArray:
    """Return the standard error of each row's mean: [S, P] → [S]; 0 where P is 1."""
    values = np.asarray(table, np.float64)
    if values.shape[1] < 2:
        return np.zeros(len(values))
    error: FloatArray = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
    return error
