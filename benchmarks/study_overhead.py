"""What a study costs beside generating and judging: `python benchmarks/study_overhead.py [--generator demo]`.

Prints the share of workers × wall time, between the first shard's start and the last shard's end, that was not
spent inside the generator and the judge; then the same for a generator that only sleeps, per cell; then how
long starting up and building the bank took, and how long a bank of 1,024 seeds takes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from goodseed.prompts import PromptSet
from goodseed.study.bank import build_bank
from goodseed.study.cells import compute_shard
from goodseed.study.engines.local import default_workers
from goodseed.study.ledger import write_shard
from goodseed.study.lock import locked
from goodseed.study.plan import Plan, make_plan, write_plan
from goodseed.study.registry import default_prompts, make_pair
from goodseed.study.runner import Running, run_study

FAKE = "tests.library.fake_model:make"


class Clock:
    """Notes when each part of a study began and ended."""

    def __init__(self) -> None:
        self.ready = self.computed = 0.0

    def started(self, images: int, done: int, damaged: dict[str, str]) -> None:
        self.ready = time.perf_counter()

    def advanced(self, images: int) -> None:
        pass

    def said(self, line: str) -> None:
        pass

    def summing_up(self) -> None:
        self.computed = time.perf_counter()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def measure(title: str, plan: Plan, workers: int) -> None:
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        result = run_study(Path(folder) / "study", plan, Running(workers=workers, progress=clock))
        ended = time.perf_counter()
    offered = workers * (clock.computed - clock.ready)
    idle = offered - result.busy_seconds
    say(f"{title}: {len(plan.seeds)} seeds, {plan.images} images, {workers} workers, {ended - began:.1f} s in all")
    say(f"  images per second                     {plan.images / (clock.computed - clock.ready):8.1f}")
    say(f"  workers × wall while computing        {offered:8.1f} s")
    say(f"  inside the generator and the judge    {result.busy_seconds:8.1f} s")
    say(f"  overhead, the workers' start included {idle / offered:8.1%} ({1000 * idle / plan.images:.2f} ms per image)")
    say(f"  building and writing the bank         {ended - clock.computed:8.1f} s")


def build_large(seeds: int, prompts: int) -> None:
    """Time `build_bank` on a ledger of the fake generator."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = make_plan(FAKE, range(seeds), numbered("a", prompts), numbered("b", prompts))
        generator, judge = make_pair(FAKE)
        with locked(folder):
            write_plan(folder, plan)
            for shard in plan.shards():
                write_shard(folder, compute_shard(generator, judge, shard, plan.columns), plan.key)
        began = time.perf_counter()
        build_bank(folder)
        say(f"build_bank, {seeds} seeds × 2 × {prompts} prompts: {time.perf_counter() - began:.1f} s")


def numbered(word: str, count: int) -> PromptSet:
    return PromptSet(tuple(f"{word} {index}" for index in range(count)), "CC0-1.0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", default="demo")
    parser.add_argument("--seeds", type=int, default=128)
    parser.add_argument("--prompts", type=int, default=8, help="in each of the two sets")
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--sleep", type=float, default=0.1, help="seconds per image of the generator that sleeps")
    parser.add_argument("--large", type=int, default=1024, help="seeds of the ledger that a bank is built of")
    options = parser.parse_args()
    both = default_prompts(options.generator) or (numbered("a", options.prompts), numbered("b", options.prompts))
    selection, held_out = (PromptSet(each.prompts[: options.prompts], each.licence) for each in both)
    plan = make_plan(options.generator, range(options.seeds), selection, held_out)
    measure(options.generator, plan, options.workers)
    os.environ["GOODSEED_FAKE_DELAY"] = str(options.sleep)
    sleeping = make_plan(FAKE, range(options.seeds), numbered("a", options.prompts), numbered("b", options.prompts))
    measure(f"a generator that sleeps {options.sleep:g} s per image", sleeping, options.workers)
    del os.environ["GOODSEED_FAKE_DELAY"]
    if options.large:
        build_large(options.large, 16)


if __name__ == "__main__":
    main()
