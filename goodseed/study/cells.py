"""Computing a shard: images made and measured, one fixed batch of seeds at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from goodseed.errors import StudyError
from goodseed.study.interfaces import Call, Generator, Judge, Measurements
from goodseed.study.plan import FEATURES, Shard


@dataclass(frozen=True)
class ShardResult:
    """A shard's columns, prompt by prompt and seed by seed within it, and the seconds that the work took."""

    shard: Shard
    columns: dict[str, np.ndarray]
    seconds: float


def calls_of(shard: Shard) -> list[Call]:
    """Return the calls of the generator that a shard takes, in their order."""
    return [
        (prompt, shard.seeds[start : start + shard.batch])
        for prompt in shard.prompts
        for start in range(0, len(shard.seeds), shard.batch)
    ]


def compute_shard(
    generator: Generator,
    judge: Judge,
    shard: Shard,
    names: frozenset[str],
    size: tuple[int, int],
    ahead: Callable[[Sequence[Call]], None] | None = None,
) -> ShardResult:
    """Generate and measure every cell of a shard.

    `names` are the columns and `size` is the width and height that the plan announces.
    `ahead` is told before each call of the generator which calls are left, this one first.

    Raises:
        StudyError: when the generator or the judge gives something else than its protocol says.
    """
    seconds = 0.0
    parts: list[dict[str, np.ndarray]] = []
    calls = calls_of(shard)
    for number, (prompt, seeds) in enumerate(calls):
        began = time.perf_counter()
        if ahead is not None:
            ahead(calls[number:])
        images = generator.generate(prompt, seeds)
        seconds += time.perf_counter() - began
        _check_images(images, seeds, size)
        began = time.perf_counter()
        measured = judge.measure(images, prompt)
        seconds += time.perf_counter() - began
        parts.append(_columns(measured, len(seeds)))
        if set(parts[-1]) != names:
            odd = ", ".join(sorted(names.symmetric_difference(parts[-1])))
            raise StudyError(f"judge: what it describes and what it measures differ in {odd}")
    return ShardResult(shard, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, seconds)


def _check_images(images: np.ndarray, seeds: Sequence[int], size: tuple[int, int]) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[0] != len(seeds) or images.shape[3] != 3:
        raise StudyError(f"generator: gave {images.dtype} {images.shape}, not {len(seeds)} uint8 images in RGB")
    height, width = images.shape[1:3]
    if (width, height) != size:
        raise StudyError(
            f"generator: gave {width}×{height} for seed {seeds[0]} where it describes {size[0]}×{size[1]}; a study has "
            "one resolution: let it make that size for every prompt and seed"
        )


def _columns(measured: Measurements, count: int) -> dict[str, np.ndarray]:
    columns = {f"metric.{name}": values for name, values in measured.metrics.items()}
    columns |= {f"trait.{name}": values for name, values in measured.traits.items()}
    vectors = {name: getattr(measured, name) for name in FEATURES} | dict(measured.sets)
    columns |= {name: values for name, values in vectors.items() if values is not None}
    for name, values in columns.items():
        values = columns[name] = np.ascontiguousarray(values, dtype=np.float32)
        if values.shape[:1] != (count,) or values.ndim != (2 if name in vectors else 1):
            raise StudyError(f"judge: {name} has the shape {values.shape} for {count} images")
        if not np.isfinite(values).all():
            raise StudyError(f"judge: {name} holds a NaN or an infinity; a study keeps finite numbers only")
        if name.startswith("trait.") and not (values.min() >= 0 and values.max() <= 1):
            raise StudyError(f"judge: {name} leaves 0…1; a trait is a share")
    return columns
