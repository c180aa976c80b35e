"""Feed the reader and the diff with a million changed files: no crash, no second of work on one, memory under 512 MB.

    python benchmarks/fuzz_reader.py [--inputs 1000000] [--seed 0] [--workers 2] [--crashes DIR]

Inputs that crash are written to --crashes, and the exit code is 1. See tests/library/fuzz.py for what is changed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.library.fuzz import Found, Fuzzer  # noqa: E402

LARGEST_MEMORY = 512
LONGEST_SECONDS = 1.0
PART = 5000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--crashes", type=Path, default=Path("out/fuzz"))
    options = parser.parse_args()
    start = time.perf_counter()
    parts = [
        (options.seed, first, min(first + PART, options.inputs), options.crashes)
        for first in range(0, options.inputs, PART)
    ]
    total, memory = Found(), 0
    with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        for found, used in pool.imap_unordered(run_part, parts):
            add(total, found)
            memory = max(memory, used)
            print(f"\r{total.inputs} inputs, {len(total.crashes)} crashes", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    seconds = time.perf_counter() - start
    print(f"{total.inputs} inputs in {seconds:.0f} s: {total.read} read, {total.refused} refused with one line")
    print(f"  {total.compared} comparisons, {len(total.crashes)} crashes")
    print(f"  slowest {1000 * total.slowest:.0f} ms: input {total.slowest_input}; memory at most {memory} MB")
    for crash in total.crashes[:20]:
        print(f"  {crash}")
    if total.crashes or memory > LARGEST_MEMORY:
        raise SystemExit(1)


def run_part(part: tuple[int, int, int, Path]) -> tuple[Found, int]:
    """Try a range of inputs; return what was seen, and the most memory that this process has ever used, in MB."""
    seed, first, last, crashes = part
    warnings.simplefilter("ignore")  # Pillow's, of damaged EXIF
    found = Fuzzer(seed, crashes, LONGEST_SECONDS).run(first, last)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found, used >> (20 if sys.platform == "darwin" else 10)


def add(total: Found, found: Found) -> None:
    total.inputs += found.inputs
    total.read += found.read
    total.refused += found.refused
    total.compared += found.compared
    total.crashes += found.crashes
    if found.slowest > total.slowest:
        total.slowest, total.slowest_input = found.slowest, found.slowest_input


if __name__ == "__main__":
    main()
