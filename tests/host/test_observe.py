"""What is seen of samplings: the values of every graph that reproduction is promised for, and nothing changed by it."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from goodseed.provenance.fingerprint import distance
from goodseed.provenance.hashing import hash_file
from goodseed.provenance.record import check_record, record_text
from tests.host.comfyui import ComfyUI
from tests.host.graphs import Graph, Node, custom_sampling, demo, ksampler, node
from tests.host.reproduce_graphs import DEMO, GRAPHS, PICTURE, SAMPLES, SLIM, save, write_picture
from tests.host.slim import Slim

Record = dict[str, Any]

BASE: dict[str, Any] = {
    "seed": 42, "steps": 3, "sampler": "euler_ancestral", "cfg": 4.0, "denoise": 1.0,
}  # fmt: skip
"""What `Model.sampler` asks for."""
CASES: dict[str, list[dict[str, Any]]] = {
    "txt2img": [{}],
    "img2img": [{"denoise": 0.6, "steps": 5, "width": 64, "height": 64}],
    "inpaint": [{"denoise": 0.6, "steps": 5, "width": 64, "height": 64}],
    "hires": [{}, {"denoise": 0.5, "seed": 7, "sampler": "dpmpp_2m", "steps": 4, "scale": 1.5}],
    "custom": [{"seed": 11, "cfg": 3.5, "sampler": "dpmpp_2m_sde"}],
    "lora": [{}],
    "batch": [{"batch": 4}],
    "linked_seed": [{"seed": 123456789012345}],
    "linked_prompt": [{}],
    "subgraph": [{}],
    "seed_swap": [{"sampler_options": {"seed_swaps": [[1, 2**64 - 2]]}}],
    "seed_swap_model": [
        {"seed": 11, "cfg": 3.5, "sampler": "dpmpp_2m_sde", "sampler_options": {"seed_swaps": [[2, 5]]}}
    ],
}
"""For each graph its samplings in order, where they differ from BASE."""
QUICK = ("slim-txt2img", "slim-lora", *(name for name in GRAPHS if name.startswith("demo")))
MODELS = {"slim": SLIM, "demo": DEMO}


@pytest.fixture
def server(comfyui: ComfyUI, slim_files: Slim) -> ComfyUI:
    """The server, with the slim checkpoint and the input picture."""
    slim_files.link_into(comfyui.base)
    if not (comfyui.base / "input" / PICTURE).exists():
        write_picture(comfyui.base / "input")
    return comfyui


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.long]) for name in GRAPHS]
)
def test_all_values_of_a_sampling_are_right_and_marked_as_observed(
    server: ComfyUI, slim_files: Slim, name: str
) -> None:
    model, case = name.split("-", 1)
    records = _records(server, observed(GRAPHS[name]))
    expected = [BASE | {"scheduler": MODELS[model].scheduler} | changes for changes in CASES[case]]
    size = MODELS[model].size
    assert len(records) == expected[-1].get("batch", 1)
    for index, record in enumerate(records):
        check_record(record)
        assert record["batch"] == {"index": index, "size": len(records)}
        assert len(record["runs"]) == len(expected)
        for run, values in zip(record["runs"], expected, strict=True):
            pixels = round(size * values.get("scale", 1))
            wanted = {"width": pixels, "height": pixels, **values}
            wanted = {name: value for name, value in wanted.items() if name not in ("batch", "scale")}
            assert {name: run[name] for name in wanted} == _known(wanted)
            wanted.pop("sampler_options", None)  # which the tuple does not hold
            assert {name: record["tuple"][name] for name in wanted} == _known(wanted) or run is not record["runs"][-1]
            assert run["batch_size"] == len(records)
            assert (run["device"], run["dtype"]) == ("cpu", "float32")
        adapters = record["tuple"]["adapters"]
        assert adapters["known"] == "observed"
        if case == "lora":
            sha256 = hash_file(slim_files.models / "loras" / slim_files.lora).sha256
            assert adapters["value"] == [
                {"name": slim_files.lora, "sha256": sha256, "strength_model": 0.8, "strength_clip": 0.6}
            ]
            assert [adapter["known"] for adapter in record["runs"][0]["adapters"]] == ["observed"]
        else:
            assert adapters["value"] == []


@pytest.mark.parametrize("name", ["slim-txt2img", "demo-txt2img"])
def test_weights_are_named_by_the_hash_of_their_file_and_of_their_tensors(
    server: ComfyUI, slim_files: Slim, demo_weights: Path, name: str
) -> None:
    record = _records(server, observed(GRAPHS[name]))[0]
    slim = name.startswith("slim")
    path = slim_files.models / "checkpoints" / slim_files.checkpoint if slim else demo_weights / "denoiser.safetensors"
    hashes = hash_file(path)
    entry = next(model for model in record["models"] if model["name"] == path.name)
    assert (entry["sha256"]["value"], entry["tensors_sha256"]["value"]) == tuple(hashes)
    assert entry["size"] == path.stat().st_size
    assert record["tuple"]["model"] == {"value": hashes.sha256, "known": "graph" if slim else "observed"}


def test_prompts_are_known_by_role_and_bytes(server: ComfyUI) -> None:
    record = _records(server, observed(GRAPHS["slim-txt2img"]))[0]
    assert {(prompt["role"], prompt["text"], prompt["known"]) for prompt in record["prompts"]} == {
        ("positive", SLIM.prompt, "graph"),
        ("negative", "", "graph"),
    }
    assert record["tuple"]["prompt_sha256"]["value"] == hashlib.sha256(SLIM.prompt.encode()).hexdigest()


def test_another_prompt_by_link_is_seen_in_the_conditioning(server: ComfyUI) -> None:
    graph = observed(GRAPHS["demo-linked_prompt"])
    first = _records(server, graph)[0]
    assert first["tuple"]["prompt_sha256"] == {"value": None, "known": "unknown"}
    graph["joined"]["inputs"]["string_b"] = "under dots"
    second = _records(server, graph)[0]
    distances = {stage: _distance(first, second, stage) for stage in ("conditioning", "initial_noise", "sigmas")}
    assert distances["conditioning"] > 0.01
    assert distances["initial_noise"] == distances["sigmas"] == 0


@pytest.mark.parametrize(
    "sampler",
    [
        "euler_ancestral",
        "dpmpp_2m_sde",
        *(pytest.param(name, marks=pytest.mark.long) for name in ("dpm_2", "uni_pc", "ddim", "dpm_adaptive")),
    ],
)
@pytest.mark.parametrize("custom", [False, pytest.param(True, marks=pytest.mark.long)])
def test_observing_changes_no_bit_and_leaves_the_global_random_state_as_stock_does(
    server: ComfyUI, sampler: str, custom: bool
) -> None:
    outcomes = []
    for model in ("demo", "seen"):
        graph = demo(batch=2) | {"seen": node("ProbeObserve", model=["demo", 0], times=2)}
        if custom:
            graph |= custom_sampling(["noise", 0], sampler=sampler, model=[model, 0])
            graph["noise"] = node("RandomNoise", noise_seed=5)
        else:
            graph["sampled"] = ksampler(5, sampler, model=[model, 0])
        graph["latent hashes"] = node("ProbeLatentHashes", latent=["sampled", 0])
        server.free()
        outcomes.append(server.run(graph)["latent hashes"])
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m_sde_gpu", "dpm_fast", "dpm_2_ancestral", "uni_pc_bh2", "ddim"])
def test_samplers_are_named_as_in_ksamplers_list(server: ComfyUI, sampler: str) -> None:
    graph = demo() | {"sampled": ksampler(5, sampler, steps=3, scheduler="beta")}
    run = _records(server, _saved(observed(graph)))[0]["runs"][0]
    assert [run[name] for name in ("sampler", "steps", "scheduler")] == [
        {"value": value, "known": "observed"} for value in (sampler, 3, "beta")
    ]


@pytest.mark.parametrize(
    ("guider", "cfg"),
    [
        (node("BasicGuider", model=["demo", 0], conditioning=["positive", 0]), None),
        (
            node(
                "DualCFGGuider", model=["demo", 0], cond1=["positive", 0], cond2=["negative", 0],
                negative=["negative", 0], cfg_conds=2.5, cfg_cond2_negative=1.5, style="regular",
            ),
            {"cfg1": 2.5, "cfg2": 1.5},
        ),
    ],
)  # fmt: skip
def test_guiders_with_no_scale_or_two_are_observed_as_they_are(server: ComfyUI, guider: Node, cfg: Any) -> None:
    graph = demo() | custom_sampling(["noise", 0], steps=4) | {"noise": node("RandomNoise", noise_seed=8)}
    graph["guider"] = guider
    graph["parts"] = node("SplitSigmas", sigmas=["sigmas", 0], step=3)
    graph["sampled"]["inputs"]["sigmas"] = ["parts", 0]
    run = _records(server, _saved(observed(graph)))[0]["runs"][0]
    assert run["cfg"] == {"value": cfg, "known": "observed"}
    assert run["guider"]["known"] == "observed"
    assert [run[name]["value"] for name in ("steps", "scheduler", "denoise", "seed")] == [4, "simple", 1.0, 8]
    assert len(run["sigmas"]) == 4


def test_an_advanced_sampler_in_two_parts(server: ComfyUI) -> None:
    graph = demo()
    common = {"steps": 6, "cfg": 2.0, "sampler_name": "heun", "scheduler": "normal"}
    common |= {"positive": ["positive", 0], "negative": ["negative", 0], "model": ["demo", 0]}
    first = {
        "add_noise": "enable",
        "noise_seed": 3,
        "start_at_step": 0,
        "end_at_step": 4,
        "latent_image": ["latent", 0],
    }
    last = {"add_noise": "disable", "noise_seed": 9, "start_at_step": 4, "end_at_step": 10000}
    graph["first"] = node("KSamplerAdvanced", **common, **first, return_with_leftover_noise="enable")
    last |= {"latent_image": ["first", 0]}
    graph["last"] = node("KSamplerAdvanced", **common, **last, return_with_leftover_noise="disable")
    runs = _records(server, _saved(observed(graph), "last"))[0]["runs"]
    assert [run["node"] for run in runs] == ["first", "last"]
    assert [run["seed"]["value"] for run in runs] == [3, 9]
    assert [(run["steps"], run["scheduler"]) for run in runs] == [
        ({"value": 6, "known": "observed"}, {"value": "normal", "known": "observed"})
    ] * 2
    assert [len(run["sigmas"]) for run in runs] == [5, 3]
    assert runs[0]["stages"]["output_latent"]["sha256"] == runs[1]["stages"]["input_latent"]["sha256"]
    assert runs[1]["stages"]["initial_noise"]["norm"] == 0


def test_a_sampling_that_comes_from_the_cache_is_found_under_new_node_ids(server: ComfyUI) -> None:
    graph = _saved(observed(demo("a cached ball") | {"sampled": ksampler(77)}))
    first = _records(server, graph)[0]["runs"][0]
    names = {key: f"9{place}" for place, key in enumerate(graph)}
    again = {names[key]: copy.deepcopy(part) for key, part in graph.items()}
    for part in again.values():
        for name, value in part["inputs"].items():
            if isinstance(value, list):
                part["inputs"][name] = [names[value[0]], value[1]]
    second = _records(server, again, names["saver"])[0]["runs"][0]
    assert second["node"] == names["sampled"]
    assert {**second, "node": "sampled"} == first


def test_each_item_of_a_batch_and_of_a_list_has_its_own_stages(server: ComfyUI) -> None:
    batch = _records(server, observed(GRAPHS["demo-batch"]))
    items = [record["runs"][0]["item_stages"]["output_latent"] for record in batch]
    assert len({item["sha256"] for item in items[0]}) == 4
    assert items[0] == items[3]
    assert [record["runs"][0]["item"] for record in batch] == [0, 1, 2, 3]
    assert len({record["decoded"]["sha256"] for record in batch}) == 4

    graph = demo() | {"seeds": node("ProbeList", values="11 12 13"), "sampled": ksampler(["seeds", 0])}
    listed = _records(server, _saved(observed(graph)))
    assert [record["tuple"]["seed"]["value"] for record in listed] == [11, 12, 13]
    graph["batched"] = node("ImageListToBatch", images=["decoded", 0])
    graph = _saved(observed(graph))
    if "ImageListToBatch" in server.get("/object_info"):
        graph["saver"]["inputs"]["images"] = ["batched", 0]
        together = _records(server, graph)
        assert [record["tuple"]["seed"]["value"] for record in together] == [11, 12, 13]


def test_without_observation_values_come_from_the_graph_or_are_unknown(server: ComfyUI) -> None:
    record = _records(server, _probed(GRAPHS["demo-linked_seed"]))[0]
    check_record(record)
    assert record["runs"] == []
    assert record["tuple"]["seed"] == {"value": None, "known": "unknown"}
    assert record["tuple"]["steps"] == {"value": 3, "known": "graph"}
    assert record["tuple"]["scheduler"] == {"value": DEMO.scheduler, "known": "graph"}
    assert record["tuple"]["width"] == {"value": DEMO.size, "known": "graph"}


def test_the_environment_names_versions_flags_and_the_packs_of_the_graph(server: ComfyUI) -> None:
    environment = _records(server, observed(GRAPHS["demo-txt2img"]))[0]["environment"]
    assert environment["comfyui"] == {
        "value": {"newest": "0.33.0", "floor": "0.3.64"}[server.version],
        "known": "observed",
    }
    assert environment["launch_flags"] == {"value": ["--cpu"], "known": "observed"}
    assert environment["gpu"] == {"value": None, "known": "unknown"}
    assert "good-seed" in {pack["name"] for pack in environment["packs"]["value"]}
    assert str(server.base) not in record_text(environment)


def observed(graph: Graph) -> Graph:
    """Return a graph in which every sampling is seen and the records are shown in place of saving."""
    graph = copy.deepcopy(graph)
    for part in list(graph.values()):
        link = part["inputs"].get("model")
        if part["class_type"] in SAMPLES and link is not None:
            seen = f"seen {link[0]}"
            graph[seen] = node("ProbeObserve", model=link, **({"clip": ["lora", 1]} if link[0] == "lora" else {}))
            part["inputs"]["model"] = [seen, 0]
    return _probed(graph)


def _probed(graph: Graph) -> Graph:
    graph = copy.deepcopy(graph)
    if "saver" in graph:
        graph["saver"] = node("ProbeRecord", images=graph["saver"]["inputs"]["images"])
    return graph


def _saved(graph: Graph, latent: str = "sampled") -> Graph:
    """Return a graph over the parts of `demo` with its latent decoded and the records shown."""
    graph = save(graph, latent)
    graph["decoded"]["inputs"]["vae"] = ["demo", 2]
    return _probed(graph)


def _records(server: ComfyUI, graph: Graph, saver: str = "saver") -> list[Record]:
    return [json.loads(text) for text in server.run(graph)[saver]["records"]]


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: {"value": value, "known": "observed"} for name, value in values.items()}


def _distance(a: Record, b: Record, stage: str) -> float:
    found = distance(a["runs"][0]["stages"][stage], b["runs"][0]["stages"][stage])
    assert found is not None
    return found
