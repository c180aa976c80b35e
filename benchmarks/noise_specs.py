"""Print what a draw of each noise spec takes beside `torch.randn` on the CPU, in one thread and in the same run.

Spec cuda is drawn both ways: in numpy, and by the kernel of the extra `speed`, where numba is installed.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

import torch

from goodseed.noise import CARDS, step_stream
from goodseed.noise.compiled import VARIABLE, load_kernel

SHAPES = [(1, 4, 64, 64), (1, 4, 96, 96), (1, 4, 128, 128), (4, 4, 128, 128), (1, 16, 128, 128), (16, 4, 128, 128)]
RUNS, LIMIT = 60, 3.0
CARD = CARDS["RTX 4090"]


def draws(shape: tuple[int, ...], compiled: bool) -> dict[str, Callable[[], torch.Tensor]]:
    def cuda(wish: str) -> torch.Tensor:
        os.environ[VARIABLE] = wish
        return step_stream(0, "cuda", CARD).randn(shape)

    found = {
        "torch.randn": lambda: torch.randn(shape, generator=torch.Generator().manual_seed(0)),
        "cpu": lambda: step_stream(0, "cpu").randn(shape),
        "cuda in numpy": lambda: cuda("0"),
    }
    return found | ({"cuda compiled": lambda: cuda("1")} if compiled else {})


def medians(calls: dict[str, Callable[[], torch.Tensor]]) -> dict[str, float]:
    """Return the median seconds of each draw, taken in turns so that a busy moment meets all of them."""
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
    torch.set_num_threads(1)
    began = time.perf_counter()
    compiled = load_kernel() is not None
    took = time.perf_counter() - began
    print(f"kernel: imported and compiled in {took:.2f} s" if compiled else "kernel: none; pip install numba")
    ratios: dict[str, float] = {}
    for shape in SHAPES:
        taken = medians(draws(shape, compiled))
        first = taken["torch.randn"]
        row = "".join(f"  {name} {1000 * s:6.2f} ms ({s / first:.1f}×)" for name, s in taken.items())
        print(f"{'×'.join(map(str, shape)):14}{row}")
        if shape == (1, 4, 128, 128):
            ratios = {name: s / first for name, s in taken.items() if name.startswith("cuda")}
    for name, ratio in ratios.items():
        print(f"1×4×128×128, {name}: {ratio:.2f}× torch.randn, limit {LIMIT:.0f}×: {_verdict(ratio)}")
    return 0 if min(ratios.values()) <= LIMIT else 1


def _verdict(ratio: float) -> str:
    return "met" if ratio <= LIMIT else "MISSED"


if __name__ == "__main__":
    raise SystemExit(main())
