"""Kill a study with SIGKILL at ten random moments and continue it: `python benchmarks/study_resume.py`.

Prints each kill, the ids of the interrupted and of an uninterrupted study, and how many cells that were
finished when a run began were computed again by it. Exits with 1 when the ids differ or that number is not 0.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from goodseed.study.ledger import scan  # noqa: E402
from goodseed.study.plan import read_plan  # noqa: E402


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def start(options: argparse.Namespace, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "goodseed.cli", "study", "--generator", options.generator, "--json"]
    command += ["--seeds", options.seeds, "--out", str(folder), "--workers", str(options.workers), "--name", "bank"]
    command += ["--prompts", options.prompts] if options.prompts else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def finish(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    process = start(options, folder)
    out, _ = process.communicate()
    answer: dict[str, object] = json.loads(out)
    if process.returncode:
        raise SystemExit(f"the study failed: {answer}")
    return answer


def whole_shards(folder: Path) -> dict[str, tuple[int, int]]:
    """Return each finished shard's name and the identity of its file: computed again, it would be another file."""
    if not (folder / "study.json").exists():
        return {}
    found = scan(folder, read_plan(folder))
    return {
        shard.name: (status.st_ino, status.st_mtime_ns)
        for shard in found.done
        for status in [(folder / "shards" / shard.name).stat()]
    }


def cells_of(folder: Path, names: set[str]) -> int:
    return sum(shard.images for shard in read_plan(folder).shards() if shard.name in names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", default="demo")
    parser.add_argument("--seeds", default="0-127")
    parser.add_argument("--prompts", default="", help="a prompts file, for a generator that brings none")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--random-state", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        whole, killed = Path(name) / "whole", Path(name) / "killed"
        began = time.perf_counter()
        expected = finish(options, whole)
        seconds = time.perf_counter() - began
        say(f"uninterrupted: {expected['images']} images in {seconds:.0f} s, id {expected['id']}")
        moments = random.Random(options.random_state)
        again = 0
        for kill in range(1, options.kills + 1):
            before = whole_shards(killed)
            process = start(options, killed)
            # Long enough that the study gets on, short enough that it does not end: it starts up anew each time.
            moment = moments.uniform(0, 2.2 * seconds / options.kills)
            try:
                process.wait(moment)
                moment = -1.0
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate()
            after = whole_shards(killed)
            lost = {shard for shard, identity in before.items() if after.get(shard) != identity}
            again += cells_of(killed, lost) if lost else 0
            how = f"killed after {moment:.1f} s" if moment >= 0 else "ended before its kill"
            say(f"{kill:3}: {how}, {len(after)} shards whole, {len(after) - len(before)} of them new")
        before = whole_shards(killed)
        answer = finish(options, killed)
        after = whole_shards(killed)
        again += cells_of(killed, {shard for shard, identity in before.items() if after.get(shard) != identity})
        say(f"continued to its end: {answer['computed']} images computed, id {answer['id']}")
        say(f"same id: {answer['id'] == expected['id']}; finished cells computed again: {again}")
        sys.exit(0 if answer["id"] == expected["id"] and again == 0 else 1)


if __name__ == "__main__":
    main()
