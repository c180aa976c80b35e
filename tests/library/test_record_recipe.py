"""Recipes: the nodes above a saver, whatever the graph looks like."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from goodseed.canonical import canonical_json
from goodseed.provenance.asked import asked_of_sampler
from goodseed.provenance.memory import Memory, owner
from goodseed.provenance.recipe import (
    above_model,
    in_order,
    prompt_of,
    prompts_in,
    recipe_of,
    sampling_nodes,
    signature,
    signatures,
)
from tests.library.record_maker import PROMPT

Graph = dict[str, dict[str, Any]]


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def test_the_prompt_comes_back_without_what_the_saver_does_not_need() -> None:
    prompt = copy.deepcopy(PROMPT) | {"20": node("PreviewImage", images=["8", 0])}
    assert prompt_of(recipe_of(prompt, "9")) == PROMPT


@pytest.mark.parametrize(
    "literal", [7, 7.5, "a", None, True, [1, 2], ["a"], ["8", "0"], {"link": ["3", 0]}, {"literal": 3}, {"a": [{}]}]
)  # fmt: skip
def test_a_literal_is_never_mistaken_for_a_link(literal: Any) -> None:
    prompt = {"1": node("Save", value=literal)}
    recipe = recipe_of(prompt, "1")
    canonical_json(recipe)
    assert prompt_of(recipe) == prompt


def test_subgraph_ids_are_kept_whole_and_infinities_become_text() -> None:
    prompt = {"101:112": node("A", value=float("inf")), "101:113": node("Save", value=["101:112", 0])}
    recipe = recipe_of(prompt, "101:113")
    assert recipe["nodes"]["101:112"]["inputs"] == {"value": "inf"}
    canonical_json(recipe)


def test_cycles_missing_nodes_and_nodes_that_are_none_end_the_walk() -> None:
    prompt: Graph = {
        "1": node("A", x=["2", 0]),
        "2": node("B", x=["1", 0], y=["missing", 3], z=["3", 0]),
        "3": "no node",  # type: ignore[dict-item]
    }
    recipe = recipe_of(prompt, "1")
    assert set(recipe["nodes"]) == {"1", "2"}
    assert sorted(in_order(recipe)) == ["1", "2"]
    assert signature(prompt, "1")
    assert prompts_in(recipe) == []
    assert recipe_of(prompt, "nowhere") == {"saver": "nowhere", "nodes": {}}


def test_a_ladder_of_diamonds_takes_linear_time() -> None:
    """Each rung doubles the number of ways to the top: 2^2000 in all; code that walks each way never ends."""
    prompt = {"0": node("Start")}
    for rung in range(1, 2001):
        prompt[str(rung)] = node("Join", a=[str(rung - 1), 0], b=[str(rung - 1), 1])
    recipe = recipe_of(prompt, "2000")
    assert len(in_order(recipe)) == 2001
    assert len(set(signatures(recipe["nodes"]).values())) == 2001


def test_the_signature_knows_what_is_above_a_node_and_not_what_it_is_called() -> None:
    names = {key: f"n{key}" for key in PROMPT}
    renumbered = {names[key]: copy.deepcopy(part) for key, part in reversed(PROMPT.items())}
    for part in renumbered.values():
        part["_meta"] = {"title": "another"}
        part["is_changed"] = [float("nan")]
        for name, value in part["inputs"].items():
            if isinstance(value, list):
                part["inputs"][name] = [names[value[0]], value[1]]
    assert signature(renumbered, "n3") == signature(PROMPT, "3")
    renumbered["n5"]["inputs"]["text"] += " "
    assert signature(renumbered, "n3") != signature(PROMPT, "3")
    assert signature(renumbered, "n2") == signature(PROMPT, "2")


def test_prompts_have_the_role_in_which_they_reach_the_sampler() -> None:
    found = {(prompt["role"], prompt["text"], prompt["whole"]) for prompt in prompts_in(recipe_of(PROMPT, "9"))}
    assert found == {("positive", "a red ball", True), ("negative", "blurry", True)}


def test_prompts_keep_their_role_through_controlnets_guiders_and_combinations() -> None:
    prompt = copy.deepcopy(PROMPT) | {
        "30": node("CLIPTextEncode", clip=["7", 1], text="more"),
        "31": node("ConditioningCombine", conditioning_1=["5", 0], conditioning_2=["30", 0]),
        "32": node("ControlNetApplyAdvanced", positive=["31", 0], negative=["6", 0], strength=1.0),
        "33": node("CFGGuider", model=["7", 0], positive=["32", 0], negative=["32", 1], cfg=3.0),
        "34": node("RandomNoise", noise_seed=9),
        "3": node("SamplerCustomAdvanced", guider=["33", 0], noise=["34", 0], latent_image=["2", 0]),
    }
    recipe = recipe_of(prompt, "9")
    roles = {prompt["text"]: prompt["role"] for prompt in prompts_in(recipe)}
    assert roles == {"a red ball": "positive", "more": "positive", "blurry": "negative"}
    assert sampling_nodes(recipe) == ["3"]
    assert above_model(recipe, "3") == ["3", "33", "7", "1"]


def test_a_prompt_of_parts_by_link_is_not_called_whole() -> None:
    prompt = copy.deepcopy(PROMPT) | {"40": node("StringConcatenate", string_a="a red", string_b="ball", delimiter=" ")}
    prompt["5"]["inputs"]["text"] = ["40", 0]
    parts = [found for found in prompts_in(recipe_of(prompt, "9")) if found["encoder"] == "5"]
    assert [part["text"] for part in parts] == ["a red", "ball", " "]
    assert not any(part["whole"] for part in parts)


def test_what_is_asked_of_a_sampler_is_found_above_its_links() -> None:
    nodes = recipe_of(
        {
            "1": node("RandomNoise", noise_seed=["5", 0]),
            "2": node("BasicScheduler", scheduler="karras", steps=20, denoise=0.5),
            "3": node("SplitSigmas", sigmas=["2", 0], step=10),
            "4": node(
                "SamplerCustomAdvanced", noise=["1", 0], sigmas=["3", 1], latent_image=["6", 0], sampler=["7", 0]
            ),
            "5": node("PrimitiveInt", value=12),
            "6": node("EmptyLatentImage", width=512, height=256, batch_size=1),
            "7": node("KSamplerSelect", sampler_name="heun"),
        },
        "4",
    )["nodes"]
    asked = asked_of_sampler(nodes, "4")
    values = {name: (one.value, one.literal) for name, one in asked.items()}
    assert values == {
        "seed": (12, False), "scheduler": ("karras", True), "steps": (20, True), "denoise": (0.5, True),
        "sampler": ("heun", True), "width": (512, True), "height": (256, True), "cfg": (None, False),
    }  # fmt: skip


def test_memory_finds_by_prompt_then_by_signature_and_forgets_the_oldest() -> None:
    memory: Memory[str] = Memory(limit=3)
    memory.add("first", "3", None, PROMPT, "seen")
    memory.add("first", "3", 1, PROMPT, "in a list")
    sampler, loader, decoder = (signature(PROMPT, key) for key in "318")
    assert memory.find("first", "3", "") == {0: ["seen"], 1: ["in a list"]}
    assert memory.find("second", "3", sampler) == {0: ["seen"], 1: ["in a list"]}
    assert memory.find("second", "8", decoder) == {}
    memory.add("second", "3", 0, PROMPT, "anew")
    assert memory.find("third", "3", sampler) == {0: ["anew"]}
    for number in range(3):
        memory.add(f"later {number}", "1", 0, PROMPT, "other")
    assert memory.find("third", "3", sampler) == {}
    assert memory.find("third", "1", loader) == {0: ["other"]}


def test_nodes_made_at_run_time_belong_to_the_one_that_made_them() -> None:
    assert owner("12.0.0.3", {"12": {}}) == "12"
    assert owner("101:7.0.0.3", {"101:7": {}}) == "101:7"
    assert owner("v1.5", {"v1.5": {}}) == "v1.5"
    assert owner("gone.0", {}) == "gone.0"
