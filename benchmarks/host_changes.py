"""Which samplers give another image on another ComfyUI: `python benchmarks/host_changes.py [--write]`.

Runs every sampler and scheduler of the demo model on two versions of ComfyUI on the CPU, with the same seed, prompt and
steps, and compares the latents. Each difference must be accounted for by one of the changes below, which are cited by
ComfyUI's own commits, or the script says so and fails. With --write it makes the table that `goodseed diff` uses.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from goodseed.provenance.diff.host_changes import TABLE, parse_version  # noqa: E402
from tests.host.comfyui import VERSIONS, ComfyUI, GraphFailed, find_comfyui, make_base  # noqa: E402
from tests.host.graphs import Graph, demo, ksampler, node  # noqa: E402

PROBES = ROOT / "tests" / "host" / "assets" / "goodseed_probe"
STEPS, SEED, SIZE = 4, 7, 64
HALF = ("float16", "bfloat16")

CHANGES: list[dict[str, Any]] = [
    {
        "id": "cpu-step-noise",
        "since": "0.7.0",
        "what": "on the CPU, the noise between steps is drawn from seed + 1, no longer from the first noise's seed",
        "stage": "output_latent",
        "devices": ["cpu"],
        "samplers": "those that differ with float32 latents",
        "cite": [
            "ComfyUI commit 1e4e342f54386ea4179b273c24b37bd8cbde8f37 (pull request 11528)",
            "comfy/k_diffusion/sampling.py, default_noise_sampler",
        ],
    },
    {
        "id": "half-latent-noise",
        "since": "0.18.1",
        "what": "the first noise of half-precision latents is drawn in float32 and rounded, no longer drawn in half",
        "stage": "initial_noise",
        "latents": list(HALF),
        "cite": [
            "ComfyUI commit 11c15d8832ab8a95ebe31f85c131429978668c76 (pull request 13100)",
            "comfy/sample.py, prepare_noise_inner",
        ],
    },
    {
        "id": "half-latent-sampling",
        "since": "0.18.1",
        "what": "half-precision latents are sampled in float32, no longer in half",
        "stage": "output_latent",
        "latents": list(HALF),
        "cite": [
            "ComfyUI commit b5d32e6ad23f3deb0cd16b5f2afa81ff92d89e6e (pull request 13099)",
            "comfy/samplers.py, CFGGuider.outer_sample",
        ],
    },
    {
        "id": "sa-solver-last-sigma",
        "since": "0.5.1",
        "what": "where the last sigma is not zero, sa_solver returns the latent after the last step, not before it",
        "stage": "output_latent",
        "last_sigma": "not zero",
        "samplers": ["sa_solver", "sa_solver_pece"],
        "cite": [
            "ComfyUI commit 5d9ad0c6bf177095aea5026cd872b1faf873669b (pull request 11380)",
            "comfy/k_diffusion/sampling.py, sample_sa_solver",
        ],
    },
]
"""What is known from ComfyUI's history, between the first and the last version that this was run on."""


def cells(info: Mapping[str, Any]) -> dict[str, Graph]:
    """Return a graph for each condition: every sampler, each saving its latent as <condition>~<sampler>.npy."""
    required = info["KSampler"]["input"]["required"]
    samplers, schedulers = options(required["sampler_name"]), options(required["scheduler"])
    start = demo(width=SIZE, height=SIZE)
    graphs = {"float32": latents("float32", samplers, start)}
    for dtype in HALF:
        cast = start | {"half": node("ProbeCast", latent=["latent", 0], dtype=dtype)}
        graphs[dtype] = latents(dtype, samplers, cast, latent_image=["half", 0])
    graphs["last sigma not zero"] = unfinished(samplers, start)
    first = start | {"first": ksampler(SEED + 1, steps=1)}
    graphs["from a latent"] = latents("from a latent", samplers, first, latent_image=["first", 0], denoise=0.5)
    mask = node("SolidMask", value=0.5, width=SIZE, height=SIZE)
    masked = first | {"mask": mask, "masked": node("SetLatentNoiseMask", samples=["first", 0], mask=["mask", 0])}
    graphs["masked"] = latents("masked", samplers, masked, latent_image=["masked", 0], denoise=0.5)
    batch = demo(width=SIZE, height=SIZE, batch=3)
    batch["item"] = node("LatentFromBatch", samples=["latent", 0], batch_index=1, length=1)
    graphs["item of a batch"] = latents("item of a batch", samplers, batch, latent_image=["item", 0])
    graphs["schedulers"] = latents("schedulers", schedulers, start, by="scheduler")
    graphs["sa_solver without noise"] = silent_solver(start)
    return graphs


