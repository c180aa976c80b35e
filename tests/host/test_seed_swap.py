"""Claims: equal seeds give ComfyUI's own bits, a swap at step k changes nothing before it, nothing is left behind."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from goodseed.determinism import known
from goodseed.provenance.diff import diff
from goodseed.provenance.record import parse_record
from tests.host.comfyui import ComfyUI, GraphFailed, GraphRefused
from tests.host.graphs import Graph, custom_sampling, demo, ksampler, node

NOISY = known.STREAM_SAMPLERS | known.TREE_SAMPLERS | known.GPU_TREE_SAMPLERS
OTHER = 2**64 - 5
FEW = ["euler_ancestral", "dpm_2_ancestral", "dpmpp_sde", "dpmpp_3m_sde_gpu", "seeds_3", "sa_solver", "euler", "ddim"]


def check(comfyui: ComfyUI, name: str, **options: Any) -> Any:
    """Run one of assets/goodseed_probe/seed_swap.py's checks in the server."""
    shown = comfyui.run({"check": node("ProbeSeedSwap", check=name, options=json.dumps(options))})
    return json.loads(shown["check"]["answer"][0])


def test_equal_seeds_and_swaps_past_the_end_are_stock_and_a_swap_at_0_is_the_other_seed(comfyui: ComfyUI) -> None:
    _check_matrix(check(comfyui, "matrix", kinds=["EPS"], tasks=["inpaint"], samplers=FEW))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["EPS", "V_PREDICTION", "FLOW"])
@pytest.mark.parametrize("task", ["txt2img", "denoise 0.6", "inpaint", "batch of 4"])
def test_they_are_for_every_sampler_and_task(comfyui: ComfyUI, kind: str, task: str) -> None:
    _check_matrix(check(comfyui, "matrix", kinds=[kind], tasks=[task]))


def _check_matrix(answer: dict[str, Any]) -> None:
    for cell in answer["cells"]:
        assert (cell["a"], cell["b"], cell["c"]) in ((True, True, True), (True, True, None)), cell
        drew = cell["sampler"] in NOISY and "No noise was added" not in cell["report"]
        assert cell["changed"] == drew, cell
        assert ("has no effect" in cell["report"]) == (not drew), cell
        assert cell["finite"], cell
    changed = {cell["sampler"] for cell in answer["cells"] if cell["changed"]}
    assert changed >= (NOISY - {"sa_solver", "sa_solver_pece"}) & {cell["sampler"] for cell in answer["cells"]}


def test_a_swap_at_step_k_changes_nothing_before_it_and_the_next_step(comfyui: ComfyUI) -> None:
    _check_prefixes(check(comfyui, "prefixes", kinds=["FLOW"], at=[3], samplers=FEW))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["EPS", "V_PREDICTION", "FLOW"])
def test_it_does_not_for_any_sampler_and_k(comfyui: ComfyUI, kind: str) -> None:
    _check_prefixes(check(comfyui, "prefixes", kinds=[kind]))


def _check_prefixes(answer: dict[str, Any]) -> None:
    for run in answer["found"]:
        steps, k = run["steps"], run["k"]
        if "has no effect" in run["report"]:
            assert run["alike"] == list(range(steps)), run
        elif run["sampler"].startswith("sa_solver"):  # draws in the middle of its run only
            assert run["alike"][: k + 1] == list(range(k + 1)), run
            assert len(run["alike"]) < steps, run
        else:
            assert run["alike"] == list(range(min(k + 1, steps))), run


@pytest.mark.long
def test_parts_of_a_run_are_those_of_ksampler_advanced(comfyui: ComfyUI) -> None:
    answer = check(comfyui, "advanced")
    assert answer == {"wrong": [], "count": 60}


def test_nothing_of_the_host_is_replaced_whatever_the_end(comfyui: ComfyUI) -> None:
    answer = check(comfyui, "untouched")
    assert answer["attributes"] > 3000
    assert answer["wrappers"]
    ends = {"well": None, "error": "ZeroDivisionError", "cancel": "InterruptProcessingException"}
    assert {end: answer[end] for end in ends} == {end: {"raised": error, "changed": []} for end, error in ends.items()}


def test_samplers_of_others_run_unswapped_and_it_is_said(comfyui: ComfyUI) -> None:
    said = {
        "by name": "foreign is not one of the samplers whose step noise is known: it ran unswapped.",
        "a class": "Own is not one of the samplers whose step noise is known: it ran unswapped.",
        "named alike": "euler_ancestral is not one of the samplers whose step noise is known: it ran unswapped.",
        "its own noise": "euler_ancestral was given step noise by another node: it ran unswapped.",
        "eta 0": "eta is 0, so euler_ancestral adds no noise between its steps: the swap has no effect.",
        "churn": "euler with s_churn draws noise that no seed sets: it ran unswapped.",
        "adaptive": "dpm_adaptive makes steps of its own, which are not those of the swap: it ran unswapped.",
    }
    answer = check(comfyui, "foreign")
    assert answer.keys() == said.keys()
    for name, (same, report) in answer.items():
        assert same, name
        assert report.splitlines()[1:] == [said[name]]


