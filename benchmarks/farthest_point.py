"""Print how long farthest point sampling takes to choose 4 of 1,000,000 seeds × 64 features."""

from __future__ import annotations

import time

import numpy as np

from goodseed.banks.diverse import farthest_point_sampling

SEEDS, FEATURES, CHOSEN, LIMIT_S = 1_000_000, 64, 4, 1.0


def main() -> int:
    """Time three runs; exit 1 when the quickest takes a second or more."""
    features = np.random.default_rng(0).standard_normal((SEEDS, FEATURES), dtype=np.float32)
    times = []
    for start in range(3):
        began = time.perf_counter()
        farthest_point_sampling(features, CHOSEN, start)
        times.append(time.perf_counter() - began)
    fine = min(times) < LIMIT_S
    print(f"{CHOSEN} of {SEEDS:,} seeds × {FEATURES} features: {', '.join(f'{t:.2f} s' for t in times)}", end=" ")
    print(f"(limit {LIMIT_S:.0f} s: {'met' if fine else 'MISSED'})")
    return 0 if fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
