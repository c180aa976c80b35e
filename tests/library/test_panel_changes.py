"""Setting a graph to a picture's values: what is set makes the diff say same, and what is not set is said."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.errors import GraphError
from goodseed.panel.browser import LARGEST_EXACT
from goodseed.panel.canvas import parse_graph
from goodseed.panel.changes import changes
from goodseed.panel.comparison import compare
from goodseed.provenance.record import known, unknown
from tests.library.panel_maker import Graph, graph, picture, plain, stock
from tests.library.record_maker import PROMPT, sha256

SEED = ("3", "seed", 43)
INPUTS: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("3", "seed"): st.integers(0, LARGEST_EXACT),
    ("3", "steps"): st.integers(1, 50),
    ("3", "cfg"): st.floats(0, 30),
    ("3", "sampler_name"): st.sampled_from(["euler", "heun", "dpmpp_2m"]),
    ("3", "denoise"): st.floats(0, 1),
    ("1", "ckpt_name"): st.sampled_from(["base/model.safetensors", "other.safetensors"]),
    ("2", "width"): st.integers(16, 512),
    ("5", "text"): st.text(max_size=12),
    ("6", "text"): st.text(max_size=12),
    ("7", "lora_name"): st.sampled_from(["soft.safetensors", "hard.safetensors"]),
    ("7", "strength_model"): st.floats(-2, 2),
}


def applied(prompt: Graph, found: dict[str, Any]) -> Graph:
    prompt = copy.deepcopy(prompt)
    for change in found["changes"]:
        assert prompt[change["node"]]["inputs"][change["input"]] == change["from"]
        prompt[change["node"]]["inputs"][change["input"]] = change["to"]
    return prompt


def inputs(found: dict[str, Any]) -> list[str]:
    return [f"{change['node']}.{change['input']}" for change in found["changes"]]


def renumbered(prompt: Graph) -> Graph:
    """Return the graph with its nodes in another order and under other ids."""
    names = {key: f"10{key}:7" for key in reversed(prompt)}
    moved = {}
    for key, name in names.items():
        values = prompt[key]["inputs"].items()
        moved[name] = {
            **prompt[key],
            "inputs": {k: [names[v[0]], v[1]] if isinstance(v, list) else v for k, v in values},
        }
    return moved


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({}, optional=INPUTS), st.booleans(), st.booleans())
def test_what_is_set_leaves_nothing_different(values: dict[Any, Any], renumber: bool, recorded: bool) -> None:
    drifted = graph(*((key, name, value) for (key, name), value in values.items()))
    drifted = renumbered(drifted) if renumber else drifted
    a = picture() if recorded else stock(PROMPT)
    found = changes(a, drifted)
    assert found["others"] == []
    again = applied(drifted, found)
    assert changes(a, again) == {"changes": [], "others": []}
    same = compare(stock(again), stock(PROMPT))
    assert (same["same"], same["causes"]) == (True, [])


def test_a_change_says_where_what_and_why() -> None:
    drifted = graph(SEED)
    assert changes(picture(), drifted)["changes"] == [
        {
            "node": "3", "input": "seed", "title": "KSampler", "from": 43, "to": 42, "cause": "number", "id": "3:seed",
            "why": "KSampler: seed is 42 in A and 43 in B.",
        }
    ]  # fmt: skip
    drifted["3"]["_meta"]["title"] = "<b>mine</b>"
    assert changes(picture(), drifted)["changes"][0]["title"] == "<b>mine</b>"


def test_a_change_has_the_id_of_the_cause_between_the_two_pictures() -> None:
    drifted = graph(SEED, ("5", "text", "a red\u00a0ball"), ("7", "strength_model", 0.1))
    causes = compare(picture(), stock(drifted))["causes"]
    found = changes(picture(), renumbered(drifted))
    assert {change["id"] for change in found["changes"]} == {"3:seed", "5:text", "7:strength_model"}
    assert {cause["id"] for cause in causes if cause["can_set"]} >= {change["id"] for change in found["changes"]}


def test_equal_numbers_of_another_kind_are_not_set() -> None:
    assert changes(picture(), graph(("3", "denoise", 1), ("7", "strength_clip", 1)))["changes"] == []


def test_what_a_browser_would_round_is_said_and_not_set() -> None:
    large = LARGEST_EXACT + 1
    found = changes(stock(graph(("3", "seed", large))), graph())
    assert found["changes"] == []
    assert [other["id"] for other in found["others"]] == ["3:seed"]
    assert f"cannot hold {large} exactly" in found["others"][0]["why"]
    exact = changes(stock(graph(("3", "seed", LARGEST_EXACT))), graph())
    assert exact["changes"][0]["to"] == LARGEST_EXACT


def linked(value: Any, *more: tuple[str, str]) -> Graph:
    """Return the graph with a primitive node that gives the seed, and whatever else is to be linked to it."""
    drifted = graph()
    drifted["20"] = {"class_type": "PrimitiveInt", "inputs": {"value": value, "control_after_generate": "randomize"}}
    for key, name in (("3", "seed"), *more):
        drifted[key]["inputs"][name] = ["20", 0]
    return drifted


def test_a_value_that_a_primitive_hands_on_is_set_there() -> None:
    found = changes(picture(), linked(7))
    assert inputs(found) == ["20.value"]
    assert found["others"] == []
    assert changes(picture(), applied(linked(7), found)) == {"changes": [], "others": []}


def test_a_widget_that_two_inputs_hang_on_is_not_set_to_two_values() -> None:
    shared = linked(7, ("3", "steps"))
    found = changes(picture(), shared)
    assert found["changes"] == []
    assert {other["id"] for other in found["others"]} == {"3:seed", "3:steps"}
    assert all("one widget sets two inputs" in other["why"] for other in found["others"])


def test_a_seed_by_a_link_is_said() -> None:
    drifted = graph()
    drifted["20"] = {"class_type": "GoodSeedGoldenSeedPicker", "inputs": {"bank": "x", "index": 0}}
    drifted["3"]["inputs"]["seed"] = ["20", 0]
    found = changes(picture(), drifted)
    assert found["changes"] == []
    assert [other["where"] for other in found["others"]] == ["KSampler: seed"]
    assert "comes by a link in the open graph" in found["others"][0]["why"]


def test_the_same_wiring_is_no_difference_though_a_run_was_observed() -> None:
    drifted = graph()
    drifted["20"] = {"class_type": "GoodSeedGoldenSeedPicker", "inputs": {"bank": "x", "index": 0}}
    drifted["3"]["inputs"]["seed"] = ["20", 0]
    assert changes(picture(drifted), drifted) == {"changes": [], "others": []}
    typed = graph(SEED)
    found = changes(picture(drifted), typed)  # the record saw seed 42 arrive
    assert [(change["input"], change["to"]) for change in found["changes"]] == [("seed", 42)]
    assert found["others"] == []


def test_the_browsers_own_widget_is_neither_set_nor_said() -> None:
    drifted = graph(("3", "control_after_generate", "randomize"))
    assert changes(picture(), drifted) == {"changes": [], "others": []}
    assert compare(picture(), stock(drifted, name="b.png"))["causes"] == compare(picture(), stock(graph()))["causes"]


def test_wiring_and_nodes_are_said() -> None:
    bare = graph()
    for key, name, source in (("3", "model", ["1", 0]), ("5", "clip", ["1", 1]), ("6", "clip", ["1", 1])):
        bare[key]["inputs"][name] = source
    del bare["7"]
    found = changes(picture(), bare)
    assert found["changes"] == []
    assert [(other["cause"], other["fix"][:15]) for other in found["others"]] == [("adapter", "Put LoraLoader(")]


def test_files_and_versions_are_held_against_those_of_the_server() -> None:
    a = picture(environment__comfyui=known("0.33.0", "observed"))

    def around(recipe: Any) -> dict[str, Any]:
        models = [
            {"role": "checkpoints", "name": "base/model.safetensors", "node": "1", "input": "ckpt_name",
             "sha256": known(sha256("another"), "graph"), "tensors_sha256": unknown()},
        ]  # fmt: skip
        return {"models": models, "inputs": [], "environment": {"comfyui": known("0.3.64", "observed")}}

    found = changes(a, graph(SEED), around)
    assert inputs(found) == ["3.seed"]
    said = {other["where"]: other["why"] for other in found["others"]}
    assert "the weights are not" in said["CheckpointLoaderSimple: ckpt_name"]
    assert "ComfyUI" in said
    assert said["LoraLoader: lora_name"] == "soft.safetensors is not on this server."


def test_pictures_without_a_graph_give_nothing_to_set() -> None:
    assert changes(plain(), graph()) == {
        "changes": [],
        "others": [{"where": "plain.png", "why": "It says nothing of how it was made."}],
    }


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"a": NaN}', "\ud800".encode("utf-8", "surrogatepass")])
def test_a_text_that_is_no_graph_is_one_line(text: str | bytes) -> None:
    with pytest.raises(GraphError, match=r"^graph: "):
        parse_graph(text)


def test_graphs_of_no_use_are_one_line() -> None:
    for prompt, why in (
        ({}, "no node in it saves"),
        ({"1": 3}, "no class_type"),
        ({"1": {"class_type": "A", "inputs": []}}, "no class_type or no inputs"),
        ({str(key): {"class_type": "A", "inputs": {}} for key in range(3001)}, "3001 nodes"),
    ):
        with pytest.raises(GraphError, match=why):
            changes(picture(), prompt)


def test_the_graph_that_was_given_stays_as_it_is() -> None:
    drifted = graph(SEED)
    before = json.dumps(drifted)
    changes(picture(), drifted)
    assert json.dumps(drifted) == before


def test_a_record_whose_saver_is_missing_has_nothing_to_set() -> None:
    found = changes(picture(recipe__saver="gone"), graph(SEED))
    assert found["changes"] == []
