"""The Guard on running servers: the same bits, everything put back, and records that stop a run that is another."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from goodseed.plain import plain
from tests.host.comfyui import ComfyUI, GraphFailed
from tests.host.graphs import Graph, custom_sampling, demo, ksampler, node, shown

ENDINGS = {"go on": None, "fail": GraphFailed, "cancel": AssertionError}
"""What ComfyUI.run raises for each way in which a sampling ends."""


def guard(mode: str = "warn", **inputs: Any) -> dict[str, Any]:
    return node("GoodSeedDeterminismGuard", **{"model": ["demo", 0], "mode": mode, "portable_noise": False, **inputs})


def guarded(**inputs: Any) -> Graph:
    """The demo model behind a Guard, all three parts of it."""
    graph = demo() | {"guard": guard(**{"clip": ["demo", 1], "vae": ["demo", 2], **inputs})}
    for encoder in ("positive", "negative"):
        graph[encoder]["inputs"]["clip"] = ["guard", 1]
    return graph


def picture(graph: Graph, vae: list[Any] | None = None, **sampling: Any) -> Graph:
    """A graph that samples, decodes, and shows the picture's record."""
    return graph | {
        "sampled": ksampler(**{"seed": 7, "model": ["guard", 0], **sampling}),
        "decoded": node("VAEDecode", samples=["sampled", 0], vae=vae or ["guard", 2]),
        "record": node("ProbeRecord", images=["decoded", 0]),
    }


def record_of(comfyui: ComfyUI, graph: Graph) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(comfyui.run(graph)["record"]["records"][0])
    return record


@pytest.fixture
def pinned(comfyui: ComfyUI) -> str:
    """The record of a picture, as text."""
    return json.dumps(record_of(comfyui, picture(guarded())))


def held(record: str, mode: str = "enforce", graph: Graph | None = None, **sampling: Any) -> Graph:
    """The graph of that picture, or a changed one, held against the record."""
    graph = graph or guarded()
    graph["guard"] = guard(mode, clip=["demo", 1], vae=["demo", 2], record=["text", 0])
    return picture(graph | {"text": node("PrimitiveString", value=record)}, **sampling)


@pytest.mark.parametrize("which", ["each tenth", pytest.param("all", marks=pytest.mark.long)])
def test_guarded_and_stock_samplers_give_the_same_bits(comfyui: ComfyUI, which: str) -> None:
    """With portable noise too, since the noise of the CPU is what the CPU draws."""
    samplers = comfyui.get("/object_info/KSampler")["KSampler"]["input"]["required"]["sampler_name"]
    names = samplers[0] if isinstance(samplers[0], list) else samplers[1]["options"]
    assert len(names) > 40
    names = names if which == "all" else names[::10]
    graph = demo() | {"guard": guard(), "portable": guard(portable_noise=True)}
    for name in names:
        for kind, model in (("stock", "demo"), ("guard", "guard"), ("portable", "portable")):
            graph[f"{name} {kind}"] = ksampler(11, name, steps=2, model=[model, 0])
            graph[f"{name} {kind} end"] = node("ProbeLatent", latent=[f"{name} {kind}", 0], name=f"{name} {kind}")
    comfyui.run(graph)
    for name in names:
        stock, *others = (_saved(comfyui, f"{name} {kind}") for kind in ("stock", "guard", "portable"))
        assert all(other == stock for other in others), name


def test_guarded_custom_sampling_and_texts_and_pictures_keep_their_bits(comfyui: ComfyUI) -> None:
    graph = guarded()
    for kind, source in (("stock", "demo"), ("guard", "guard")):
        parts = custom_sampling(["noise", 0], model=(source, 0), sampler="euler_ancestral")
        for name, part in parts.items():
            inputs = {key: _renamed(value, parts, kind) for key, value in part["inputs"].items()}
            graph[f"{name} {kind}"] = {**part, "inputs": inputs}
        text = node("CLIPTextEncode", clip=[source, 1], text="a tree")
        picture = node("VAEDecode", samples=[f"sampled {kind}", 0], vae=[source, 2])
        graph |= {f"text {kind}": text, f"picture {kind}": picture}
        graph[f"hash {kind}"] = node("ProbeConditioning", conditioning=[f"text {kind}", 0])
        graph[f"back {kind}"] = node("VAEEncode", pixels=[f"picture {kind}", 0], vae=[source, 2])
        graph[f"end {kind}"] = node("ProbeLatent", latent=[f"back {kind}", 0], name=f"back {kind}")
    graph["noise"] = node("RandomNoise", noise_seed=5)
    output = comfyui.run(graph)
    assert output["hash stock"]["hashes"] == output["hash guard"]["hashes"]
    assert _saved(comfyui, "back stock") == _saved(comfyui, "back guard")


