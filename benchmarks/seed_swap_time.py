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

from benchmarks.options import roots, sampling_options  # noqa: E402
from tests.host.inside import run_check  # noqa: E402
from tests.host.slim import write_checkpoint  # noqa: E402

SAMPLERS = ("euler_ancestral", "dpmpp_2m_sde")
"""One that draws from a generator, one that draws from a Brownian tree."""


def main() -> None:
    parser = sampling_options(__doc__)
    parser.add_argument("--model", choices=["demo", "slim"], help="by default both")
    options = parser.parse_args()
    for root in roots(options.comfyui):
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
