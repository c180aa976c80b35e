"""Diff: nothing that is one is called two, nothing that changed is lost, and the stages decide what comes first."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.provenance.diff import diff
from goodseed.provenance.diff.difference import CAUSES
from goodseed.provenance.fingerprint import fingerprint
from goodseed.provenance.recipe import recipe_of
from goodseed.provenance.record import check_record
from tests.library.record_maker import PROMPT, observed, sample_record, sha256, tensor

Record = dict[str, Any]
Graph = dict[str, Any]


def with_graph(prompt: Graph, record: Record | None = None, saver: str = "9", renamed: Any = None) -> Record:
    """Return a record of another graph, all that was observed being as it was; `renamed` gives nodes their new ids."""
    record = copy.deepcopy(record or sample_record())
    record["recipe"] = recipe_of(prompt, saver)
    for part in ("runs", "models", "prompts"):
        for entry in record[part]:
            entry["node"] = (renamed or {}).get(entry["node"], entry["node"])
    check_record(record)
    return record


def changed(key: str, **inputs: Any) -> Graph:
    """Return the sample graph with other inputs of one node."""
    prompt = copy.deepcopy(PROMPT)
    prompt[key]["inputs"].update(inputs)
    return prompt


def parted(record: Record, stage: str, apart: float = 1.0, run: int = 0) -> Record:
    """Return a record whose image goes another way from a stage on, by about a relative distance."""
    record = copy.deepcopy(record)
    order = ["conditioning", "initial_noise", "sigmas", "output_latent", "decoded", "pixels"]
    later = [stage, *order[max(order.index(stage) + 1, 3) :]]
    stages = record["runs"][run]["stages"]
    for name in later:
        if name == "pixels":
            record["pixels"]["sha256"] = sha256(f"other {stage}")
            continue
        holder = record if name == "decoded" else stages
        shape = holder[name]["shape"]
        old, new = tensor(old_name(name), *shape), tensor(f"other {name}", *shape)
        holder[name] = fingerprint(old + apart * new)
    record["runs"][run]["item_stages"] = None
    return record


def old_name(stage: str) -> str:
    return {"initial_noise": "noise", "output_latent": "latent"}.get(stage, stage)


def first(a: Record, b: Record) -> dict[str, Any]:
    cause: dict[str, Any] = diff(a, b)["causes"][0]
    return cause


# What is one


def test_a_record_is_the_same_as_itself() -> None:
    record = sample_record()
    found = diff(record, copy.deepcopy(record))
    assert found["same"] is True
    assert found["image_same"] is True
    assert found["causes"] == []
    assert all(stage["same"] for stage in found["stages"])


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_renumbering_moving_and_the_order_of_nodes_and_inputs_are_no_difference(mixer: random.Random) -> None:
    names = [str(number) for number in mixer.sample(range(1, 500), len(PROMPT))]
    renamed = dict(zip(PROMPT, names, strict=True))
    items = list(PROMPT.items())
    mixer.shuffle(items)
    moved: Graph = {}
    for key, node in items:
        inputs = list(node["inputs"].items())
        mixer.shuffle(inputs)
        moved[renamed[key]] = {
            "class_type": node["class_type"],
            "inputs": {n: [renamed[v[0]], v[1]] if isinstance(v, list) else v for n, v in inputs},
            "_meta": {"title": mixer.choice(["", "my node"])},
        }
    other = with_graph(moved, saver=renamed["9"], renamed=renamed)
    assert diff(sample_record(), other)["causes"] == []


def test_seven_and_seven_point_zero_are_one_and_true_and_one_are_not() -> None:
    a, b = with_graph(changed("3", cfg=7)), with_graph(changed("3", cfg=7.0))
    assert diff(a, b)["causes"] == []
    a, b = with_graph(changed("3", tiled=True)), with_graph(changed("3", tiled=1))
    assert [cause["where"] for cause in diff(a, b)["causes"]] == ["KSampler: tiled"]


def test_a_seed_by_link_is_the_seed_that_was_observed() -> None:
    linked = changed("3", seed=["20", 0])
    linked["20"] = {"class_type": "SomePacksSeed", "inputs": {"seed": -1, "mode": "random"}}
    found = diff(sample_record(), with_graph(linked))
    assert found["causes"] == []
    assert found["notes"] == ["values come from other nodes than before; they are compared as they arrived"]
    other = with_graph(linked, sample_record(runs__0__seed__value=43, tuple__seed__value=43))
    assert [(c["cause"], c["where"], c["a"], c["b"]) for c in diff(sample_record(), other)["causes"]] == [
        ("number", "KSampler: seed", 42, 43)
    ]


def test_a_prompt_by_link_from_a_primitive_is_the_prompt() -> None:
    linked = changed("5", text=["20", 0])
    linked["20"] = {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "a red ball"}}
    assert diff(sample_record(), with_graph(linked))["causes"] == []
    linked["20"]["inputs"]["value"] = "a blue ball"
    assert first(sample_record(), with_graph(linked))["cause"] == "prompt"


def test_a_link_whose_value_nobody_saw_is_named() -> None:
    linked = changed("5", text=["20", 0])
    linked["20"] = {"class_type": "Wildcards", "inputs": {"text": "a {red|blue} ball", "seed": 3}}
    found = diff(sample_record(), with_graph(linked))
    assert found["causes"] == []  # the conditioning is the same, so the same text arrived
    assert found["notes"] == ["CLIPTextEncode (5): text is typed in one and linked in the other; the same arrived"]
    found = diff(sample_record(), parted(with_graph(linked), "conditioning", 0.5))
    assert [(c["cause"], c["where"], c["kind"]) for c in found["causes"]] == [
        ("prompt", "CLIPTextEncode (5): text", "rewired")
    ]


def test_a_guard_in_one_of_the_two_is_no_difference() -> None:
    guarded = changed("3", model=["20", 0])
    guarded["20"] = {"class_type": "GoodSeedDeterminismGuard", "inputs": {"model": ["7", 0], "mode": "enforce"}}
    assert diff(sample_record(), with_graph(guarded))["causes"] == []


def test_where_the_file_goes_and_which_node_saves_it_is_no_difference() -> None:
    other = changed("9", filename_prefix="elsewhere/x")
    other["9"]["class_type"] = "SaveImage"
    assert diff(sample_record(), with_graph(other))["causes"] == []


def test_two_copies_of_a_node_for_one_that_is_shared_are_no_difference() -> None:
    shared = changed("3", negative=["5", 0])
    del shared["6"]
    copied = copy.deepcopy(shared)
    copied["6"] = copy.deepcopy(copied["5"])
    copied["3"]["inputs"]["negative"] = ["6", 0]
    assert diff(with_graph(shared), with_graph(copied))["causes"] == []


def test_the_same_weights_under_another_name_are_no_difference() -> None:
    renamed = with_graph(changed("1", ckpt_name="renamed.safetensors"))
    renamed["models"][0]["name"] = "renamed.safetensors"
    found = diff(sample_record(), renamed)
    assert found["causes"] == []
    assert found["notes"] == [
        "CheckpointLoaderSimple: base/model.safetensors and renamed.safetensors hold the same weights"
    ]
    on_windows = with_graph(changed("1", ckpt_name="base\\model.safetensors"))
    on_windows["models"][0]["sha256"] = on_windows["models"][0]["tensors_sha256"] = {"value": None, "known": "unknown"}
    assert diff(sample_record(), on_windows)["causes"] == []


def test_another_machine_that_gave_the_same_pixels_is_worth_a_note_and_no_cause() -> None:
    found = diff(
        sample_record(), sample_record(environment__driver=observed("999"), environment__torch__value="2.12.0")
    )
    assert found["same"] is True
    assert found["notes"] == ["torch: 2.11.0 and 2.12.0"]


# What changed

ONE_CHANGE: dict[str, tuple[str, str, Graph]] = {
    "cfg by a tick": ("number", "KSampler: cfg", changed("3", cfg=7.4)),
    "cfg 8 to 7.5": ("number", "KSampler: cfg", changed("3", cfg=8)),
    "seed": ("number", "KSampler: seed", changed("3", seed=43)),
    "a large seed": ("number", "KSampler: seed", changed("3", seed=2**64 - 1)),
    "steps": ("number", "KSampler: steps", changed("3", steps=3)),
    "width": ("number", "EmptyLatentImage: width", changed("2", width=72)),
    "batch size": ("number", "EmptyLatentImage: batch_size", changed("2", batch_size=2)),
    "sampler": ("sampler", "KSampler: sampler_name", changed("3", sampler_name="euler_ancestral")),
    "scheduler": ("sampler", "KSampler: scheduler", changed("3", scheduler="karras")),
    "denoise": ("number", "KSampler: denoise", changed("3", denoise=0.99)),
    "lora strength": ("adapter", "LoraLoader: strength_model", changed("7", strength_model=0.81)),
    "prompt": ("prompt", "CLIPTextEncode (5): text", changed("5", text="a red ball ")),
    "negative": ("prompt", "CLIPTextEncode (6): text", changed("6", text="")),
    "vae from elsewhere": ("graph", "VAEDecode: vae", changed("8", vae=["1", 1])),
    "positive and negative crossed": (
        "graph", "KSampler: negative", changed("3", positive=["6", 0], negative=["5", 0]),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "a", "b", "cause"),
    [
        ("card", "RTX 4090", "RTX 3090", "sampler"),
        ("per_item", "one draw", "next seeds", "sampler"),
        ("spec", "cpu", "cuda", "sampler"),
        ("seeds", "469, 7", "469, 8", "number"),
    ],
)
def test_how_noise_is_drawn_is_no_prompt(name: str, a: str, b: str, cause: str) -> None:
    records = []
    for value in (a, b):
        graph = changed("3", noise=["4", 0])
        graph["4"] = {"class_type": "GoodSeedNoise", "inputs": {"seed": 1, name: value}}
        records.append(with_graph(graph))
    (found,) = diff(*records)["causes"]
    assert (found["cause"], found["a"], found["b"]) == (cause, a, b)


@pytest.mark.parametrize("name", ONE_CHANGE)
def test_one_change_is_named_first_with_a_sentence_and_a_fix(name: str) -> None:
    cause, where, prompt = ONE_CHANGE[name]
    found = diff(sample_record(), with_graph(prompt))
    assert found["same"] is False
    if name == "positive and negative crossed":
        assert {entry["cause"] for entry in found["causes"]} <= {"prompt", "graph"}
        return
    assert [(entry["cause"], entry["where"]) for entry in found["causes"]] == [(cause, where)]
    assert found["causes"][0]["why"].endswith(".")
    assert found["causes"][0]["fix"].endswith(".")


def test_other_weights_under_the_same_name_are_named() -> None:
    other = sample_record(
        models__0__sha256__value=sha256("new"), models__0__tensors_sha256__value=sha256("new tensors"),
        tuple__model__value=sha256("new"),
    )  # fmt: skip
    found = diff(sample_record(), other)["causes"]
    assert [cause["cause"] for cause in found] == ["model"]
    assert "the name is the same, the weights are not" in found[0]["why"]


def inserted_lora() -> Graph:
    prompt = changed("3", model=["20", 0])
    prompt["20"] = {
        "class_type": "LoraLoaderModelOnly",
        "inputs": {"model": ["7", 0], "lora_name": "more.safetensors", "strength_model": 1.0},
    }
    return prompt


def control_net() -> Graph:
    prompt = changed("3", positive=["22", 0], negative=["22", 1])
    prompt["20"] = {"class_type": "ControlNetLoader", "inputs": {"control_net_name": "depth.safetensors"}}
    prompt["21"] = {"class_type": "LoadImage", "inputs": {"image": "depth.png"}}
    prompt["22"] = {
        "class_type": "ControlNetApplyAdvanced",
        "inputs": {
            "positive": ["5", 0], "negative": ["6", 0], "control_net": ["20", 0], "image": ["21", 0], "strength": 1.0,
        },
    }  # fmt: skip
    return prompt


def refiner() -> Graph:
    prompt = changed("8", samples=["21", 0])
    prompt["20"] = {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "refiner.safetensors"}}
    inputs = {**PROMPT["3"]["inputs"], "model": ["20", 0], "latent_image": ["3", 0], "denoise": 0.3}
    prompt["21"] = {"class_type": "KSampler", "inputs": inputs}
    return prompt


def sharpened() -> Graph:
    prompt = changed("9", images=["20", 0])
    prompt["20"] = {"class_type": "ImageSharpen", "inputs": {"image": ["8", 0], "sharpen_radius": 1}}
    return prompt


def combined() -> Graph:
    prompt = changed("3", positive=["21", 0])
    prompt["20"] = {"class_type": "CLIPTextEncode", "inputs": {"clip": ["7", 1], "text": "on grass"}}
    inputs = {"conditioning_1": ["5", 0], "conditioning_2": ["20", 0]}
    prompt["21"] = {"class_type": "ConditioningCombine", "inputs": inputs}
    return prompt


def upscaled() -> Graph:
    prompt = changed("8", samples=["21", 0])
    prompt["20"] = {"class_type": "LatentUpscaleBy", "inputs": {"samples": ["3", 0], "scale_by": 1.5}}
    inputs = {**PROMPT["3"]["inputs"], "latent_image": ["20", 0], "denoise": 0.5}
    prompt["21"] = {"class_type": "KSampler", "inputs": inputs}
    return prompt


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (inserted_lora, "adapter"), (control_net, "adapter"), (refiner, "adapter"), (sharpened, "post-process"),
        (combined, "graph"), (upscaled, "graph"),
    ],
)  # fmt: skip
def test_nodes_put_in_or_taken_out_are_one_cause_and_their_wires_none(make: Any, cause: str) -> None:
    more = with_graph(make())
    for a, b, side in ((sample_record(), more, "b"), (more, sample_record(), "a")):
        found = diff(a, b)["causes"]
        assert [entry["cause"] for entry in found] == [cause]
        assert found[0][side] is not None
        assert found[0]["a" if side == "b" else "b"] is None


def test_one_lora_of_a_stack_taken_out_is_that_one() -> None:
    prompt = inserted_lora()
    without = copy.deepcopy(prompt)
    without["20"]["inputs"]["model"] = ["1", 0]
    for encoder in ("5", "6"):
        without[encoder]["inputs"]["clip"] = ["1", 1]
    del without["7"]
    found = diff(with_graph(prompt), with_graph(without))["causes"]
    assert [(entry["cause"], entry["kind"]) for entry in found] == [("adapter", "removed")]
    assert "soft.safetensors" in found[0]["a"]


def test_a_lora_changed_and_a_checkpoint_changed_are_both_named() -> None:
    prompt = changed("7", strength_model=0.5)
    prompt["1"]["inputs"]["ckpt_name"] = "other.safetensors"
    other = with_graph(prompt)
    other["models"][0] |= {"name": "other.safetensors", "sha256": observed(sha256("o")), "tensors_sha256": observed("")}
    assert [entry["cause"] for entry in diff(sample_record(), other)["causes"]] == ["model", "adapter"]


def test_a_node_of_another_class_in_the_same_place_is_a_replacement() -> None:
    prompt = copy.deepcopy(PROMPT)
    prompt["8"] = {"class_type": "VAEDecodeTiled", "inputs": {**PROMPT["8"]["inputs"], "tile_size": 512}}
    found = diff(sample_record(), with_graph(prompt))["causes"]
    assert [(entry["cause"], entry["kind"]) for entry in found] == [("graph", "replaced")]


# What every pair of records obeys

LETTERS = "ab ,.(:1)é\u0301\u200b\u2019'\n\u00a0𝓍"
TEXTS = st.text(LETTERS, max_size=40)
LEAVES = [
    ("3", "seed", st.integers(0, 2**64 - 1)), ("3", "steps", st.integers(1, 100)), ("3", "denoise", st.floats(0, 1)),
    ("3", "cfg", st.floats(0, 100)), ("3", "sampler_name", TEXTS), ("2", "width", st.integers(16, 4096)),
    ("5", "text", TEXTS), ("6", "text", TEXTS), ("7", "strength_clip", st.floats(-2, 2)), ("3", "scheduler", TEXTS),
    ("1", "ckpt_name", st.sampled_from(["a.safetensors", "b.ckpt"])),
]  # fmt: skip


@st.composite
def planted(draw: st.DrawFn) -> dict[tuple[str, str], Any]:
    leaves = draw(st.lists(st.sampled_from(LEAVES), min_size=1, max_size=4, unique_by=lambda leaf: leaf[:2]))
    return {(key, name): draw(values) for key, name, values in leaves}


@given(planted())
@settings(max_examples=150, deadline=None)
def test_every_change_is_named_and_nothing_else_and_both_ways_round(changes: dict[tuple[str, str], Any]) -> None:
    prompt = copy.deepcopy(PROMPT)
    for (key, name), value in changes.items():
        prompt[key]["inputs"][name] = value
    a, b = sample_record(), with_graph(prompt)
    a["models"], b["models"] = [], []
    there, back = diff(a, b), diff(b, a)
    expected = [
        (PROMPT[key]["inputs"][name], value)
        for (key, name), value in changes.items()
        if value != PROMPT[key]["inputs"][name]
    ]
    assert as_set((cause["a"], cause["b"]) for cause in there["causes"]) == as_set(expected)
    assert as_set((cause["b"], cause["a"]) for cause in back["causes"]) == as_set(expected)
    assert [cause["cause"] for cause in there["causes"]] == [cause["cause"] for cause in back["causes"]]
    assert {cause["cause"] for cause in there["causes"]} <= set(CAUSES)
    json.dumps(there, allow_nan=False)


def as_set(pairs: Any) -> list[str]:
    return sorted(json.dumps(pair) for pair in pairs)
