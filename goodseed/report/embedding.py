"""Seeds in the plane by t-SNE, the same on every run, and how far a plane can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

FEWEST = 10
"""With fewer seeds than this t-SNE has no neighbourhoods to keep."""
NEIGHBOURS = 10
_STEPS = 750


@dataclass(frozen=True)
class Trust:
    """How far neighbours on a map are neighbours in the features (trustworthiness, 1 at best), and what chance gives.

    `held_out` holds the same map against the features of prompts that it was not made from; None without them.
    """

    neighbours: int
    value: float
    chance: float
    held_out: float | None


def perplexity_for(seeds: int) -> float:
    """Return t-SNE's perplexity, the number of neighbours that count: 30, a third of the others where they are few."""
    return min(30.0, (seeds - 1) / 3)


def tsne(features: npt.ArrayLike, start: FloatArray) -> FloatArray:
    """Return features [S, D] in the plane by t-SNE (van der Maaten & Hinton, 2008): float64 [S, 2].

    It starts from `start`, the seeds on their two main directions [S, 2], so that nothing is drawn by chance and the
    map lies as PCA's does. One thread: more are slower on so few points. S must be `FEWEST` or more.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    values = np.asarray(features, np.float64)
    first = (1e-4 * start / start[:, 0].std()).astype(np.float32)  # small, as the authors start it
    model = TSNE(2, perplexity=perplexity_for(len(values)), init=first, max_iter=_STEPS, random_state=0)
    with threadpool_limits(1):
        found: FloatArray = np.asarray(model.fit_transform(values - values.mean(axis=0)), np.float64)
    return found


def trust(features: npt.ArrayLike, held_out: npt.ArrayLike | None, points: FloatArray) -> Trust:
    """Measure a map [S, 2] by trustworthiness (Venna & Kaski, 2001), beside the same points dealt to seeds by chance.

    S must be 3 or more; with few seeds fewer neighbours count.
    """
    from sklearn.manifold import trustworthiness

    count = max(1, min(NEIGHBOURS, (len(points) - 1) // 2))
    dealt = points[np.random.default_rng(0).permutation(len(points))]

    def score(table: npt.ArrayLike, plane: FloatArray) -> float:
        return float(trustworthiness(np.asarray(table, np.float64), plane, n_neighbors=count))

    return Trust(
        count, score(features, points), score(features, dealt), None if held_out is None else score(held_out, points)
    )
