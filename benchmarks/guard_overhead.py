"""What the Guard costs: a KSampler of 20 steps, guarded and not, in turn, in ComfyUI's own environment.

Two figures. The Guard's own share is what it adds around the sampling: flags, hashes, fingerprints. The whole price
compares guarded with unguarded runs and has in it what deterministic algorithms cost; on a machine that is busy with
other things it needs many runs. All runs' bits are held against the first's.

    python benchmarks/guard_overhead.py [--comfyui DIR] [--model demo|slim] [--size 128] [--runs 9] [--device cpu|cuda]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.options import roots, sampling_options  # noqa: E402
from tests.host.comfyui import make_base, python_of  # noqa: E402
from tests.host.slim import write_checkpoint  # noqa: E402

MEASURE = """
import asyncio, json, statistics, sys, time
sys.path.append(ROOT)
import comfy.options
comfy.options.enable_args_parsing()
import utils.extra_config  # first, as in main.py: nodes.py puts another `utils` in its way
import nodes, torch
import comfy.model_management
from comfy.patcher_extension import WrappersMP
from comfy_execution.utils import CurrentNodeContext

asyncio.run(nodes.load_custom_node(PACK, set(), module_parent="custom_nodes"))
offered = nodes.NODE_CLASS_MAPPINGS
host = sys.modules[offered["GoodSeedDeterminismGuard"].__module__.rpartition(".nodes.")[0] + ".host.guard"]
if MODEL == "slim":
    model, clip, _ = nodes.CheckpointLoaderSimple().load_checkpoint("slim.safetensors")
else:
    model, clip, _ = offered["GoodSeedDemoModel"].execute().result

clock = time.perf_counter if torch.cuda.is_available() else time.process_time
inside = []

def timed(executor, *args, **kwargs):
    start = now()
    try:
        return executor(*args, **kwargs)
    finally:
        inside.append(now() - start)

def now():
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return clock()

def sample(model):
    model = model.clone()
    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "timed", timed)  # after the Guard's, so inside them
    start = now()
    with torch.inference_mode(), CurrentNodeContext("prompt", "sampler", 0):
        latent, = nodes.common_ksampler(
            model, 1, STEPS, 7.0, "euler", "normal", *conditioning, {"samples": torch.zeros(1, 4, SIZE // 8, SIZE // 8)}
        )
    return latent["samples"].cpu(), now() - start, inside[-1]

with torch.inference_mode():
    conditioning = [clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in ("a red ball", "")]
guarded = host.Guard("warn").model(model, clip)
sample(model), sample(guarded)
own, price, alike, repeated, plain_repeated = [], [], [], [], []
for turn in range(RUNS):
    order = ((model, guarded), (guarded, model))[turn % 2]
    found = {id(m): sample(m) for m in order}
    (plain, whole, bare), (bits, long, core) = found[id(model)], found[id(guarded)]
    own.append((long - core - (whole - bare)) / whole)
    price.append((long - whole) / whole)
    alike.append(bool(torch.equal(plain, bits)))
    repeated.append(bool(torch.equal(bits, (first := first if turn else (plain, bits))[1])))
    plain_repeated.append(bool(torch.equal(plain, first[0])))
print("FIGURES " + json.dumps({
    "seconds": whole, "own": statistics.median(own), "price": statistics.median(price), "alike": all(alike),
    "repeated": all(repeated), "plain_repeated": all(plain_repeated),
    "device": str(comfy.model_management.get_torch_device()),
}))
"""


def main() -> None:
    parser = sampling_options(__doc__)
    parser.add_argument("--model", choices=["demo", "slim"], default="slim")
    options = parser.parse_args()
    for root in roots(options.comfyui):
        figures = measure(root, options)
        what = f"{root.name}, {options.model}, {options.size} px, {options.steps} steps on {figures['device']}"
        print(f"{what}: {figures['seconds']:.2f} s unguarded")
        print(f"  the Guard's own share {figures['own']:+.2%}, the whole price {figures['price']:+.2%}")
        again = f"every run the same: guarded {_yes(figures['repeated'])}, unguarded {_yes(figures['plain_repeated'])}"
        print(f"  the same bits as unguarded: {_yes(figures['alike'])}; {again}")


def measure(root: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of one ComfyUI."""
    with tempfile.TemporaryDirectory() as folder:
        base = make_base(Path(folder) / "base", ROOT, "good-seed")
        if options.model == "slim":
            write_checkpoint(base / "models" / "checkpoints" / "slim.safetensors")
        script = MEASURE
        names = {"ROOT": str(root), "PACK": str(base / "custom_nodes" / "good-seed"), "MODEL": options.model}
        names |= {"STEPS": options.steps, "SIZE": options.size, "RUNS": options.runs}
        for name, value in names.items():
            script = script.replace(name, repr(value))
        arguments = ["--base-directory", str(base), *(["--cpu"] if options.device == "cpu" else [])]
        done = subprocess.run([python_of(root), "-c", script, *arguments], cwd=root, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("FIGURES ")]
    if not lines:
        raise SystemExit(f"{root}: the measurement failed\n{done.stderr[-2000:]}")
    figures: dict[str, Any] = json.loads(lines[0][8:])
    return figures


def _yes(value: bool) -> str:
    return "yes" if value else "NO"


if __name__ == "__main__":
    main()
