"""The Fréchet distance of each seed's images to real ones, in float64.

FD² = |μ₁ − μ₂|² + tr S₁ + tr S₂ − 2 tr (S₁S₂)^½ (Heusel et al. 2017, eq. 6). With S₂ = L Lᵀ factored once, the last
trace is the sum of the square roots of the eigenvalues of Lᵀ S₁ L (d×d), or, with Z the n centred features
over √(n−1), of (ZL)(ZL)ᵀ (n×n), whichever is smaller.

Eigenvalues are those of symmetric matrices, so that no root is complex. L is triangular: half a product's work. A seed
needs its n×d features in float32, two such arrays in float64 and a few of min(n, d)² numbers, however many seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

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
    """Mean [d], covariance's factor L [d, d], lower triangular, and trace of the reference features."""

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
        return Reference(mean, _factor(centred.T @ centred), float((centred**2).sum()))

    @staticmethod
    def of_statistics(mean: npt.ArrayLike, covariance: npt.ArrayLike) -> Reference:
        """Factor a covariance [d, d] that others have computed, with its mean [d].

        Raises:
            StudyError: for shapes that do not fit each other, NaN, and a matrix that is no covariance.
        """
        centre, matrix = np.asarray(mean, np.float64), np.asarray(covariance, np.float64)
        fault = covariance_fault(centre, matrix)
        if fault:
            raise StudyError(f"reference: {fault}")
        return Reference(centre, _factor((matrix + matrix.T) / 2), float(np.trace(matrix)))

    def per_prompt(self, features: npt.ArrayLike) -> FloatArray:
        """Return what each prompt (or group of prompts) adds to each seed's distance: [S, n, d] → [S, g]."""
        return jackknife(features, self)


class Moments:
    """Mean and covariance of features that come in parts: [d] and [d, d] in float64, however many there are."""

    def __init__(self, size: int) -> None:
        self.count = 0
        self.mean: FloatArray = np.zeros(size)
        self._scatter: FloatArray = np.zeros((size, size))

    def add(self, features: npt.ArrayLike) -> None:
        """Take in the next rows [b, d] (Chan, Golub, LeVeque 1979)."""
        values = np.asarray(features, np.float64)
        own = values.mean(axis=0)
        centred, shift, total = values - own, own - self.mean, self.count + len(values)
        self._scatter += centred.T @ centred + np.outer(shift, shift) * (self.count * len(values) / total)
        self.mean = self.mean + shift * (len(values) / total)
        self.count = total

    @property
    def covariance(self) -> FloatArray:
        """The covariance of at least two rows, over count − 1."""
        scaled: FloatArray = self._scatter / (self.count - 1)
        return scaled


def covariance_fault(mean: FloatArray, covariance: FloatArray) -> str:
    """Say why the two are no mean [d] with its covariance [d, d]; nothing where they may be."""
    if mean.ndim != 1 or not len(mean) or covariance.shape != (len(mean), len(mean)):
        return f"a mean of shape {mean.shape} with a covariance of shape {covariance.shape}"
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        return "the mean or the covariance holds a NaN or an infinity"
    scale = float(np.abs(covariance).max())
    if not np.allclose(covariance, covariance.T, rtol=0, atol=1e-6 * scale) or float(np.diag(covariance).min()) < 0:
        return "the covariance is not symmetric, or has a negative variance"
    return ""


def frechet_distances(features: npt.ArrayLike, reference: Reference) -> FloatArray:
    """Return each seed's Fréchet distance (not its root) to the reference: [S, n, d] → [S].

    Distances compare at equal n on the same prompts only.

    Raises:
        StudyError: for fewer than two images a seed, or another number of features than the reference has.
    """
    return np.concatenate([sets.distances() for sets in _blocks(features, reference)])


def jackknife(features: npt.ArrayLike, reference: Reference) -> FloatArray:
    """Return what each prompt (or group of prompts) adds to each seed's distance: [S, n, d] → [S, g].

    Entry (s, p) is D_s + (g−1)(mean_q D_{s,−q} − D_{s,−p}), with D_{s,−p} the distance of seed s without
    prompt p (Efron's jackknife values, shifted). The mean over p is exactly D_s, and the values can be
    resampled over prompts as a metric of single images can. `stderr_of_mean` gives D_s's standard error.
    """
    images = np.asarray(features).shape[1]
    groups = np.array_split(np.arange(images), min(images, JACKKNIFE_GROUPS))
    found = []
    for sets in _blocks(features, reference):
        whole = sets.distances()[:, None]
        if images < 3:
            found.append(np.repeat(whole, len(groups), axis=1))  # one image has no covariance
            continue
        without = np.stack([sets.distances_without(group) for group in groups], axis=1)
        found.append(whole + (len(groups) - 1) * (without.mean(axis=1, keepdims=True) - without))
    return np.concatenate(found)


def stderr_of_mean(table: npt.ArrayLike) -> FloatArray:
    """Return the standard error of each row's mean: [S, P] → [S]; 0 where P is 1."""
    values = np.asarray(table, np.float64)
    if values.shape[1] < 2:
        return np.zeros(len(values))
    error: FloatArray = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
    return error


