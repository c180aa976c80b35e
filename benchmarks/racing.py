"""What racing keeps and costs beside measuring every seed on every prompt, and when the pilot says no.

`python benchmarks/racing.py` needs a minute: it draws scores with the variance components that the shipped bank's study
measured on the demo model, and with larger ones. `--out DIR` measures the demo model itself with 4 steps and no
guidance, in bfloat16 (1,024 seeds on 104 prompts to choose on and 52 held out, 159,744 pictures, three quarters of an
hour of two free cores where the processor computes in bfloat16; it can be stopped and continued) and races on that
table: by score, by each picture's likeness to drawn scenes, and by traits. The score depends little on the seed and
traits depend on it much, so that their rows show what racing saves at which ICC. `--prompts 416 --held-out 104` takes
longer sets, in whose later rounds the same pairs of object and modifier stand before a background (532,480 pictures,
two hours): studies of real models have thousands of prompts, and the more there are, the smaller is a race's share.

The race runs over 10 orders of the prompts (`--orders`), simulated ones each on scores drawn anew, by both rules.
"Kept" is the gain of the race's seeds over all seeds on held-out prompts as a share of the gain of the whole study's
best seeds; "images" the share of the whole study's images to choose on. What the final word on held-out prompts costs
comes on top of both. Intervals are 95 %, percentiles of a bootstrap over orders and held-out prompts.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from goodseed.banks import read_bank, resolve_bank
from goodseed.demo.judge import DemoJudge
from goodseed.demo.prompts import PAIRS, ROUNDS, prompt_set
from goodseed.prompts import PromptSet
from goodseed.stats import bootstrap_mean, icc
from goodseed.study.ledger import Ledger, read_ledger
from goodseed.study.pilot import promise
from goodseed.study.plan import QUALITY, SETS, make_plan
from goodseed.study.race_rules import GAIN, INTERVAL, race
from goodseed.study.registry import one_torch_thread
from goodseed.study.runner import Running, run_study

FloatArray = npt.NDArray[np.float64]
Table = tuple[FloatArray, FloatArray]
"""Scores on the selection prompts [S, P] and on the held-out ones [S, Q], more is better."""

ORDERS = 10
HELD_OUT_PAIRS = 52
"""Pairs of the demo model's objects and modifiers that only the prompts held out name; 104 others are there."""

MOST_PROMPTS, MOST_HELD_OUT = (2 * PAIRS - HELD_OUT_PAIRS) * ROUNDS, HELD_OUT_PAIRS * ROUNDS

RESAMPLES = 2000
OPTIONS = {"steps": 4, "cfg": 1.0, "dtype": "bfloat16"}
METRICS = ("demo", "small")


def drawn(share: float, seeds: int, prompts: int, held_out: int, state: int) -> Table:
    """Return scores with this ICC."""
    random = np.random.default_rng(state)
    effects = random.standard_normal((seeds, 1)) * share**0.5
    chance = random.standard_normal((seeds, prompts + held_out)) * (1 - share) ** 0.5
    return effects + chance[:, :prompts], effects + chance[:, prompts:]


def rare(rate: float, share: float, seeds: int, prompts: int, held_out: int, state: int) -> Table:
    """Return a trait that is there or not: in so many images, with seeds' rates from a beta distribution."""
    random = np.random.default_rng(state)
    rates = random.beta(rate * (1 / share - 1), (1 - rate) * (1 / share - 1), (seeds, 1))
    there = (random.random((seeds, prompts + held_out)) < rates).astype(np.float64)
    return there[:, :prompts], there[:, prompts:]


def capped(share: float, seeds: int, prompts: int, held_out: int, state: int) -> Table:
    """Return scores with a ceiling and a long tail below it."""
    selection, rest = drawn(share, seeds, prompts, held_out, state)
    return -np.exp(-0.7 * selection), -np.exp(-0.7 * rest)


def row(name: str, tables: Sequence[Table], top: int) -> str:
    """Return one line of the table: one race a table by each rule, in an order of prompts of its own."""
    cells = []
    for rule in (GAIN, INTERVAL):
        raced, whole, used = [], [], []
        for order, (selection, held_out) in enumerate(tables):
            shuffled = selection[:, np.random.default_rng(order).permutation(selection.shape[1])]
            standing, images = race(shuffled, top, rule=rule)
            best = np.argsort(-selection.mean(axis=1), kind="stable")[:top]
            gains = held_out - held_out.mean(axis=0)
            raced.append(gains[standing.accepted].mean(axis=0))
            whole.append(gains[best].mean(axis=0))
            used.append(images / selection.size)
        share = bootstrap_mean(used)
        cells += [kept(np.array(raced), np.array(whole)), f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]"]
    first, held_out = tables[0]
    found = icc(np.concatenate([first, held_out], axis=1))
    gain = float(np.mean(whole) / (held_out - held_out.mean(axis=0)).std())
    size = f"{len(first):,} × {first.shape[1]:,}"
    return f"| {name} | {size} | {top} | {found.value:.3f} | {gain:.2f} | {' | '.join(cells)} |"


