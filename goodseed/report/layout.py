"""Where seeds lie on a map: features to the plane, and pictures that do not cover each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Plane:
    """Seeds in the plane, float64 [S, 2], y downwards, and each axis' share of the variance."""

    points: np.ndarray
    shares: tuple[float, float]


def project(features: np.ndarray) -> Plane | None:
    """Project features [S, D] on their two main directions (the paper's N×(2·P) → N×2, section 3.2).

    The outermost hundredth on each side is drawn at the edge. None where the features hold no difference between seeds.
    """
    found = principal(features)
    return None if found is None else Plane(_to_unit(found.points), found.shares)


def principal(features: np.ndarray) -> Plane | None:
    """Return features [S, D] on their two main directions, in the features' own unit, as they are.

    Directions have a fixed sign. None for fewer than three seeds, and where the features hold no difference between
    them.
    """
    centred = np.asarray(features, dtype=np.float64)
    if centred.ndim != 2 or centred.shape[0] < 3 or not np.isfinite(centred).all():
        return None
    centred = centred - centred.mean(axis=0)
    left, size, right = np.linalg.svd(centred, full_matrices=False)
    power = size**2
    if power[0] <= 1e-12 * max(1.0, float(np.abs(features).max()) ** 2):
        return None
    if len(size) < 2:
        left, right, power = np.pad(left, ((0, 0), (0, 1))), np.pad(right, ((0, 1), (0, 0))), np.append(power, 0.0)
        size = np.append(size, 0.0)
    signs = np.sign(right[np.arange(2), np.abs(right[:2]).argmax(axis=1)])
    points = left[:, :2] * size[:2] * np.where(signs == 0, 1.0, signs)
    shares = power / power.sum()
    return Plane(points, (float(shares[0]), float(shares[1])))


def spaced(points: np.ndarray, width: float, height: float, limit: int) -> list[int]:
    """Pick at most `limit` points whose pictures of `width` × `height` do not overlap.

    The point nearest the middle comes first, then always the one farthest from those picked.
    """
    scale = np.array([1 / width, 1 / height])
    scaled = np.asarray(points, dtype=np.float64) * scale
    picked = [int(((scaled - scale / 2) ** 2).sum(axis=1).argmin())]
    room = np.abs(scaled - scaled[picked[0]]).max(axis=1)
    while len(picked) < limit:
        candidate = int(room.argmax())
        if room[candidate] < 1.0:
            break
        picked.append(candidate)
        room = np.minimum(room, np.abs(scaled - scaled[candidate]).max(axis=1))
    return picked


def best_shown_by(points: np.ndarray, features: np.ndarray, prompts: int) -> int:
    """Return the prompt whose own features [S, prompts·c] follow the map closest (largest R²)."""
    features = np.asarray(features, dtype=np.float64)
    width = features.shape[1] // max(prompts, 1)
    if prompts < 1 or width * prompts != features.shape[1]:
        return 0
    target = points - points.mean(axis=0)
    errors = []
    for prompt in range(prompts):
        own = features[:, prompt * width : (prompt + 1) * width]
        own = own - own.mean(axis=0)
        fit, *_ = np.linalg.lstsq(own, target, rcond=None)
        errors.append(float(((target - own @ fit) ** 2).sum()))
    return int(np.argmin(errors))


def _to_unit(points: np.ndarray) -> np.ndarray:
    low, high = np.quantile(points, [0.01, 0.99], axis=0)
    reach = np.where(high > low, high - low, 1.0)
    unit: np.ndarray = np.clip((points - low) / reach, 0.0, 1.0)
    return unit
