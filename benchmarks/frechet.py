"""The Fréchet distance beside torch-fidelity's and scipy's: `python benchmarks/frechet.py`.

Prints how far the values are apart, for 768 and 2,048 features, with more and with fewer images than features; how
much faster 64 seeds × 1,000 images × 2,048 features are than by the other ways; and the peak memory of a process that
sums up many seeds. All in one run, on numpy's linear algebra and as many threads as it takes (--threads N: so many).
The other ways are timed on a few seeds of the same features and extrapolated: a seed costs them what another does.
torch-fidelity is taken from where `pip install '.[metrics]'` puts it; each way has the reference's mean and
covariance for nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

LEAST_FASTER = {"torch-fidelity": 12.0, "sqrtm": 60.0}
MOST_APART = 1e-6
MOST_MEMORY = 2e9
REFERENCE = 10_000


class World:
    """Features like a network's: never negative, correlated, their variances over some orders of magnitude."""

    def __init__(self, size: int) -> None:
        random = np.random.default_rng(size)
        self.size = size
        self._mix = random.standard_normal((size, size)) * np.exp(-np.arange(size) / (size / 6))[:, None]
        self._mix = (self._mix / np.sqrt((self._mix**2).sum(axis=0))).astype(np.float32)

    def images(self, name: int, count: int) -> np.ndarray:
        """Return the features of `count` images, float32 [count, size], the same for the same name."""
        random = np.random.default_rng([self.size, name])
        shift = 0.05 * np.float32(name % 7)
        drawn = random.standard_normal((count, self.size), dtype=np.float32)
        return np.maximum(drawn @ self._mix + 0.4 + shift, 0, dtype=np.float32)


def by_torch_fidelity(features: np.ndarray, real: tuple[np.ndarray, np.ndarray]) -> float:
    """torch-fidelity's own functions, float64 features given so that both sides mean the same numbers."""
    import torch
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

    own = fid_features_to_statistics(torch.from_numpy(features.astype(np.float64)))
    return float(fid_statistics_to_metric(own, {"mu": real[0], "sigma": real[1]}, False)[KEY_METRIC_FID])


def by_sqrtm(features: np.ndarray, real: tuple[np.ndarray, np.ndarray]) -> float:
    """The way of pytorch-fid and clean-fid, without their offset for singular products."""
    from scipy.linalg import sqrtm

    values = features.astype(np.float64)
    mean, covariance = values.mean(axis=0), np.cov(values, rowvar=False)
    shift = mean - real[0]
    root = np.trace(np.real(sqrtm(covariance @ real[1])))
    return float(shift @ shift + np.trace(covariance) + np.trace(real[1]) - 2 * root)


def timed(work: Callable[[], float]) -> tuple[float, float]:
    began = time.perf_counter()
    value = work()
    return value, time.perf_counter() - began


def compare_values() -> float:
    """Print how far this and torch-fidelity's values are apart; return the largest relative difference."""
    from goodseed.study.frechet import Reference, frechet_distances

    worst = 0.0
    for size in (768, 2048):
        world = World(size)
        real = world.images(0, REFERENCE).astype(np.float64)
        statistics = (real.mean(axis=0), np.cov(real, rowvar=False))
        reference = Reference.of(real)
        for count in (size // 2, size + size // 4):
            features = world.images(1, count)
            ours = frechet_distances(features[None], reference)[0]
            theirs = by_torch_fidelity(features, statistics)
            apart = abs(ours - theirs) / abs(theirs)
            worst = max(worst, apart)
            print(f"  {size:5} features, {count:5} images: {ours:.9f}, torch-fidelity {theirs:.9f}, apart {apart:.1e}")
    return worst


def compare_speed(seeds: int, images: int, size: int, few: int) -> dict[str, float]:
    """Print what `seeds` seeds take by each way; return how many times faster than the others this one is."""
    from goodseed.study.frechet import Reference, frechet_distances

    world = World(size)
    real = world.images(0, REFERENCE).astype(np.float64)
    statistics = (real.mean(axis=0), np.cov(real, rowvar=False))
    began = time.perf_counter()
    reference = Reference.of_statistics(*statistics)
    print(f"  factor of the reference, once          {time.perf_counter() - began:9.2f} s")
    spent = {"torch-fidelity": 0.0, "sqrtm": 0.0}
    own = 0.0
    for number in range(seeds):  # the ways take turns, so that a busy machine slows all of them
        features = world.images(number + 1, images)
        own += timed(lambda given=features: float(frechet_distances(given[None], reference)[0]))[1]
        if number % max(1, seeds // few) == 0 and number // max(1, seeds // few) < few:
            spent["torch-fidelity"] += timed(lambda given=features: by_torch_fidelity(given, statistics))[1]
            spent["sqrtm"] += timed(lambda given=features: by_sqrtm(given, statistics))[1]
    print(f"  {seeds} seeds × {images} × {size}, this way        {own:9.2f} s ({own / seeds:.3f} s a seed)")
    faster = {}
    for name, seconds in spent.items():
        whole = seconds / few * seeds
        faster[name] = whole / own
        print(f"  {name:16} on {few} of them {seconds:9.2f} s, so for all {whole:7.1f} s: {faster[name]:.0f} × as long")
    return faster


def peak_memory(seeds: int, images: int, size: int) -> float:
    """Run this script's other half in a process of its own; return its peak memory in bytes."""
    command = [sys.executable, __file__, "--sum-up", str(seeds), str(images), str(size)]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ})
    peak = float(done.stdout.split()[-1])
    print(f"  {seeds} seeds × {images} × {size}: {peak / 1e9:.2f} GB at most, {time.perf_counter() - began:.0f} s")
    return peak


