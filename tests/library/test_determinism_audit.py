"""The audit: each kind of hidden randomness is found where it is planted, with a fix, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.determinism.audit import Finding, Machine, audit
from goodseed.determinism.seed_controls import drawing_controls

GPU = "cuda:0"


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def graph(**changes: dict[str, Any]) -> dict[str, Any]:
    """A plain graph: nothing in it is random. A change replaces a node's inputs or adds a node."""
    plain = {
        "load": node("CheckpointLoaderSimple", ckpt_name="model.safetensors"),
        "text": node("CLIPTextEncode", clip=["load", 1], text="auto repair shop, noise"),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "sample": node(
            "KSampler", model=["load", 0], positive=["text", 0], negative=["text", 0], latent_image=["latent", 0],
            seed=3, steps=2, cfg=7.0, sampler_name="euler", scheduler="normal", denoise=1.0,
        ),
        "decode": node("VAEDecode", samples=["sample", 0], vae=["load", 2]),
        "save": node("SaveImage", images=["decode", 0], filename_prefix="a"),
    }  # fmt: skip
    for key, change in changes.items():
        plain[key] = change if "class_type" in change else node(
            plain[key]["class_type"], **{**plain[key]["inputs"], **change}
        )  # fmt: skip
    return plain


def causes(found: list[Finding]) -> list[tuple[str, str | None]]:
    return [(finding.cause, finding.node) for finding in found]


@pytest.mark.parametrize("device", ["cpu", GPU])
def test_a_plain_graph_has_nothing_to_find(device: str) -> None:
    assert audit(graph(), Machine(device=device)) == []


