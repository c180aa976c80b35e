"""Claim: setting a graph to a picture's values, as the panel says, and running it gives the picture's pixels."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.host.comfyui import ComfyUI
from tests.host.forms import post
from tests.host.graphs import Graph, node, picker
from tests.host.reproduce_graphs import (
    DEMO,
    PICTURE,
    SLIM,
    custom,
    guarded,
    img2img,
    linked_prompt,
    linked_seed,
    lora,
    renumbered,
    save,
    saved_with_record,
    subgraph,
    txt2img,
    write_picture,
)
from tests.host.slim import Slim

Change = Callable[[Graph], None]


def put(key: str, **inputs: Any) -> Change:
    """Return what sets inputs of a node, as a user does who drifts from a picture."""

    def change(graph: Graph) -> None:
        assert graph[key]["inputs"].keys() >= inputs.keys()
        graph[key]["inputs"] |= inputs

    return change


def between_words(letter: str) -> Change:
    """Return what puts a character that nobody sees in the place of the first blank of the prompt."""

    def change(graph: Graph) -> None:
        inputs = graph["positive"]["inputs"]
        inputs["text"] = inputs["text"].replace(" ", letter, 1)

    return change


def another_seed_typed(graph: Graph) -> None:
    graph["sampled"]["inputs"]["seed"] = 5
    del graph["number"]


def other_ids(graph: Graph) -> None:
    put("sampled", seed=1, cfg=2.0)(graph)
    names = {key: str(100 + number) for number, key in enumerate(graph)}
    changed = renumbered(graph, names)
    graph.clear()
    graph.update(changed)


DRIFTS: dict[str, tuple[Graph, Change, set[str]]] = {
    "another seed": (txt2img(DEMO), put("sampled", seed=43), {"sampled.seed"}),
    "cfg": (save(DEMO.start() | {"sampled": DEMO.sampler(cfg=8)}, "sampled"), put("sampled", cfg=7.5), {"sampled.cfg"}),
    "a no-break space": (txt2img(DEMO), between_words("\u00a0"), {"positive.text"}),
    "a zero-width space": (txt2img(SLIM), between_words("\u200b"), {"positive.text"}),
    "sampler and scheduler": (
        txt2img(DEMO),
        put("sampled", sampler_name="dpmpp_2m", scheduler="normal"),
        {"sampled.sampler_name", "sampled.scheduler"},
    ),
    "steps and denoise": (
        img2img(DEMO), put("sampled", steps=3, denoise=0.9), {"sampled.steps", "sampled.denoise"}
    ),
    "the input picture": (img2img(DEMO), put("picture", image="other.png"), {"picture.image"}),
    "a size": (txt2img(DEMO), put("latent", width=64, height=192), {"latent.width", "latent.height"}),
    "a LoRA's weight": (lora(SLIM), put("lora", strength_model=0.3), {"lora.strength_model"}),
    "a seed in a primitive": (linked_seed(DEMO), put("number", value=7), {"number.value"}),
    "a seed typed instead": (linked_seed(DEMO), another_seed_typed, {"sampled.seed"}),
    "a text put together": (linked_prompt(DEMO), put("joined", string_b="in the sun"), {"joined.string_b"}),
    "custom sampling": (
        custom(DEMO), put("noise", noise_seed=12), {"noise.noise_seed"}
    ),
    "a subgraph": (subgraph(DEMO), put("101:103:4", seed=44), {"101:103:4.seed"}),
    "other ids": (txt2img(DEMO), other_ids, {"104.seed", "104.cfg"}),
}  # fmt: skip
WITHOUT_EFFECT = ("a no-break space",)
"""The tokenizers at hand take it for a blank; it is set all the same."""
LONG = ("a size", "custom sampling", "a text put together", "a seed typed instead")


@pytest.fixture(scope="module")
def host(comfyui: ComfyUI, slim_files: Slim) -> ComfyUI:
    """The server with a slim model, a LoRA and two input pictures."""
    slim_files.link_into(comfyui.base)
    write_picture(comfyui.base / "input")
    picture = np.asarray(Image.open(comfyui.base / "input" / PICTURE))
    Image.fromarray(np.ascontiguousarray(picture[::-1, ::-1])).save(comfyui.base / "input" / "other.png")
    return comfyui


def run(host: ComfyUI, graph: Graph) -> dict[str, Any]:
    """Run a graph and return the picture that its saver shows."""
    saver = next(key for key, part in graph.items() if part["class_type"] in ("SaveImage", "GoodSeedProvenanceSaver"))
    shown: dict[str, Any] = host.run(graph)[saver]["images"][0]
    return shown


def pixels(host: ComfyUI, shown: dict[str, Any]) -> str:
    return hashlib.sha256(np.asarray(Image.open(host.image(shown))).tobytes()).hexdigest()


def asked(host: ComfyUI, picture: Any, graph: Graph) -> dict[str, Any]:
    answer = post(host.port, "changes", a=picture, graph=json.dumps(graph))
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json
    return found


def applied(graph: Graph, changes: list[dict[str, Any]]) -> Graph:
    """Return the graph as the browser sets it."""
    graph = copy.deepcopy(graph)
    for change in changes:
        assert graph[change["node"]]["inputs"][change["input"]] == change["from"]
        graph[change["node"]]["inputs"][change["input"]] = change["to"]
    return graph


@pytest.mark.parametrize("saver", ["record", pytest.param("stock", marks=pytest.mark.long)])
@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] * (name in LONG)) for name in DRIFTS])
def test_setting_a_graph_to_a_pictures_values_gives_its_pixels(host: ComfyUI, name: str, saver: str) -> None:
    graph, drift, inputs = DRIFTS[name]
    graph = saved_with_record(graph) if saver == "record" else copy.deepcopy(graph)
    a = run(host, graph)
    drifted = copy.deepcopy(graph)
    drift(drifted)
    assert (pixels(host, run(host, drifted)) == pixels(host, a)) == (name in WITHOUT_EFFECT)
    found = asked(host, a, drifted)
    assert {f"{change['node']}.{change['input']}" for change in found["changes"]} == inputs
    assert found["others"] == []
    again = applied(drifted, found["changes"])
    assert pixels(host, run(host, again)) == pixels(host, a)
    assert asked(host, a, again) == {"changes": [], "others": []}


def test_a_seed_chosen_while_the_graph_ran_is_set_where_it_is_typed(host: ComfyUI) -> None:
    graph = saved_with_record(guarded(txt2img(DEMO)))
    graph["chosen"] = picker("test.safetensors", index=1)
    graph["sampled"]["inputs"]["seed"] = ["chosen", 0]
    a = run(host, graph)
    assert asked(host, a, graph) == {"changes": [], "others": []}
    typed = copy.deepcopy(graph)
    typed["sampled"]["inputs"]["seed"] = 5
    del typed["chosen"]
    found = asked(host, a, typed)
    assert [change["input"] for change in found["changes"]] == ["seed"]
    assert found["others"] == []
    assert pixels(host, run(host, applied(typed, found["changes"]))) == pixels(host, a)


def test_a_seed_that_comes_by_a_link_is_said_not_set(host: ComfyUI) -> None:
    graph = saved_with_record(txt2img(DEMO))
    a = run(host, graph)
    graph["chosen"] = picker("test.safetensors", index=1)
    graph["sampled"]["inputs"]["seed"] = ["chosen", 0]
    found = asked(host, a, graph)
    assert found["changes"] == []
    assert [other["where"] for other in found["others"]] == ["KSampler: seed"]
    assert "It comes by a link in the open graph" in found["others"][0]["why"]


def test_a_file_with_other_contents_and_one_that_is_gone_are_said(host: ComfyUI) -> None:
    folder = host.base / "input"
    (folder / "first.png").write_bytes((folder / PICTURE).read_bytes())
    (folder / "gone.png").write_bytes((folder / PICTURE).read_bytes())
    graphs = []
    for name in ("first.png", "gone.png"):
        graph = saved_with_record(img2img(DEMO))
        graph["picture"]["inputs"]["image"] = name
        graphs.append((graph, run(host, graph)))
    (folder / "first.png").write_bytes((folder / "other.png").read_bytes())
    (folder / "gone.png").unlink()
    others = [asked(host, a, graph)["others"] for graph, a in graphs]
    assert "has other contents in B" in others[0][0]["why"]
    assert "gone.png is not on this server" in others[1][0]["why"]


def test_what_no_value_mends_is_said(host: ComfyUI) -> None:
    a = run(host, saved_with_record(lora(SLIM)))
    found = asked(host, a, saved_with_record(txt2img(SLIM)))
    assert found["changes"] == []
    assert [other["cause"] for other in found["others"]] == ["adapter"]
    assert found["others"][0]["fix"].startswith("Put LoraLoader(")


def test_the_saver_that_makes_the_picture_is_the_one_that_counts(host: ComfyUI) -> None:
    graph = saved_with_record(txt2img(DEMO))
    a = run(host, graph)
    graph["sampled"]["inputs"]["seed"] = 77
    graph["aside"] = node("LoadImage", image=PICTURE)
    graph["also"] = node("SaveImage", images=["aside", 0], filename_prefix="aside")
    found = asked(host, a, graph)
    assert [change["node"] for change in found["changes"]] == ["sampled"]
    assert found["others"] == []


def test_graphs_of_no_use_are_refused_in_one_line(host: ComfyUI) -> None:
    a = run(host, saved_with_record(txt2img(DEMO)))
    deep = "[" * 200 + "]" * 200
    many, unsaved = ({str(key): node("A") for key in range(3001)}, {"1": node("KSampler")})
    damaged = ("", "{", "[]", "7", "{}", '{"1": 2}', '{"1": {"class_type": 3, "inputs": {}}}', f'{{"1": {deep}}}')
    for graph in (*damaged, json.dumps(many), json.dumps(unsaved)):
        answer = post(host.port, "changes", a=a, graph=graph)
        assert answer.status == 400
        assert answer.json["error"].startswith("graph: ")
        assert "\n" not in answer.json["error"]


def test_a_picture_that_says_nothing_has_nothing_to_set(host: ComfyUI, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "plain.png")
    found = asked(host, (tmp_path / "plain.png").read_bytes(), txt2img(DEMO))
    assert found["changes"] == []
    assert "says nothing of how it was made" in found["others"][0]["why"]