@pytest.mark.parametrize("ending", ENDINGS)
def test_flags_and_random_state_are_as_before_whatever_the_end(comfyui: ComfyUI, ending: str) -> None:
    before, inside, after, now = _around(comfyui, ending, "guard")
    assert (inside["algorithms"], inside["warn_only"]) == (True, True)
    assert inside["cudnn"][:2] == [True, False]
    assert inside["random"] == before["random"]
    assert after == before
    assert {**now, "random": ""} == {**before, "random": ""}
    assert not now["algorithms"]


def test_an_unguarded_sampling_leaves_another_random_state(comfyui: ComfyUI) -> None:
    """The probe of the test above sees what it must."""
    before, inside, after, _ = _around(comfyui, "go on", "demo")
    assert before["random"] != after["random"]
    assert not inside["algorithms"]


def test_unsteady_operations_are_reported_by_name_and_do_not_end_the_run(comfyui: ComfyUI) -> None:
    graph = guarded(clip=["parts", 0], vae=["parts", 1]) | {
        "parts": node("ProbeUnsteadyParts", clip=["demo", 1], vae=["demo", 2], full=False),
        "unsteady": node("ProbeUnsteady", model=["guard", 0], then="go on"),
        "layer": node("CLIPSetLastLayer", clip=["guard", 1], stop_at_clip_layer=-1),
    }
    graph["positive"]["inputs"]["clip"] = ["layer", 0]  # a clone of the guarded CLIP
    graph["negative"]["inputs"]["clip"] = ["demo", 1]
    said = len(comfyui.log)
    record = record_of(comfyui, picture(graph, model=["unsteady", 0]))
    assert record["runs"][0]["nondeterministic"] == ["put_"]
    for work in ("Text encoding", "Sampling", "Decoding"):
        assert f"{work} is not bit-exact: put_ has no deterministic form here." in comfyui.log[said:]


def test_tiles_for_want_of_memory_are_reported(comfyui: ComfyUI) -> None:
    graph = guarded(vae=["parts", 1]) | {
        "parts": node("ProbeUnsteadyParts", clip=["demo", 1], vae=["demo", 2], full=True)
    }
    said = len(comfyui.log)
    comfyui.run(picture(graph))
    assert "Decoding ran out of memory and was done in tiles" in comfyui.log[said:]


