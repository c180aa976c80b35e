"""Principal components, the same on every run: style features cut down as in section 3.2 of the paper."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def without_prompt_means(features: npt.ArrayLike) -> FloatArray:
    """Take each prompt's mean over the seeds away: [S, P, d] → [S, P, d]."""
    values = np.asarray(features, np.float64)
    centred: FloatArray = values - values.mean(axis=0, keepdims=True)
    return centred


def principal_axes(features: npt.ArrayLike, count: int) -> FloatArray:
    """Return the `count` axes of largest variance of centred features [N, d]: [count, d].

    The largest entry of each axis is positive, so that the axes' signs do not depend on the solver.
    Where d is less than `count` the last axes are 0.
    """
    values = np.asarray(features, np.float64)
    _, vectors = np.linalg.eigh(values.T @ values)
    axes = np.zeros((count, values.shape[1]))
    found = vectors.T[::-1][:count]
    axes[: len(found)] = found * np.sign(found[np.arange(len(found)), np.abs(found).argmax(axis=1)])[:, None]
    return axes


def style_features(selection: npt.ArrayLike, held_out: npt.ArrayLike, count: int = 2) -> tuple[FloatArray, FloatArray]:
    """Reduce style features to `count` numbers an image: [S, P, e] and [S, Q, e] → [S, P·count] and [S, Q·count].

    Prompt means are taken away and all prompts pooled, so that the axes hold what varies with the seed.
    The axes come from the selection set alone.
    """
    first, second = without_prompt_means(selection), without_prompt_means(held_out)
    axes = principal_axes(first.reshape(-1, first.shape[2]), count)
    return (first @ axes.T).reshape(len(first), -1), (second @ axes.T).reshape(len(second), -1)