def test_bad_input_is_one_clear_line(comfyui: ComfyUI) -> None:
    answer = check(comfyui, "errors")
    newer = comfyui.version == "newest"  # adds one to the seed of step noise on the CPU
    for name, (error, message) in answer.items():
        fine = name == "largest tree" or (name in ("largest", "largest swap") and not newer)
        assert error == ("" if fine else "SeedError" if "seed" in name or "largest" in name else "SwapError"), name
        assert "\n" not in message
        assert "Overflow" not in message
    assert answer["seed"][1].startswith("seed: -1 is outside")


def test_the_server_refuses_what_the_schema_does(comfyui: ComfyUI) -> None:
    refused = {"swap_at": -1.0, "swap_seed": 2**64, "initial_seed": -2}
    wrong = {
        "sampler_name": "none",
        "scheduler": "none",
        "swap_unit": "percent",
        "step_noise": "mps",
        "step_noise_card": "Voodoo",
    }
    for name, value in (refused | wrong).items():
        with pytest.raises(GraphRefused if name in refused else (GraphRefused, GraphFailed)) as error:
            comfyui.run(swapped(**{name: value}) | {"end": node("ProbeLatent", latent=["sampled", 0])})
        assert error.type is GraphRefused or str(error.value).startswith(f"{name}: '{value}' is none of ")
    with pytest.raises(GraphFailed, match=r"^swap_at: nan is no fraction"):
        comfyui.run(swapped(swap_at=float("nan")) | {"end": node("ProbeLatent", latent=["sampled", 0])})


def test_several_swaps_a_first_noise_of_its_own_and_parts(comfyui: ComfyUI) -> None:
    answer = check(comfyui, "several")
    assert (
        answer["report"].splitlines()[1] == "Step noise: seed 11 from step 0, seed 5 from step 1, seed 11 from step 3."
    )
    holds = ("several", "none", "text is the inputs", "initial", "cpu", "random state")
    assert {name: answer[name] for name in holds} == dict.fromkeys(holds, True)
    noise = [report.splitlines()[1] for report in answer["start"]]
    whole, other = "Step noise: seed 11 from step 2", f"seed {OTHER} from step"
    assert noise == [f"Step noise: {other} 2."] * 2 + [f"{whole}, {other} 3."] + [f"{whole}."] * 2
    assert "past the last step, 4" in answer["start"][3]
    assert "Sample with euler_ancestral to swap." in answer["quiet"]
    assert answer["no step"] == "No step was run."


def test_cuda_step_noise_is_a_new_generator_for_each_seed_and_trees_are_on_the_cpu(comfyui: ComfyUI) -> None:
    answer = check(comfyui, "cuda")
    assert answer["draws"]
    assert answer["other"]
    bits = {card: answer[card][0] for card in ("H200", "RTX 4090", "RTX 2060")}
    assert bits["H200"] == bits["RTX 4090"] != bits["RTX 2060"]
    assert all(f"NVIDIA {card}, computed on the CPU" in answer[card][1] for card in bits)
    assert answer["tree"][0]
    assert "Brownian tree" in answer["tree"][1]


def swapped(**changes: Any) -> Graph:
    """The demo model sampled by the node."""
    inputs = {
        **ksampler(5, "euler_ancestral", steps=4)["inputs"], "swap_seed": 9, "swap_at": 0.5, "swap_unit": "fraction",
    }  # fmt: skip
    return demo(width=64, height=64) | {"sampled": node("GoodSeedSeedSwapKSampler", **{**inputs, **changes})}


def patch(**changes: Any) -> dict[str, Any]:
    inputs = {"model": ["demo", 0], "swap_seed": 9, "swap_at": 0.5, "swap_unit": "fraction", **changes}
    return node("GoodSeedSeedSwapModel", **inputs)