class _Sets:
    """Some seeds' images [s, n, d], centred in place and projected once: some are left out without doing it again."""

    def __init__(self, features: FloatArray, reference: Reference) -> None:
        mean = features.mean(axis=1)
        self._reference = reference
        self._shift = mean - reference.mean
        self._centred = features
        self._centred -= mean[:, None]
        self._projected = [_times_triangle(rows, reference.factor) for rows in self._centred]
        self._images = features.shape[1]
        self._by_images = features.shape[1] < features.shape[2]
        self._halves = [_by_itself(rows, self._by_images) for rows in self._projected]

    @cached_property
    def _gram(self) -> FloatArray:
        return np.stack([_mirrored(half) for half in self._halves])

    def distances(self) -> FloatArray:
        """Return each seed's distance: [s]."""
        return self._distances(self._shift, (self._centred**2).sum(axis=(1, 2)), self._halves, self._images)

    def distances_without(self, group: npt.NDArray[np.int64]) -> FloatArray:
        """Return each seed's distance without the images at some positions: [s]."""
        kept = np.delete(np.arange(self._images), group)
        centred = self._centred[:, kept]
        moved = centred.mean(axis=1)
        scatter = (centred**2).sum(axis=(1, 2)) - len(kept) * (moved**2).sum(axis=1)
        if self._by_images:
            gram = self._gram[:, kept[:, None], kept]
            rows = gram.mean(axis=2, keepdims=True)
            gram = gram - rows - rows.swapaxes(1, 2) + rows.mean(axis=1, keepdims=True)
        else:
            centre = moved @ self._reference.factor
            gram = self._gram - np.stack([_mirrored(_by_itself(rows[group], False)) for rows in self._projected])
            gram = gram - len(kept) * centre[:, :, None] * centre[:, None]
        return self._distances(self._shift + moved, scatter, gram, len(kept))

    def _distances(
        self, shift: FloatArray, scatter: FloatArray, grams: Iterable[FloatArray], images: int
    ) -> FloatArray:
        eigenvalues = np.stack([_eigenvalues(gram) for gram in grams])
        kept = np.where(eigenvalues > _NOISE * eigenvalues[:, -1:], eigenvalues, 0.0)
        roots = np.sqrt(kept / (images - 1)).sum(axis=1)
        distances: FloatArray = (shift**2).sum(axis=1) + scatter / (images - 1) + self._reference.trace - 2 * roots
        return distances


def _blocks(features: npt.ArrayLike, reference: Reference) -> Iterator[_Sets]:
    values = np.asarray(features)
    if values.ndim != 3 or values.shape[1] < 2 or values.shape[2] != len(reference.mean):
        raise StudyError(f"Fréchet distance: features of shape {values.shape}, reference of {len(reference.mean)}")
    seeds, images, size = values.shape
    block = max(1, _BLOCK_BYTES // (8 * images * size))
    for start in range(0, seeds, block):
        yield _Sets(values[start : start + block].astype(np.float64), reference)


def _factor(covariance: FloatArray) -> FloatArray:
    eigenvalues, vectors = np.linalg.eigh(covariance)
    roots = np.sqrt(np.where(eigenvalues > _NOISE * eigenvalues[-1], eigenvalues, 0.0))
    triangle = np.asarray(np.linalg.qr((vectors * roots).T, mode="r"))  # R with RᵀR the covariance, of any rank
    return np.ascontiguousarray(triangle.T, np.float64)


# All of the heavy algebra is SciPy's: where it takes turns with NumPy's, the threads of two BLAS libraries get into
# each other's way, for half of the time.


def _by_itself(rows: FloatArray, by_rows: bool) -> FloatArray:
    """Return the lower half of rows·rowsᵀ, or of rowsᵀ·rows, for rows [n, d]; what is above it means nothing."""
    from scipy.linalg.blas import dsyrk

    half: FloatArray = dsyrk(1.0, rows.T, trans=int(by_rows), lower=1)
    return half


def _mirrored(half: FloatArray) -> FloatArray:
    """Return the symmetric matrix with this lower half."""
    lower = np.tril(half, -1)
    whole: FloatArray = lower + lower.T
    np.fill_diagonal(whole, half.diagonal())
    return whole


def _eigenvalues(symmetric: FloatArray) -> FloatArray:
    """Return the eigenvalues of a symmetric matrix [k, k], rising; only its lower half is read."""
    from scipy.linalg import eigh

    values: FloatArray = eigh(symmetric, eigvals_only=True, driver="ev", check_finite=False)
    return values


def _times_triangle(rows: FloatArray, factor: FloatArray) -> FloatArray:
    """Multiply rows [n, d] by a lower triangular matrix [d, d]."""
    from scipy.linalg.blas import dtrmm

    product: FloatArray = dtrmm(1.0, factor.T, rows.T, side=0, lower=0).T
    return product
