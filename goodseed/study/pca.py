"""Principal components, the same on every run: style features cut down as in section 3.2 of the paper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def without_prompt_means(features: npt.ArrayLike) -> FloatArray:
    """Take each prompt's mean over the seeds away: [S, P, d] → [S, P, d]."""
    values = np.asarray(features, np.float64)
    centred: FloatArray = values - values.mean(axis=0, keepdims=True)
    return centred


def principal_axes(parts: Iterable[npt.ArrayLike], count: int) -> FloatArray:
    """Return the `count` axes of largest variance of features that come some prompts at a time: [count, d].

    Each part is [S, p, d]. Prompt means are taken away and all prompts pooled, so that the axes hold what varies with
    the seed. The largest entry of each axis is positive, so that the axes' signs do not depend on the solver. Where d
    is less than `count` the last axes are 0.

    Raises:
        ValueError: for no part.
    """
    scatter: FloatArray | None = None
    for part in parts:
        values = without_prompt_means(part)
        rows = values.reshape(-1, values.shape[2])
        scatter = rows.T @ rows if scatter is None else scatter + rows.T @ rows
    if scatter is None:
        raise ValueError("no features have no axes")
    _, vectors = np.linalg.eigh(scatter)
    axes = np.zeros((count, len(scatter)))
    found = vectors.T[::-1][:count]
    axes[: len(found)] = found * np.sign(found[np.arange(len(found)), np.abs(found).argmax(axis=1)])[:, None]
    return axes


def on_axes(parts: Iterable[npt.ArrayLike], axes: npt.ArrayLike) -> Iterator[FloatArray]:
    """Reduce features to one number an axis, prompt means taken away: from each part [S, p, d] make [S, p, count]."""
    directions = np.asarray(axes, np.float64)
    for part in parts:
        yield without_prompt_means(part) @ directions.T
