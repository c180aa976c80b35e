"""The seed swap beside ComfyUI's own samplers: `python benchmarks/seed_swap_matrix.py [--comfyui DIR]`.

For every sampler that ComfyUI lists, three kinds of prediction and four tasks, with a tiny model on the CPU, in bits:

a  a swap of the seed for itself gives what KSampler gives
b  a swap past the last step gives what KSampler gives
c  a swap at step 0 gives what ComfyUI gives for the first noise of one seed and the step noise of the other
d  a swap at half changes the result where noise is added after it, and only there

and for every k of five that x is the same up to step k, and another from there on. Exits with 1 where a claim does not
hold.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from goodseed.noise.swap_report import NOISY  # noqa: E402
from tests.host.comfyui import VERSIONS, find_comfyui  # noqa: E402
from tests.host.inside import run_check  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--comfyui", type=Path, help="a ComfyUI checkout; by default those that the tests use")
    options = parser.parse_args()
    roots = [options.comfyui] if options.comfyui else [root for root in map(find_comfyui, VERSIONS) if root]
    return max([report(root) for root in roots], default=1)


def report(root: Path) -> int:
    """Print one ComfyUI's matrix; return 1 where a claim does not hold."""
    cells = run_check(root, "matrix")["cells"]
    columns = list(dict.fromkeys((cell["kind"], cell["task"]) for cell in cells))
    print(
        f"{root.name}: {len({cell['sampler'] for cell in cells})} samplers; a letter: it does not hold, ~: no noise at"
    )
    print("this half of the run, -: no step noise, .: all hold\n")
    print(" " * 32 + " ".join(f"{kind[:4]:>5}" for kind, _ in columns))
    print(" " * 32 + " ".join(f"{task[-5:]:>5}" for _, task in columns))
    marks: Counter[str] = Counter()
    for sampler in dict.fromkeys(cell["sampler"] for cell in cells):
        row = [mark(cell) for cell in cells if cell["sampler"] == sampler]
        marks.update(row)
        print(f"{sampler:32}" + " ".join(f"{entry:>5}" for entry in row))
    asked = sum(cell["c"] is not None for cell in cells)
    print(f"\n{len(cells)} cells; c asked of {asked} (ddim's mask takes its noise from the sampling's seed)")
    runs = run_check(root, "prefixes")["found"]
    wrong = [run for run in runs if not prefix_holds(run)]
    told = f"{len(runs)} runs with a swap at one of five steps: {len(wrong)} differ before it, or not right after it"
    print(f"{told}\n")
    for run in wrong:
        print(f"  {run['kind']} {run['sampler']} k={run['k']}: the same at steps {run['alike']}")
    return 1 if wrong or marks.keys() - set(".-~") else 0


def mark(cell: dict[str, Any]) -> str:
    """Return the letters of the claims that do not hold, or what kind of sampler it is."""
    noisy = cell["sampler"] in NOISY
    silent = "No noise was added" in cell["report"]
    broken = "".join(claim for claim in "abc" if cell[claim] is False)
    if cell["changed"] != (noisy and not silent) or not cell["finite"]:
        broken += "d"
    return broken or ("~" if silent else "." if noisy else "-")


def prefix_holds(run: dict[str, Any]) -> bool:
    """Say whether x is as without the swap up to step k, and another in the next; sa_solver may draw later."""
    steps, before = run["steps"], list(range(min(run["k"] + 1, run["steps"])))
    if run["sampler"] not in NOISY or "No noise was added" in run["report"]:
        return bool(run["alike"] == list(range(steps)))
    if run["sampler"].startswith("sa_solver"):
        return run["alike"][: len(before)] == before and len(run["alike"]) < steps
    return bool(run["alike"] == before)


if __name__ == "__main__":
    sys.exit(main())