def test_the_run_that_was_recorded_passes_also_with_other_node_numbers(comfyui: ComfyUI, pinned: str) -> None:
    comfyui.free()
    graph = held(pinned)
    assert set(comfyui.executed_nodes(graph)) >= {"sampled"}
    renamed = {key: f"1{place}" for place, key in enumerate(graph)}
    other = {
        renamed[key]: {**part, "inputs": {name: _renamed_to(value, renamed) for name, value in part["inputs"].items()}}
        for key, part in graph.items()
    }
    comfyui.free()
    comfyui.run(other)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 8}, "seed is 8, the record says 7. Set seed to 7."),
        ({"steps": 3}, "steps is 3, the record says 2."),
        ({"cfg": 3.5}, "cfg is 3.5, the record says 3.0."),
        ({"sampler": "heun"}, "sampler is heun, the record says euler."),
        ({"scheduler": "karras"}, "scheduler is karras, the record says simple."),
        ({"denoise": 0.6}, "denoise is 0.6, the record says 1.0."),
        ({"positive": ["negative", 0]}, "conditioning is sha256"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_run_that_is_another_stops_before_sampling_and_says_what(
    comfyui: ComfyUI, pinned: str, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(GraphFailed) as failed:
        comfyui.run(held(pinned, **changes))
    assert str(failed.value).startswith(said)
    assert "\n" not in str(failed.value)
    start = len(comfyui.log)
    comfyui.run(held(pinned, "warn", **changes))
    assert f"not as recorded: {said}" in comfyui.log[start:]


def test_another_size_and_a_patched_model_are_other_runs(comfyui: ComfyUI, pinned: str) -> None:
    graph = guarded()
    graph["latent"]["inputs"]["width"] = 96
    with pytest.raises(GraphFailed, match=r"^width is 96, the record says 128\. Set width to 128\."):
        comfyui.run(held(pinned, graph=graph))
    graph = guarded() | {"patched": node("ProbePatched", model=["guard", 0])}
    with pytest.raises(GraphFailed, match=r"^adapters is .*Use the recorded adapters"):
        comfyui.run(held(pinned, graph=graph, model=["patched", 0]))


def test_other_bytes_under_a_models_name_and_another_machine_stop_the_guard(comfyui: ComfyUI, pinned: str) -> None:
    record = json.loads(pinned)
    for model in record["models"]:
        model["sha256"]["value"], model["tensors_sha256"] = "0" * 64, {"value": None, "known": "unknown"}
    with pytest.raises(GraphFailed, match="Put the recorded file back") as failed:
        comfyui.run(held(json.dumps(record)))
    assert "denoiser.safetensors is sha256" in str(failed.value)
    record = json.loads(pinned)
    record["environment"]["torch"] = {"value": "1.0", "known": "observed"}
    with pytest.raises(GraphFailed, match=r"^torch is .*, the record says 1\.0\."):
        comfyui.run(held(json.dumps(record)))


def test_a_record_that_is_none_is_one_clear_line(comfyui: ComfyUI) -> None:
    for text in ("no JSON", "{}", '{"schema": "goodseed.record", "version": 99}'):
        with pytest.raises(GraphFailed, match=r"^(record|schema|version)") as failed:
            comfyui.run(held(text))
        assert "\n" not in str(failed.value)


def test_off_leaves_everything_untouched(comfyui: ComfyUI) -> None:
    before, inside, after, _ = _around(comfyui, "go on", "guard", mode="off")
    assert not inside["algorithms"]
    assert before["random"] != after["random"]
    graph = guarded(mode="off") | {"report": shown("guard", 3)}
    assert comfyui.run(graph)["report"]["text"][0].startswith("**Determinism Guard: off.**")


def test_the_report_finds_what_is_planted_as_text_and_as_data(comfyui: ComfyUI) -> None:
    graph = picture(guarded()) | {"report": shown("guard", 3)}
    graph["latent"]["inputs"]["batch_size"] = 2
    graph["tiles"] = node("VAEDecodeTiled", samples=["sampled", 0], vae=["guard", 2], tile_size=512, overlap=64)
    graph["tiles"]["inputs"] |= {"temporal_size": 64, "temporal_overlap": 8}
    graph["see"] = node("PreviewImage", images=["tiles", 0])
    output = comfyui.run(graph)
    text, data = output["report"]["text"][0], output["guard"]["goodseed"][0]
    assert plain(text) == output["guard"]["text"][0]
    assert text.startswith("**Determinism Guard: warn**, on cpu")
    found = {(finding["cause"], finding["node"]) for finding in data["findings"]}
    assert {("batch", "latent"), ("tiled", "tiles"), ("unpinned-model", "demo")} <= found
    assert all(finding["fix"] in text for finding in data["findings"])


def test_the_report_is_of_the_graph_that_runs_and_the_guard_is_cached_otherwise(comfyui: ComfyUI) -> None:
    graph = picture(guarded()) | {"report": shown("guard", 3)}
    assert "batch" not in comfyui.run(graph)["report"]["text"][0]
    graph["latent"]["inputs"]["batch_size"] = 2  # below the Guard
    assert "| batch |" in comfyui.run(graph)["report"]["text"][0]
    assert "guard" not in comfyui.executed_nodes(graph)


def test_two_guards_in_a_row_are_one(comfyui: ComfyUI) -> None:
    graph = guarded() | {"second": guard("warn", model=["guard", 0], clip=["guard", 1], vae=["guard", 2])}
    graph["unsteady"] = node("ProbeUnsteady", model=["second", 0], then="go on")
    said = len(comfyui.log)
    record = record_of(comfyui, picture(graph, vae=["second", 2], model=["unsteady", 0]))
    assert record["runs"][0]["nondeterministic"] == ["put_"]
    assert comfyui.log[said:].count("Sampling is not bit-exact") == 1


_names = iter(range(1000))


def _around(comfyui: ComfyUI, ending: str, source: str, **inputs: Any) -> tuple[dict[str, Any], ...]:
    """Return flags and random state before, in and after a sampling that ends so, and after the prompt."""
    name = f"around {next(_names)}"
    graph = guarded(**inputs) | {
        "unsteady": node("ProbeUnsteady", model=[source, 0], then=ending),
        "around": node("ProbeAround", model=["unsteady", 0], name=name),
        "sampled": ksampler(3, model=["around", 0]),
        "end": node("ProbeLatent", latent=["sampled", 0]),
    }
    if (error := ENDINGS[ending]) is None:
        comfyui.run(graph)
    else:
        with pytest.raises(error):
            comfyui.run(graph)
    notes = comfyui.run({"noted": node("ProbeNoted", name=name)})["noted"]
    before, inside, after = notes["noted"]
    return before, inside, after, notes["now"][0]


def _saved(comfyui: ComfyUI, name: str) -> bytes:
    return np.load(comfyui.output / f"{name}.npy").tobytes()


def _renamed(value: Any, parts: Graph, kind: str) -> Any:
    return [f"{value[0]} {kind}", value[1]] if isinstance(value, list) and value[0] in parts else value


def _renamed_to(value: Any, names: dict[str, str]) -> Any:
    return [names[value[0]], value[1]] if isinstance(value, list) and value[0] in names else value