def test_the_patch_swaps_in_any_sampler_as_the_node_does(comfyui: ComfyUI) -> None:
    """Also above and below a Guard with portable noise, and twice, where the later takes the earlier's place."""
    guard = node("GoodSeedDeterminismGuard", model=["demo", 0], mode="warn", portable_noise=True)
    graph = swapped() | {
        "plain": ksampler(5, "euler_ancestral", steps=4),
        "patch": patch(),
        "guard": guard,
        "patch below": patch(model=["guard", 0]),
        "guard below": {**guard, "inputs": {**guard["inputs"], "model": ["patch", 0]}},
        "first": patch(swap_seed=77),
        "second": patch(model=["first", 0]),
        "none": patch(swap_at=1.0),
        "t4": patch(swap_at=1.0, step_noise="cuda", step_noise_card="T4"),
    }
    graph["noise"] = node("RandomNoise", noise_seed=5)
    models = ("patch", "patch below", "guard below", "second", "none", "t4")
    for model in models:
        graph[f"by {model}"] = ksampler(5, "euler_ancestral", steps=4, model=[model, 0])
    parts = custom_sampling(["noise", 0], steps=4, sampler="euler_ancestral", model=("patch", 0))
    graph |= {"custom": parts.pop("sampled"), **parts}
    ends = ["sampled", "plain", "custom", *(f"by {model}" for model in models)]
    for end in ends:
        graph[f"end {end}"] = node("ProbeLatent", latent=[end, 0], name=f"swap {end}")
    said = len(comfyui.log)
    comfyui.run(graph)
    found = {end: np.load(comfyui.output / f"swap {end}.npy").tobytes() for end in ends}
    assert found["sampled"] != found["plain"] == found["by none"] != found["by t4"]
    for end in ("custom", "by patch", "by patch below", "by guard below", "by second"):
        assert found[end] == found["sampled"], end
    assert "Step noise: seed 5 from step 0, seed 9 from step 2." in comfyui.log[said:]
    assert "Step noise is that of an NVIDIA T4, computed on the CPU." in comfyui.log[said:]


def test_a_swap_is_recorded_and_the_difference_named(comfyui: ComfyUI) -> None:
    records = {}
    cuda, t4 = ({"step_noise": "cuda", "step_noise_card": card} for card in ("RTX 4090", "T4"))
    for name, changes in {"a": {}, "seed": {"swap_seed": 10}, "at": {"swap_at": 0.25}, "cuda": cuda, "t4": t4}.items():
        graph = swapped(model=["guard", 0], **changes) | {
            "guard": node("GoodSeedDeterminismGuard", model=["demo", 0], mode="warn", portable_noise=False),
            "decoded": node("VAEDecode", samples=["sampled", 0], vae=["demo", 2]),
            "record": node("ProbeRecord", images=["decoded", 0]),
        }
        records[name] = parse_record(comfyui.run(graph)["record"]["records"][0])
    run = records["a"]["runs"][0]
    assert run["sampler"]["value"] == "euler_ancestral"
    assert run["seed"]["value"] == 5
    assert run["sampler_options"]["value"] == {"seed_swaps": [[2, 9]]}
    assert records["at"]["runs"][0]["sampler_options"]["value"] == {"seed_swaps": [[1, 9]]}
    on_t4 = {"seed_swaps": [[2, 9]], "step_noise": "cuda", "step_noise_card": "T4"}
    assert records["t4"]["runs"][0]["sampler_options"]["value"] == on_t4
    (cause,) = diff(records["cuda"], records["t4"])["causes"]
    assert (cause["cause"], cause["b"]) == ("sampler", "T4")
    for name, wanted in (("seed", ("swap_seed", 9, 10)), ("at", ("swap_at", 0.5, 0.25))):
        causes = diff(records["a"], records[name])["causes"]
        assert [(cause["where"].split(": ")[-1], cause["a"], cause["b"]) for cause in causes] == [wanted], causes


def test_a_run_is_held_against_its_record_with_its_swap(comfyui: ComfyUI) -> None:
    """A Guard before the node, and one before or behind the patch."""
    for place in ("node", "patch below", "patch above"):
        graph = swapped(model=["guard", 0]) | {
            "guard": node("GoodSeedDeterminismGuard", model=["demo", 0], mode="enforce", portable_noise=True),
            "decoded": node("VAEDecode", samples=["sampled", 0], vae=["demo", 2]),
            "record": node("ProbeRecord", images=["decoded", 0]),
        }
        if place != "node":
            graph["sampled"] = ksampler(5, "euler_ancestral", steps=4, model=["patch", 0])
            graph["patch"] = patch(model=["guard", 0])
        if place == "patch above":
            graph["sampled"]["inputs"]["model"], graph["patch"]["inputs"]["model"] = ["guard", 0], ["demo", 0]
            graph["guard"]["inputs"]["model"] = ["patch", 0]
        record = comfyui.run(graph)["record"]["records"][0]
        graph["text"] = node("PrimitiveString", value=record)
        graph["guard"]["inputs"]["record"] = ["text", 0]
        comfyui.run(graph)
        graph["patch" if "patch" in graph else "sampled"]["inputs"]["swap_seed"] = 10
        with pytest.raises(GraphFailed, match=r"^sampler_options is .*seed_swaps"):
            comfyui.run(graph)
