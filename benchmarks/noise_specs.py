"""Print what a draw of each noise spec takes beside `torch.randn` on the CPU, in one thread and in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from goodseed.noise import CARDS, step_stream

SHAPES = [(1, 4, 64, 64), (1, 4, 96, 96), (1, 4, 128, 128), (4, 4, 128, 128), (1, 16, 128, 128), (16, 4, 128, 128)]
RUNS, LIMIT = 60, 3.0
CARD = CARDS["RTX 4090"]


def draws(shape: tuple[int, ...]) -> dict[str, Callable[[], torch.Tensor]]:
    return {
        "torch": lambda: torch.randn(shape, generator=torch.Generator().manual_seed(0)),
        "cpu": lambda: step_stream(0, "cpu").randn(shape),
        "cuda": lambda: step_stream(0, "cuda", CARD).randn(shape),
    }


def medians(shape: tuple[int, ...]) -> dict[str, float]:
    """Return the median seconds of each draw, taken in turns so that a busy moment meets all of them."""
    calls = draws(shape)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(RUNS + 5):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            if turn >= 5:
                times[name].append(time.perf_counter() - began)
    return {name: statistics.median(taken) for name, taken in times.items()}


def main() -> int:
    """Time every shape; exit 1 when a 4×128×128 latent of spec cuda takes more than three times torch.randn."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    fine = True
    print(f"{'shape':20} {'torch.randn':>12} {'cpu':>16} {'cuda':>16}")
    for shape in SHAPES:
        taken = medians(shape)
        times = {name: f"{1000 * s:.2f} ms ({s / taken['torch']:.1f}×)" for name, s in taken.items()}
        print(f"{'×'.join(map(str, shape)):20} {1000 * taken['torch']:9.2f} ms {times['cpu']:>16} {times['cuda']:>16}")
        if shape == (1, 4, 128, 128):
            fine = taken["cuda"] <= LIMIT * taken["torch"]
    torch.set_num_threads(threads)
    print(f"limit for 1×4×128×128: {LIMIT:.0f}× torch.randn: {'met' if fine else 'MISSED'}")
    return 0 if fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
