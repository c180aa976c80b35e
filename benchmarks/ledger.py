"""A study of ten million cells: how fast it starts, how fast it is summed up, and in how much memory.

`python benchmarks/ledger.py` writes ledgers of 1, 3 and 10 million cells (1,024 seeds; a score and two traits a cell,
drawn from a fake model) by the ledger's own writer, and prints for each what its files take, how long a start takes
that finds all of them sealed, and one that finds no seals (a copy of the folder) and reads everything, how long the
bank takes, and the peak memory of each, every one in a process of its own. Then it extrapolates to the paper's
46,104,576 images as one study: memory by the line through the smallest and the largest, time by what a shard and what a
cell took (no study has more than 16,384 shards, so that a larger one is not slower by its files).

The ledgers take 300 MB, and some minutes where the disk is quick to keep a file; with --folder DIR they stay there and
serve again. --features adds style and composition to each cell (then 3 GB, and the bank itself holds 20 bytes a cell).
Exits with 1 when a start at the largest size takes 10 s, or when its memory or the bank's has grown by a quarter since
the smallest.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from goodseed.prompts import PromptSet  # noqa: E402
from goodseed.study.bank import build_bank  # noqa: E402
from goodseed.study.cells import ShardResult  # noqa: E402
from goodseed.study.interfaces import Measurements  # noqa: E402
from goodseed.study.ledger import scan, write_shard  # noqa: E402
from goodseed.study.plan import Plan, Shard, make_plan, read_plan, write_plan  # noqa: E402
from goodseed.study.seals import seals_path  # noqa: E402
from tests.library.fake_model import FakeGenerator, FakeJudge  # noqa: E402

SEEDS = 1024
PAPER = 46_104_576
MOST_SECONDS, MOST_GROWTH = 10.0, 1.25
STYLE, COMPOSITION = 64, 3


class BareJudge(FakeJudge):
    """Says what it would measure: a score and two traits, with or without features; no metric of sets."""

    def __init__(self, features: bool) -> None:
        self._features = features

    def describe(self) -> dict[str, Any]:
        info = super().describe()
        return {
            "metrics": {"score": info["metrics"]["score"]},
            "traits": info["traits"],
            "features": info["features"] if self._features else {},
        }

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        raise NotImplementedError("its numbers are drawn")


def bare() -> tuple[FakeGenerator, BareJudge]:
    return FakeGenerator(), BareJudge(features=False)


def with_features() -> tuple[FakeGenerator, BareJudge]:
    return FakeGenerator(), BareJudge(features=True)


def columns_of(shard: Shard, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Draw a shard's numbers: a tenth of each one's variance is the seed's, some is the prompt's."""
    random = np.random.default_rng([shard.seed_start, shard.prompt_start, len(shard.prompt_set)])
    effects = np.sin(np.array(shard.seeds) * 12.9898)
    drawn = {}
    for name in sorted(names):
        width = {"style": STYLE, "composition": COMPOSITION}.get(name, 1)
        shape = (len(shard.prompts), len(shard.seeds), width)
        values = random.standard_normal(shape, dtype=np.float32) + 0.4 * effects[:, None].astype(np.float32)
        values += random.standard_normal((len(shard.prompts), 1, width), dtype=np.float32)
        values = values if name in ("metric.score", "style") else np.clip(values / 8 + 0.5, 0, 1)
        rows = np.ascontiguousarray(values, np.float32).reshape(-1, width)
        drawn[name] = rows if name in ("style", "composition") else rows[:, 0]
    return drawn


def numbered(word: str, count: int) -> PromptSet:
    return PromptSet(tuple(f"{word} {index} of a set of captions" for index in range(count)), "CC0-1.0")


def plan_of(cells: int, maker: str) -> Plan:
    prompts = round(cells / SEEDS / 2)
    return make_plan(f"benchmarks.ledger:{maker}", range(SEEDS), numbered("one", prompts), numbered("two", prompts))


def write(folder: Path, plan: Plan) -> None:
    write_plan(folder, plan)
    for shard in plan.shards():
        write_shard(folder, ShardResult(shard, columns_of(shard, sorted(plan.columns)), 0.0), plan.key)