def latents(condition: str, names: list[str], start: Graph, by: str = "sampler_name", **changes: Any) -> Graph:
    graph = dict(start)
    for name in names:
        graph[f"sampled {name}"] = ksampler(SEED, "euler", STEPS, **{**changes, by: name})
        graph[f"saved {name}"] = node("ProbeLatent", latent=[f"sampled {name}", 0], name=f"{condition}~{name}")
    return graph


def unfinished(names: list[str], start: Graph) -> Graph:
    """Return every sampler stopped after half of its steps, with the noise left in."""
    graph = dict(start)
    for name in names:
        graph[f"sampled {name}"] = node(
            "KSamplerAdvanced", model=["demo", 0], add_noise="enable", noise_seed=SEED, steps=STEPS, cfg=3.0,
            sampler_name=name, scheduler="simple", positive=["positive", 0], negative=["negative", 0],
            latent_image=["latent", 0], start_at_step=0, end_at_step=STEPS // 2, return_with_leftover_noise="enable",
        )  # fmt: skip
        graph[f"saved {name}"] = node("ProbeLatent", latent=[f"sampled {name}", 0], name=f"last sigma not zero~{name}")
    return graph


def silent_solver(start: Graph) -> Graph:
    """Return sa_solver without step noise, to its end and stopped before: tells its own change from the noise's."""
    graph = start | {
        "noise": node("RandomNoise", noise_seed=SEED),
        "guider": node("CFGGuider", model=["demo", 0], positive=["positive", 0], negative=["negative", 0], cfg=3.0),
        "sampler": node(
            "SamplerSASolver", model=["demo", 0], eta=0.0, sde_start_percent=0.2, sde_end_percent=0.8, s_noise=1.0,
            predictor_order=3, corrector_order=4, use_pece=False, simple_order_2=False,
        ),
        "sigmas": node("BasicScheduler", model=["demo", 0], scheduler="simple", steps=STEPS, denoise=1.0),
        "split": node("SplitSigmas", sigmas=["sigmas", 0], step=STEPS // 2),
    }  # fmt: skip
    for name, sigmas in (("to the end", ["sigmas", 0]), ("stopped before", ["split", 0])):
        graph[f"sampled {name}"] = node(
            "SamplerCustomAdvanced", noise=["noise", 0], guider=["guider", 0], sampler=["sampler", 0], sigmas=sigmas,
            latent_image=["latent", 0],
        )  # fmt: skip
        saved = f"sa_solver without noise~{name}"
        graph[f"saved {name}"] = node("ProbeLatent", latent=[f"sampled {name}", 0], name=saved)
    return graph


def options(spec: Any) -> list[str]:
    """Return the choices of an input, in the form of older and newer versions."""
    return list(spec[0] if isinstance(spec[0], list) else spec[1]["options"])


def run(version: str, folder: Path) -> tuple[str, str, dict[str, np.ndarray]]:
    """Return the version of ComfyUI and of torch, and the latents by condition and name."""
    root = find_comfyui(version)
    if root is None:
        raise SystemExit(f"no ComfyUI ({version}); see tests/host/comfyui.py")
    base = make_base(folder / version, ROOT, "good-seed", PROBES)
    server = ComfyUI(version, root, base).start()
    try:
        system = server.get("/system_stats")["system"]
        for condition, graph in cells(server.get("/object_info")).items():
            failed = run_each(server, graph)
            print(f"{version}: {condition} done{', but not ' if failed else ''}{', '.join(failed)}", file=sys.stderr)
    finally:
        server.stop()
    found = {path.stem: np.load(path) for path in sorted(server.output.glob("*.npy"))}
    return system["comfyui_version"], system["pytorch_version"], found


def run_each(server: ComfyUI, graph: Graph) -> list[str]:
    """Run all samplers of a graph at once or, where one raises, one by one; return those that raise."""
    try:
        server.run(graph)
    except GraphFailed:
        failed: list[str] = []
        saved = [key for key in graph if key.startswith("saved ")]
        for one in saved:
            try:
                server.run({key: graph[key] for key in graph if key == one or key not in saved})
            except GraphFailed:
                failed.append(one.removeprefix("saved "))
        return failed
    return []


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the distance of two latents relative to the root mean square of their lengths; 0 for the same bits."""
    if np.array_equal(a, b):
        return 0.0
    scale = np.sqrt((np.linalg.norm(a) ** 2 + np.linalg.norm(b) ** 2) / 2)
    return float(f"{np.linalg.norm(a - b) / scale:.3g}")


def compared(old: Mapping[str, np.ndarray], new: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Return the distance of each latent that both versions made, by condition and name."""
    found: dict[str, dict[str, float]] = {}
    for key in sorted(old.keys() & new.keys()):
        condition, name = key.split("~")
        found.setdefault(condition, {})[name] = distance(old[key], new[key])
    return found


def unexplained(distances: Mapping[str, Mapping[str, float]], noisy: list[str]) -> list[str]:
    """Return the cells that differ though no change accounts for it, and those that agree though one should differ."""
    wrong: list[str] = []
    for condition, by_name in distances.items():
        for name, apart in by_name.items():
            expected = (
                condition in HALF
                or (condition not in ("schedulers", "sa_solver without noise") and name in noisy)
                or (condition == "last sigma not zero" and name.startswith("sa_solver"))
                or (condition, name) == ("sa_solver without noise", "stopped before")
            )
            if bool(apart) != expected:
                wrong.append(f"{condition}, {name}: distance {apart}")
    return wrong


def table(old: tuple[str, str], new: tuple[str, str], distances: dict[str, dict[str, float]]) -> dict[str, Any]:
    noisy = sorted(name for name, apart in distances["float32"].items() if apart)
    changes = [{**change, **({"samplers": noisy} if change["id"] == "cpu-step-noise" else {})} for change in CHANGES]
    for change in changes:
        assert parse_version(old[0]) < parse_version(change["since"]) <= parse_version(new[0]), change
    return {
        "schema": "goodseed.host-changes",
        "version": 1,
        "measured": {
            "old": old[0], "new": new[0], "device": "cpu", "torch": sorted({old[1], new[1]}),
            "how": "benchmarks/host_changes.py: demo model, "
            f"{SIZE}×{SIZE}, {STEPS} steps, seed {SEED}; relative distance of the latents",
        },
        "changes": changes,
        "distances": distances,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the table that goodseed diff uses")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (old, old_torch, before), (new, new_torch, after) = (run(name, Path(folder)) for name in reversed(VERSIONS))
    distances = compared(before, after)
    made = table((old, old_torch), (new, new_torch), distances)
    noisy = next(change["samplers"] for change in made["changes"] if change["id"] == "cpu-step-noise")
    print(f"ComfyUI {old} against {new}, on the CPU:")
    for condition, by_name in distances.items():
        differ = {name: apart for name, apart in by_name.items() if apart}
        listed = ", ".join(f"{name} {apart}" for name, apart in differ.items())
        equal = f"{len(by_name) - len(differ)} of {len(by_name)} give the same bits"
        print(f"- {condition}: {equal}; differ: {listed or 'none'}")
    only_new = sorted({key.split("~")[1] for key in after.keys() - before.keys()})
    print(f"- only in {new}: {', '.join(only_new) or 'none'}")
    wrong = unexplained(distances, noisy)
    for line in wrong:
        print(f"NOT ACCOUNTED FOR: {line}")
    if arguments.write:
        TABLE.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
