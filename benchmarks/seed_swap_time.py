"""What a seed swap costs: the Seed Swap KSampler beside KSampler, in turn, in ComfyUI's own environment.

The figure is the median over rounds of the time of the one by that of the other; its quartiles say how steady it is.

    python benchmarks/seed_swap_time.py [--comfyui DIR] [--runs 9] [--steps 20] [--size 128] [--device cpu|cuda]
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.host.comfyui import VERSIONS, find_comfyui  # noqa: E402
from tests.host.inside import run_check  # noqa: E402
from tests.host.slim import write_checkpoint  # noqa: E402

SAMPLERS = ("euler_ancestral", "dpmpp_2m_sde")
"""One that draws from a generator, one that draws from a Brownian tree."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--comfyui", type=Path, help="a ComfyUI checkout; by default those that the tests use")
    parser.add_argument("--model", choices=["demo", "slim"], help="by default both")
    parser.add_argument("--size", type=int, default=128, help="width and height in pixels")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    options = parser.parse_args()
    roots = [options.comfyui] if options.comfyui else [root for root in map(find_comfyui, VERSIONS) if root]
    for root in roots:
        for model in [options.model] if options.model else ["demo", "slim"]:
            for sampler in SAMPLERS:
                measure(root, model, sampler, options)


def measure(root: Path, model: str, sampler: str, options: argparse.Namespace) -> None:
    """Print the figure of one model and sampler."""

    def prepare(base: Path) -> None:
        if model == "slim":
            write_checkpoint(base / "models" / "checkpoints" / "slim.safetensors")

    asked = {"size": options.size, "steps": options.steps, "runs": options.runs}
    found = run_check(root, "timing", options.device, prepare, model=model, sampler=sampler, **asked)
    ratios = [swapped / stock for stock, swapped in found["rounds"]]
    low, middle, high = statistics.quantiles(ratios, n=4)
    stock = statistics.median(stock for stock, _ in found["rounds"])
    what = f"{root.name}, {model}, {sampler}, {options.size} px, {options.steps} steps on {found['device']}"
    print(f"{what}: {stock:.2f} s, swapped x {middle:.3f} ({low:.3f} to {high:.3f})", flush=True)


if __name__ == "__main__":
    main()