@pytest.mark.parametrize(
    ("changes", "machine", "expected"),
    [
        ({"sample": {"seed": -1}}, {}, ("random-seed", "sample")),
        ({"sample": {"sampler_name": "euler_ancestral"}}, {"device": GPU}, ("gpu-noise", "sample")),
        ({"sample": {"sampler_name": "dpmpp_sde_gpu"}}, {"device": GPU}, ("gpu-noise", "sample")),
        ({"sampler": node("SamplerSASolver", s_noise=1.0)}, {"device": GPU}, ("gpu-noise", "sampler")),
        (
            {"sampler": node("SamplerDPMPP_SDE", eta=1.0, s_noise=1.0, noise_device="gpu")},
            {"device": GPU},
            ("gpu-noise", "sampler"),
        ),
        ({"latent": {"batch_size": 4}}, {}, ("batch", "latent")),
        ({"more": node("RepeatLatentBatch", samples=["latent", 0], amount=2)}, {}, ("batch", "more")),
        ({"sampler": node("SamplerEuler", s_churn=0.5)}, {}, ("unseeded", "sampler")),
        ({"sampler": node("SamplerLCMUpscale", scale_ratio=1.0)}, {}, ("unseeded", "sampler")),
        ({"post": node("FilmGrainX", image=["decode", 0])}, {}, ("post-process", "post")),
        ({"post": node("LayerFilter: AddGrain", image=["decode", 0])}, {}, ("post-process", "post")),
        ({"decode": node("VAEDecodeTiled", samples=["sample", 0], tile_size=64)}, {}, ("tiled", "decode")),
        ({"unet": node("UNETLoader", unet_name="a", weight_dtype="default")}, {}, ("auto", "unet")),
        ({"up": node("SomeUpscaler", image=["decode", 0], method="Auto")}, {}, ("auto", "up")),
        ({}, {"launch_flags": ["--fast"]}, ("fast", None)),
        ({}, {"launch_flags": ["--fast fp16_accumulation"]}, ("fast", None)),
        ({}, {"cublas": "CUBLAS_WORKSPACE_CONFIG is not set"}, ("cublas", None)),
        ({}, {"models": [("load", "checkpoints", "model.safetensors")]}, ("unpinned-model", "load")),
    ],
)
def test_what_is_planted_is_found_alone(
    changes: dict[str, Any], machine: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    found = audit(graph(**changes), Machine(**machine))
    assert causes(found) == [expected]
    assert all(finding.what and finding.fix and "\n" not in finding.what + finding.fix for finding in found)


@pytest.mark.parametrize(
    ("changes", "machine"),
    [
        ({"sample": {"sampler_name": "euler_ancestral"}}, {"device": "cpu"}),
        ({"sample": {"sampler_name": "euler_ancestral"}}, {"device": GPU, "portable_noise": True}),
        ({"sample": {"sampler_name": "dpmpp_2m_sde"}}, {"device": GPU}),
        ({"sampler": node("SamplerEulerAncestral", eta=0.0, s_noise=1.0)}, {"device": GPU}),
        ({"sampler": node("SamplerEuler", s_churn=0.0)}, {}),
        ({"post": node("ImageAddNoise", image=["decode", 0], seed=1, strength=0.1)}, {}),
        ({"post": node("ImageDenoiseX", image=["decode", 0])}, {}),
        ({"before": node("FilmGrainX", image=["load", 0])}, {}),
        ({"noise": node("DisableNoise")}, {}),
        ({}, {"launch_flags": ["--fast-disk"]}),
        (
            {},
            {
                "models": [("load", "checkpoints", "model.safetensors")],
                "pinned": frozenset([("checkpoints", "model.safetensors")]),
            },
        ),
    ],
)
def test_what_only_looks_so_is_not_found(changes: dict[str, Any], machine: dict[str, Any]) -> None:
    assert audit(graph(**changes), Machine(**machine)) == []


def test_step_noise_in_a_batch_is_found_beside_the_batch() -> None:
    changed = graph(latent={"batch_size": 2}, sample={"sampler_name": "dpmpp_2m_sde"})
    assert causes(audit(changed)) == [("batch", "sample"), ("batch", "latent")]


@pytest.mark.parametrize(
    ("unet", "launch_flags"),
    [
        ({"unet_name": "a", "weight_dtype": "fp8_e4m3fn"}, []),
        ({"unet_name": "flux-FP8.safetensors", "weight_dtype": "bf16"}, []),
        ({"unet_name": "a", "weight_dtype": "bf16"}, ["--fp8_e4m3fn-unet"]),
    ],
)
def test_a_lora_on_fp8_weights_is_found_and_either_alone_is_not(unet: dict[str, Any], launch_flags: list[str]) -> None:
    machine = Machine(launch_flags=launch_flags)
    lora = node("LoraLoaderModelOnly", model=["unet", 0], lora_name="x.safetensors", strength_model=0.8)
    both = graph(unet=node("UNETLoader", **unet), lora=lora)
    assert causes(audit(both, machine)) == [("fp8-lora", "lora")]
    off = node("LoraLoaderModelOnly", **{**lora["inputs"], "strength_model": 0})
    assert audit(graph(unet=node("UNETLoader", **unet), lora=off), machine) == []
    assert audit(graph(unet=node("UNETLoader", **unet)), machine) == []
    assert audit(graph(lora=lora)) == []


def workflow(control: str, **more: Any) -> dict[str, Any]:
    """What the front end saves of a KSampler with the id `sample`."""
    values = [3, control, 2, 7.0, "euler", "normal", 1.0]
    return {"nodes": [{"id": "sample", "type": "KSampler", "widgets_values": values}], **more}


@pytest.mark.parametrize("control", ["randomize", "increment", "decrement"])
def test_a_seed_that_the_browser_changes_is_found(control: str) -> None:
    found = audit(graph(), Machine(workflow=workflow(control)))
    assert causes(found) == [("random-seed", "sample")]
    assert control in found[0].what


def test_a_fixed_seed_and_a_linked_one_are_not() -> None:
    assert audit(graph(), Machine(workflow=workflow("fixed"))) == []
    assert audit(graph(sample={"seed": ["other", 0]}), Machine(workflow=workflow("randomize"))) == []


def test_a_control_inside_a_subgraph_is_found_by_the_prompts_key() -> None:
    inner = {"id": "uuid", "nodes": [{"id": 12, "type": "KSampler", "widgets_values": [3, "randomize", 2]}]}
    saved = {"nodes": [{"id": 101, "type": "uuid", "widgets_values": []}], "definitions": {"subgraphs": [inner]}}
    assert drawing_controls(saved) == {"101:12": "randomize"}


def test_a_primitives_control_is_found_on_the_nodes_that_it_feeds() -> None:
    primitive = {"id": 5, "type": "PrimitiveNode", "widgets_values": [3, "increment"]}
    saved = {"nodes": [primitive], "links": [[1, 5, 0, "sample", 3, "INT"], [2, 6, 0, "text", 0, "INT"]]}
    assert causes(audit(graph(), Machine(workflow=saved))) == [("random-seed", "sample")]


def test_a_subgraph_that_holds_itself_ends() -> None:
    loop = {"id": "a", "nodes": [{"id": 1, "type": "a"}]}
    assert drawing_controls({**loop, "definitions": {"subgraphs": [loop]}}) == {}


def test_a_graph_with_a_cycle_ends() -> None:
    turning = {"a": node("VAEDecode", samples=["b", 0]), "b": node("NoiseX", image=["a", 0])}
    assert causes(audit(turning)) == [("post-process", "b")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["inputs", "class_type", "_meta", "seed", "samples", "lora_name", "sampler_name", "nodes", "id"]
)
NESTED = st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON, max_size=4), max_size=4)


@settings(max_examples=150, deadline=None)
@given(prompt=st.dictionaries(st.text(max_size=4), NESTED | JSON, max_size=4), saved=JSON | NESTED)
def test_any_graph_at_all_is_audited_without_a_crash(prompt: dict[str, Any], saved: Any) -> None:
    audit(prompt, Machine(device=GPU, launch_flags=["--fp8_e4m3fn-unet"], workflow=saved))
