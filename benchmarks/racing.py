"""What racing keeps and costs beside measuring every seed on every prompt, and when the pilot says no.

`python benchmarks/racing.py` needs seconds: it draws scores with the variance components that the shipped bank's study
measured on the demo model, and with larger ones. `--out DIR --seeds 1024 --prompts 64 --held-out 32` measures the demo
model itself (98,304 pictures, three hours of two free cores; it can be stopped and continued) and races on that table.

The race runs over 10 orders of the prompts, simulated ones each on scores drawn anew. "Kept" is the gain of the race's
seeds over all seeds on held-out prompts as a share of the gain of the whole study's best seeds; "images" the share of
the whole study's images to choose on. What the final word on held-out prompts costs comes on top of both.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from goodseed.banks import read_bank, resolve_bank
from goodseed.stats import bootstrap_mean, icc
from goodseed.study.pilot import promise
from goodseed.study.racing import START, Z, race

FloatArray = npt.NDArray[np.float64]
ORDERS = 10


def drawn(share: float, seeds: int, prompts: int, held_out: int, state: int) -> tuple[FloatArray, FloatArray]:
    """Return scores of the selection prompts [S, P] and of the held-out ones [S, Q], with this ICC."""
    random = np.random.default_rng(state)
    effects = random.standard_normal((seeds, 1)) * share**0.5
    chance = random.standard_normal((seeds, prompts + held_out)) * (1 - share) ** 0.5
    return effects + chance[:, :prompts], effects + chance[:, prompts:]


def row(name: str, tables: Sequence[tuple[FloatArray, FloatArray]], top: int, z: float = Z) -> str:
    """Return one line of the table: one race a table, in an order of prompts of its own."""
    kept, used, gains = [], [], []
    for order, (selection, held_out) in enumerate(tables):
        shuffled = selection[:, np.random.default_rng(order).permutation(selection.shape[1])]
        standing, images = race(shuffled, top, min(START, shuffled.shape[1] // 4), z)
        best = np.argsort(-selection.mean(axis=1), kind="stable")[:top]
        whole = held_out[best].mean() - held_out.mean()
        gains.append(float(whole))
        kept.append(float((held_out[standing.accepted].mean() - held_out.mean()) / whole))
        used.append(images / selection.size)
    share = icc(tables[0][0])
    figures = [bootstrap_mean(values) for values in (kept, used)]
    texts = [f"{f.value:.3f} [{f.low:.3f}, {f.high:.3f}]" for f in figures]
    size = f"{len(tables[0][0]):,} × {tables[0][0].shape[1]:,}"
    return f"| {name} | {size} | {top} | {share.value:.3f} | {np.mean(gains):.3f} | {texts[0]} | {texts[1]} |"


def simulated() -> list[str]:
    score = read_bank(resolve_bank("goodseed-demo")).info["reliability"]["icc"]["score"]["value"]
    cases = [
        ("demo's score", score, 1024, 64, 64, Z),
        ("demo's score", score, 1024, 1000, 64, Z),
        ("demo's score, wider intervals (z 2.58)", score, 1024, 1000, 64, 2.58),
        ("ICC .06", 0.06, 1024, 1000, 64, Z),
        ("ICC .17, as a scorer of SD", 0.0055**2 / (0.0055**2 + 0.012**2), 1024, 1000, 256, Z),
        ("ICC .17, as a scorer of SD", 0.0055**2 / (0.0055**2 + 0.012**2), 1024, 1000, 64, Z),
    ]
    return [
        row(name, [drawn(share, seeds, prompts, 1000, state) for state in range(ORDERS)], top, z)
        for name, share, seeds, prompts, top, z in cases
    ]


def measured(folder: Path, seeds: int, prompts: int, held_out: int, workers: int | None) -> list[str]:
    """Measure the demo model (or go on with that) and race on its table, each order on the same scores."""
    from goodseed.demo.prompts import prompt_set
    from goodseed.study.ledger import read_ledger
    from goodseed.study.plan import make_plan
    from goodseed.study.runner import run_study

    plan = make_plan("demo", range(seeds), prompt_set(0, prompts), prompt_set(1, held_out))
    run_study(folder, plan, workers)
    ledger = read_ledger(folder)
    table = tuple(ledger.cells(name).metrics["score"].astype(np.float64) for name in ("selection", "held_out"))
    return [row("demo model, score", [(table[0], table[1])] * ORDERS, max(1, seeds // 16))]


def pilots() -> list[str]:
    rows = ["| pilot of 32 × 16 for 1,024 × 64 | says it is worth it |", "|---|---|"]
    for share in (0.0, 0.01, 0.03, 0.06, 0.17):
        said = [promise("score", drawn(share, 32, 16, 0, state)[0], 1024, 64, 64).worth for state in range(100)]
        rows.append(f"| ICC {share:g} | {sum(said)} of {len(said)} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, help="measure the demo model in this folder")
    parser.add_argument("--seeds", type=int, default=1024)
    parser.add_argument("--prompts", type=int, default=64, help="at most 78, as --held-out")
    parser.add_argument("--held-out", type=int, default=32)
    parser.add_argument("--workers", type=int)
    asked = parser.parse_args()
    print("| scores | seeds × prompts | top | ICC | whole gain, held out | kept | images |")
    print("|---|---|---|---|---|---|---|")
    if asked.out is not None:
        print("\n".join(measured(asked.out, asked.seeds, asked.prompts, asked.held_out, asked.workers)))
    else:
        print("\n".join(simulated()) + "\n\n" + "\n".join(pilots()))


if __name__ == "__main__":
    main()