def kept(raced: FloatArray, whole: FloatArray) -> str:
    """Return the share of the whole gain that races keep, from gains on held-out prompts [orders, Q].

    Where the whole gain may be none, no share of it means anything.
    """
    draw = np.random.default_rng(0)
    orders, prompts = raced.shape
    gains = np.empty((2, RESAMPLES))
    for index in range(RESAMPLES):
        chosen = np.ix_(draw.integers(orders, size=orders), draw.integers(prompts, size=prompts))
        gains[:, index] = raced[chosen].mean(), whole[chosen].mean()
    if np.quantile(gains[1], 0.025) <= 0 or gains[1].min() <= 0:
        return "no gain is shown"
    low, high = np.quantile(gains[0] / gains[1], [0.025, 0.975])
    return f"{raced.mean() / whole.mean():.3f} [{low:.3f}, {high:.3f}]"


def simulated() -> Iterator[str]:
    score = read_bank(resolve_bank("goodseed-demo")).info["reliability"]["icc"]["score"]["value"]
    scorer = 0.0055**2 / (0.0055**2 + 0.012**2)
    cases = [
        ("demo's score", score, 64, 64),
        ("demo's score", score, 1000, 64),
        ("ICC .06", 0.06, 1000, 64),
        ("ICC .1", 0.1, 100, 64),
        ("ICC .17, as a scorer of SD", scorer, 100, 64),
        ("ICC .17, as a scorer of SD", scorer, 1000, 64),
        ("ICC .17, as a scorer of SD", scorer, 1000, 256),
        ("ICC .45", 0.45, 32, 64),
        ("ICC .7", 0.7, 32, 64),
    ]
    for name, share, prompts, top in cases:
        yield row(name, [drawn(share, 1024, prompts, 200, state) for state in range(ORDERS)], top)
    for rate, share in ((0.02, 0.25), (0.1, 0.1), (0.3, 0.5)):
        tables = [rare(rate, share, 1024, 104, 200, state) for state in range(ORDERS)]
        yield row(f"a trait of {rate:.0%} of the images", tables, 64)
    yield row("a score with a ceiling", [capped(0.12, 1024, 104, 200, state) for state in range(ORDERS)], 64)


def measured(
    folder: Path, seeds: int, prompts: int, held_out: int, workers: int | None, top: int | None, orders: int
) -> Iterator[str]:
    """Measure the demo model (or go on with that) and race on its tables, each order on the same scores."""
    plan = make_plan("demo", range(seeds), *prompt_sets(prompts, held_out), metrics=METRICS, options=OPTIONS)
    run_study(folder, plan, Running(workers=workers))
    tables = sorted(tables_of(read_ledger(folder)).items(), key=lambda item: -icc(item[1][0]).value)
    for name, table in tables:
        yield row(name, [table] * orders, top or max(1, seeds // 16))


def prompt_sets(prompts: int, held_out: int) -> tuple[PromptSet, PromptSet]:
    """Return the prompts to choose on, and those held out, which share no pair of object and modifier.

    Held out are the first `HELD_OUT_PAIRS` pairs of the second half, in each of its rounds.
    """
    first, second = prompt_set(0, PAIRS * ROUNDS), prompt_set(1, PAIRS * ROUNDS)
    free: list[str] = []
    held: list[str] = []
    for start in range(0, PAIRS * ROUNDS, PAIRS):
        middle = start + HELD_OUT_PAIRS
        free += first.prompts[start : start + PAIRS] + second.prompts[middle : start + PAIRS]
        held += second.prompts[start:middle]
    return PromptSet(tuple(free[:prompts]), first.licence), PromptSet(tuple(held[:held_out]), second.licence)


def tables_of(ledger: Ledger) -> dict[str, Table]:
    """Return what a race can be about: the score, the likeness to drawn scenes, traits and composition."""
    sides = []
    for cells in (ledger.selection, ledger.held_out):
        places = dict(zip(ledger.plan.composition_names, np.moveaxis(np.asarray(cells.composition), 2, 0), strict=True))
        values = {**cells.metrics, **cells.traits, **places}
        sides.append({name: np.asarray(table, np.float64) for name, table in values.items()})
    found = {name: (sides[0][name], sides[1][name]) for name in sides[0] if all(side[name].std() for side in sides)}
    with one_torch_thread():
        middle = DemoJudge().reference(ledger.plan.selection.prompts).mean(axis=0)
    near = [
        np.concatenate([-np.linalg.norm(block - middle, axis=2) for block in ledger.blocks(name, QUALITY)])
        for name in SETS
    ]
    return {**found, "likeness to drawn scenes": (near[0], near[1])}


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
    parser.add_argument("--prompts", type=int, default=104, help=f"to choose on, with --out; at most {MOST_PROMPTS}")
    parser.add_argument("--held-out", type=int, default=52, help=f"with --out; at most {MOST_HELD_OUT}")
    parser.add_argument("--top", type=int, help="the best so many, with --out; a sixteenth of the seeds by default")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--orders", type=int, default=ORDERS, help=f"of the prompts, with --out; {ORDERS} by default")
    asked = parser.parse_args()
    if asked.prompts > MOST_PROMPTS or asked.held_out > MOST_HELD_OUT:
        parser.error(f"the demo has {MOST_PROMPTS} prompts to choose on and {MOST_HELD_OUT} to hold out")
    rules = " | ".join(f"kept by {rule} | images" for rule in (GAIN, INTERVAL))
    print(f"| scores | seeds × prompts | top | ICC | whole gain, SDs | {rules} |\n|{'---|' * 9}")
    sizes = (asked.seeds, asked.prompts, asked.held_out, asked.workers, asked.top, asked.orders)
    for line in simulated() if asked.out is None else measured(asked.out, *sizes):
        print(line, flush=True)
    if asked.out is None:
        print("\n" + "\n".join(pilots()))


if __name__ == "__main__":
    main()