def start(folder: Path) -> None:
    found = scan(folder, read_plan(folder))
    if found.pending:
        raise SystemExit(f"{len(found.pending)} shards are not whole")


WORK: dict[str, Callable[[Path], object]] = {"nothing": lambda folder: None, "start": start, "bank": build_bank}


def measured(folder: Path, what: str) -> tuple[float, float, float]:
    """Do something with the ledger in a process of its own; the imports do not count.

    Returns seconds, seconds of a core (on a busy machine these are fewer), and MB at the peak.
    """
    done = subprocess.run(
        [sys.executable, __file__, "--do", what, "--at", str(folder)], check=True, cwd=ROOT, stdout=subprocess.PIPE
    )
    seconds, busy, peak = json.loads(done.stdout)
    return seconds, busy, peak


def do(what: str, folder: Path) -> None:
    began = time.perf_counter(), time.process_time()
    WORK[what](folder)
    seconds = [time.perf_counter() - began[0], time.process_time() - began[1]]
    # Not by getrusage: there a process begins with the peak of the one that made it.
    (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    say(json.dumps([*seconds, int(peak.split()[1]) * 1024 / 1e6]))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def at_size(folder: Path, plan: Plan) -> dict[str, tuple[float, float, float]]:
    began, there = time.perf_counter(), seals_path(folder).exists()
    if not there:
        write(folder, plan)
    how = "there already" if there else f"written in {time.perf_counter() - began:.0f} s"
    files = list((folder / "shards").rglob("*.parquet"))
    size = sum(path.stat().st_size for path in files)
    say(
        f"{plan.images:,} cells: {len(files):,} shards of {plan.seed_block * plan.prompt_block:,}, {size / 1e6:,.0f} MB"
        f" ({size / plan.images:.1f} bytes a cell); {how}"
    )
    found = {"a start": measured(folder, "start")}
    seals_path(folder).unlink()
    found["a start without seals"] = measured(folder, "start")
    found["the bank"] = measured(folder, "bank")
    for name, values in found.items():
        say(f"  {name:24}{in_words(*values)}")
    return found


def in_words(seconds: float, busy: float, peak: float) -> str:
    return f"{seconds:8.2f} s ({busy:.2f} s of a core), {peak:.0f} MB at the peak"


def at_the_papers_size(plans: Sequence[Plan], found: Sequence[tuple[float, float, float]]) -> list[float]:
    """Return seconds, seconds of a core and MB of one kind of work on 46,104,576 cells."""
    from scipy.optimize import nnls

    sizes = np.array([[len(plan.shards()), plan.images] for plan in plans], float)
    paper = plan_of(PAPER, "bare")
    measured_values = np.array(found)
    times = [float(nnls(sizes, measured_values[:, part])[0] @ [len(paper.shards()), paper.images]) for part in (0, 1)]
    slope = (measured_values[-1, 2] - measured_values[0, 2]) / (sizes[-1, 1] - sizes[0, 1])
    return [*times, float(measured_values[-1, 2] + slope * (paper.images - sizes[-1, 1]))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, nargs="+", default=[1_000_000, 3_000_000, 10_000_000])
    parser.add_argument("--features", action="store_true", help="style and composition as well")
    parser.add_argument("--folder", type=Path, help="where the ledgers are kept; else in a temporary one")
    parser.add_argument("--do", choices=WORK, help=argparse.SUPPRESS)
    parser.add_argument("--at", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.do:
        do(options.do, options.at)
        return
    with tempfile.TemporaryDirectory() as temporary:
        found, plans = [], []
        say(f"A process that has only begun: {measured(Path(temporary), 'nothing')[2]:.0f} MB")
        for cells in options.cells:
            plans.append(plan_of(cells, "with_features" if options.features else "bare"))
            found.append(at_size((options.folder or Path(temporary)) / str(cells), plans[-1]))
    good = found[-1]["a start"][0] < MOST_SECONDS
    if len(found) > 1:
        say(f"{PAPER:,} cells would take:")
        for name in found[0]:
            values = at_the_papers_size(plans, [each[name] for each in found])
            grown = found[-1][name][2] / found[0][name][2]
            say(f"  {name:24}{in_words(*values)}; so far memory has grown to {grown:.2f} times")
            good = good and (grown < MOST_GROWTH or (options.features and name == "the bank"))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
