"""The same study by one worker and by several, local and on Ray: `python benchmarks/engines.py [--generator demo]`.

Prints each run's images per second, from the moment when every worker has given its first shard to the last shard, and
the ratio of several workers to one on the same engine; the seconds before that moment, in which the engine starts; and
whether all runs gave the same bank. On Ray one more run has a worker killed (kill -9) after the first shard.

Without --generator a generator sleeps for every image, as a worker does that waits for a GPU or a server: its ratio
says what an engine itself costs, on a machine of any number of cores. With the demo the workers share this machine's
cores.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.study_overhead import FAKE, numbered, say
from goodseed.prompts import PromptSet
from goodseed.study.engines import make_engine
from goodseed.study.plan import Plan, make_plan
from goodseed.study.registry import default_prompts
from goodseed.study.runner import Running, run_study


class Pace:
    """A study's progress that notes when shards come, and may kill a worker at the first one."""

    def __init__(self, workers: int, pids: Path | None = None) -> None:
        self._workers, self._pids = workers, pids
        self.began = time.perf_counter()
        self.moments: list[float] = []
        self.counts: list[int] = []
        self.killed = 0

    def started(self, images: int, done: int, damaged: dict[str, str]) -> None:
        pass

    def advanced(self, images: int) -> None:
        self.moments.append(time.perf_counter())
        self.counts.append(images)
        if self._pids is not None and not self.killed:
            self.killed = next(pid for pid in map(int, self._pids.read_text().split()) if pid != os.getpid())
            os.kill(self.killed, signal.SIGKILL)

    def said(self, line: str) -> None:
        say(f"  {line}")

    def summing_up(self) -> None:
        pass

    @property
    def rate(self) -> float:
        """Images a second, once each worker has given a shard (they give about as many each)."""
        first = self._workers - 1
        return sum(self.counts[first + 1 :]) / (self.moments[-1] - self.moments[first])

    @property
    def start(self) -> float:
        return self.moments[self._workers - 1] - self.began


def measure(engine: str, plan: Plan, workers: int, pids: Path | None = None) -> tuple[float, str]:
    pace = Pace(workers, pids)
    with tempfile.TemporaryDirectory() as folder:
        result = run_study(Path(folder) / "study", plan, Running(progress=pace, engine=make_engine(engine, workers)))
    who = f"{engine}, {workers} worker{'s' * (workers > 1)}{', one killed after the first shard' * bool(pace.killed)}"
    say(f"{who}: {pace.rate:.1f} images/s; {pace.start:.1f} s until each had given a shard")
    return pace.rate, result.bank_id


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", default=FAKE)
    parser.add_argument("--seeds", type=int, default=256)
    parser.add_argument("--prompts", type=int, default=4, help="in each of the two sets")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sleep", type=float, default=0.02, help="seconds per image of the generator that sleeps")
    parser.add_argument("--engines", default="local,ray")
    options = parser.parse_args()
    both = default_prompts(options.generator) or (numbered("a", options.prompts), numbered("b", options.prompts))
    selection, held_out = (PromptSet(each.prompts[: options.prompts], each.licence) for each in both)
    plan = make_plan(options.generator, range(options.seeds), selection, held_out)
    what = f"sleeps {options.sleep:g} s per image" if options.generator == FAKE else options.generator
    say(f"{what}: {len(plan.seeds)} seeds, {plan.images} images in {len(plan.shards())} shards")
    os.environ["GOODSEED_FAKE_DELAY"] = str(options.sleep)
    ids = set()
    for engine in options.engines.split(","):
        one, first = measure(engine, plan, 1)
        several, second = measure(engine, plan, options.workers)
        ids |= {first, second}
        say(f"{engine}: {several / one:.2f} × one worker's rate")
    if options.generator == FAKE and "ray" in options.engines:
        with tempfile.TemporaryDirectory() as folder:
            pids = Path(folder) / "pids"
            os.environ["GOODSEED_FAKE_PIDS"] = str(pids)
            ids.add(measure("ray", plan, options.workers, pids)[1])
    say(f"same bank in all runs: {len(ids) == 1}")
    sys.exit(0 if len(ids) == 1 else 1)


if __name__ == "__main__":
    main()