def sum_up(seeds: int, images: int, size: int) -> None:
    """Write a ledger of as many seeds to the disk, a block at a time, and make its Fréchet distances of it."""
    import resource
    import tempfile

    from goodseed.study.frechet import Reference, frechet_distances

    reference = Reference.of(np.random.default_rng(0).random((3 * size, size), np.float32))
    with tempfile.TemporaryDirectory() as folder:
        blocks = ledger_blocks(Path(folder), seeds, images, size)
        found = np.concatenate([frechet_distances(block, reference) for block in blocks])
    assert found.shape == (seeds,)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def ledger_blocks(folder: Path, seeds: int, images: int, size: int) -> Iterator[np.ndarray]:
    """Yield random features of a study's ledger as a bank's maker reads them; its shards are written block by block."""
    from goodseed.prompts import PromptSet
    from goodseed.study.cells import ShardResult
    from goodseed.study.ledger import Ledger, shard_path, write_shard
    from goodseed.study.plan import Plan
    from goodseed.study.seals import read_seals

    judged = {"metrics": {"fid": {"per": "seed", "features": "inception"}}, "traits": {}, "features": {}}
    prompts, other = PromptSet(tuple(f"prompt {number}" for number in range(images))), PromptSet(("a", "b"))
    for start in range(0, seeds, 64):
        some = tuple(range(start, min(start + 64, seeds)))
        plan = Plan("none", {}, judged, some, prompts, other, 64, 64, 1, {})
        shards = [shard for shard in plan.shards() if shard.prompt_set == "selection"]
        for shard in shards:
            draw = np.random.default_rng([start, shard.prompt_start])
            features = draw.random((len(shard.seeds), size), np.float32)
            write_shard(folder, ShardResult(shard, {"inception": features}, 0.0), plan.key_of("selection"))
        yield from Ledger(folder, plan, read_seals(folder)).blocks("selection", "inception")
        for shard in shards:
            shard_path(folder, shard).unlink()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=64)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--few", type=int, default=3, help="seeds on which the slow ways are timed")
    parser.add_argument("--memory", type=int, default=1024, help="seeds of the run whose memory is measured; 0: none")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as numpy takes")
    parser.add_argument("--sum-up", type=int, nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sum_up:
        sum_up(*options.sum_up)
        return 0
    from threadpoolctl import threadpool_limits

    with threadpool_limits(options.threads or None):
        print("Values:")
        apart = compare_values()
        print("Speed:")
        faster = compare_speed(options.seeds, options.images, 2048, options.few)
    fine = [apart <= MOST_APART, *(faster[name] >= least for name, least in LEAST_FASTER.items())]
    print(f"Apart at most {apart:.1e} (limit {MOST_APART:.0e}); faster at least {LEAST_FASTER}: {faster}")
    if options.memory:
        print("Memory:")
        runs = ((options.memory, options.images), (4, 10_000))  # a seed's images alone make the second one larger
        fine += [peak_memory(seeds, images, 2048) < MOST_MEMORY for seeds, images in runs]
    print("met" if all(fine) else "MISSED")
    return 0 if all(fine) else 1


if __name__ == "__main__":
    raise SystemExit(main())
