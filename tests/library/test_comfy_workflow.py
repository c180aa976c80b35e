"""Workflows in API format: where the seed and the prompt go in, and one line for those that do not say."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from goodseed.errors import GoodSeedError, StudyError
from goodseed.study.comfy.workflow import SHOW, Choices, Workflow, read_workflow
from tests.library.record_maker import PROMPT

GRAPH: dict[str, Any] = {
    **copy.deepcopy(PROMPT),
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "ComfyUI"}},
}


def written(tmp_path: Path, graph: Any) -> Path:
    path = tmp_path / "flow.json"
    path.write_text(graph if isinstance(graph, str) else json.dumps(graph))
    return path


def changed(**nodes: Any) -> dict[str, Any]:
    """Return the graph with nodes put in, or taken out where None; n3 names node 3."""
    graph = copy.deepcopy(GRAPH)
    for name, node in nodes.items():
        key = name.removeprefix("n")
        if node is None:
            del graph[key]
        else:
            graph[key] = node
    return graph


def with_input(key: str, **inputs: Any) -> dict[str, Any]:
    graph = copy.deepcopy(GRAPH)
    graph[key]["inputs"] |= inputs
    return graph


def custom() -> dict[str, Any]:
    """SamplerCustomAdvanced with Flux's text encoder: the seed and the texts lie in other nodes than the sampler."""
    return changed(
        n3={
            "class_type": "SamplerCustomAdvanced",
            "inputs": {"noise": ["20", 0], "guider": ["21", 0], "sampler": ["22", 0], "sigmas": ["23", 0],
                       "latent_image": ["2", 0]},
        },
        n20={"class_type": "RandomNoise", "inputs": {"noise_seed": 5}},
        n21={"class_type": "BasicGuider", "inputs": {"model": ["7", 0], "conditioning": ["5", 0]}},
        n22={"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        n23={"class_type": "BasicScheduler",
             "inputs": {"model": ["7", 0], "scheduler": "simple", "steps": 2, "denoise": 1.0}},
        n5={"class_type": "CLIPTextEncodeFlux",
            "inputs": {"clip": ["7", 1], "clip_l": "a", "t5xxl": "b", "guidance": 3.5}},
    )  # fmt: skip


def test_a_plain_workflow_needs_no_hints(tmp_path: Path) -> None:
    flow = read_workflow(written(tmp_path, GRAPH))
    assert [list(map(str, places)) for places in (flow.seed, flow.prompt)] == [["3.seed"], ["5.text"]]
    assert (flow.sampler, flow.negative, flow.saver, flow.picture) == ("3", "blurry", "9", ("8", 0))
    filled = flow.filled("a blue box", 7, "SaveImageWebsocket")
    assert (filled["3"]["inputs"]["seed"], filled["5"]["inputs"]["text"]) == (7, "a blue box")
    assert filled[SHOW] == {"class_type": "SaveImageWebsocket", "inputs": {"images": ["8", 0]}}
    assert "9" not in filled
    assert flow.filled("a", 1, "")["9"]["class_type"] == "SaveImage"
    assert flow.graph["5"]["inputs"]["text"] == "a red ball", "the workflow itself stays"
    assert Workflow.from_dict(json.loads(json.dumps(flow.as_dict()))) == flow


def test_nodes_that_the_picture_does_not_need_stay_out(tmp_path: Path) -> None:
    beside = changed(n30={"class_type": "EmptyLatentImage", "inputs": {"width": 8, "height": 8, "batch_size": 4}})
    assert "30" not in read_workflow(written(tmp_path, beside)).graph


def test_the_seed_and_the_texts_of_a_custom_sampler_are_found(tmp_path: Path) -> None:
    flow = read_workflow(written(tmp_path, custom()))
    assert [str(place) for place in flow.seed] == ["20.noise_seed"]
    assert [str(place) for place in flow.prompt] == ["5.clip_l", "5.t5xxl"]
    assert flow.sampler == "3"


@pytest.mark.parametrize("zeroed", [True, False])
def test_one_encoder_for_both_roles_takes_the_prompt(tmp_path: Path, zeroed: bool) -> None:
    """As in ComfyUI's own templates for Flux, SD3.5, Qwen-Image and others that need no negative prompt."""
    graph = changed(
        n6={"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["5", 0]}},
        n50={"class_type": "FluxGuidance", "inputs": {"conditioning": ["5", 0], "guidance": 3.5}},
    )
    graph["3"]["inputs"] |= {"positive": ["50", 0], "negative": ["6" if zeroed else "5", 0]}
    flow = read_workflow(written(tmp_path, graph))
    assert ([str(place) for place in flow.prompt], flow.negative) == (["5.text"], "")
    with pytest.raises(StudyError, match="no negative prompt input was found"):
        read_workflow(written(tmp_path, graph), Choices(negative="dull"))


def test_values_that_primitives_hand_on_are_set_there(tmp_path: Path) -> None:
    graph = with_input("3", seed=["40", 0])
    graph["40"] = {"class_type": "PrimitiveInt", "inputs": {"value": 9, "control_after_generate": "fixed"}}
    graph["5"]["inputs"]["text"] = ["41", 0]
    graph["41"] = {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "a cat"}}
    flow = read_workflow(written(tmp_path, graph))
    assert (str(flow.seed[0]), str(flow.prompt[0])) == ("40.value", "41.value")


def test_an_input_with_a_dot_in_its_name_is_found_and_filled(tmp_path: Path) -> None:
    """As inputs that grow have it in ComfyUI's newer nodes."""
    graph = with_input("5", text=["41", 0])
    graph["41"] = {"class_type": "JoinStrings", "inputs": {"strings.string0": "a cat"}}
    for choices in (Choices(), Choices(prompt=["41.strings.string0"])):
        flow = Workflow.from_dict(read_workflow(written(tmp_path, graph), choices).as_dict())
        assert flow.filled("a dog", 1, "PreviewImage")["41"]["inputs"] == {"strings.string0": "a dog"}


def test_the_user_may_choose_and_may_set_the_negative_prompt(tmp_path: Path) -> None:
    choices = Choices(seed=["3.seed"], prompt=["6.text"], image="9")
    assert [str(place) for place in read_workflow(written(tmp_path, GRAPH), choices).prompt] == ["6.text"]
    flow = read_workflow(written(tmp_path, GRAPH), Choices(negative="dull"))
    assert (flow.negative, flow.graph["6"]["inputs"]["text"]) == ("dull", "dull")
    assert flow.sha256 != read_workflow(written(tmp_path, GRAPH)).sha256


def two_samplers() -> dict[str, Any]:
    second = copy.deepcopy(GRAPH["3"])
    second["inputs"]["latent_image"] = ["3", 0]
    return changed(n11=second, n8={"class_type": "VAEDecode", "inputs": {"samples": ["11", 0], "vae": ["1", 2]}})


def test_two_samplers_with_the_seed_of_both(tmp_path: Path) -> None:
    flow = read_workflow(written(tmp_path, two_samplers()), Choices(seed=["3.seed", "11.seed"]))
    filled = flow.filled("a", 77, "PreviewImage")
    assert (filled["3"]["inputs"]["seed"], filled["11"]["inputs"]["seed"]) == (77, 77)


def refined() -> dict[str, Any]:
    """The model of a second sampler reads the prompt by an encoder of its own, as SDXL's refiner does."""
    graph = two_samplers()
    graph["12"] = {"class_type": "CLIPTextEncodeSDXLRefiner", "inputs": {"clip": ["7", 1], "text": "a red ball"}}
    graph["11"]["inputs"]["positive"] = ["12", 0]
    return graph


def test_the_prompt_goes_into_each_encoder_that_is_named(tmp_path: Path) -> None:
    """Without --prompt-input the second one would paint the workflow's own prompt over every picture."""
    with pytest.raises(StudyError, match=r"several texts .*--prompt-input .*repeated\): 5.text .*, 12.text "):
        read_workflow(written(tmp_path, refined()), Choices(seed=["3.seed"]))
    flow = read_workflow(written(tmp_path, refined()), Choices(seed=["3.seed"], prompt=["5.text", "12.text"]))
    filled = flow.filled("a blue box", 1, "PreviewImage")
    assert [filled[key]["inputs"]["text"] for key in ("5", "12")] == ["a blue box"] * 2


EDITOR = {"nodes": [{"id": 3, "type": "KSampler"}], "links": [], "version": 0.4}
NO_SEED = changed(n3={"class_type": "Still", "inputs": {**GRAPH["3"]["inputs"], "seed": ["2", 0]}})
NO_TEXT = with_input("3", positive=["2", 0])
ODD_ENCODER = changed(
    n5={"class_type": "CLIPTextEncodeLumina2",
        "inputs": {"clip": ["7", 1], "system_prompt": "superior", "user_prompt": "a cat"}},
)  # fmt: skip
LOADER_OF_ALL = changed(
    n5={"class_type": "Loader",
        "inputs": {"ckpt_name": "a.ckpt", "vae": "Baked", "positive": "a cat", "negative": "bad"}},
    n3={"class_type": "KSampler", "inputs": {**GRAPH["3"]["inputs"], "positive": ["5", 0], "negative": ["5", 1]}},
)  # fmt: skip
SEVERAL_TEXTS = changed(
    n12={"class_type": "CLIPTextEncode", "inputs": {"clip": ["7", 1], "text": "at night"}},
    n13={"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["5", 0], "conditioning_2": ["12", 0]}},
    n3={"class_type": "KSampler", "inputs": {**GRAPH["3"]["inputs"], "positive": ["13", 0]}},
)
TWO_PICTURES = changed(
    n14={"class_type": "ImageInvert", "inputs": {"image": ["8", 0]}},
    n15={"class_type": "SaveImage", "inputs": {"images": ["14", 0], "filename_prefix": "b"}},
)


@pytest.mark.parametrize(
    ("graph", "choices", "says"),
    [
        ("{", Choices(), "is no JSON; save the workflow with 'Export .API.'"),
        ("[]", Choices(), "holds no workflow"),
        (EDITOR, Choices(), "is a workflow in the editor's format; save it with 'Export .API.' in ComfyUI's menu"),
        ({"3": {"inputs": {}}}, Choices(), "node '3' has no class_type or no inputs"),
        (NO_SEED, Choices(), "no seed input was found; a study needs one to change"),
        (ODD_ENCODER, Choices(), "--prompt-input: 5.system_prompt .*5.user_prompt .*, or, now the negative prompt, 6"),
        (LOADER_OF_ALL, Choices(), r"--prompt-input: 5.positive \(Loader\)$"),
        (NO_TEXT, Choices(), "no prompt input was found .*; say which it is with --prompt-input: .*6.text"),
        (SEVERAL_TEXTS, Choices(), r"several texts .* --prompt-input which to set: .*5\.text.*12\.text"),
        (two_samplers(), Choices(), r"has 2 samplers \(3 \(KSampler\), 11 \(KSampler\)\); say with .*11.seed"),
        (TWO_PICTURES, Choices(), r"several nodes save different pictures; say which one with --image-node: 9 .*15"),
        (changed(n9=None), Choices(), "no node saves a picture; add Save Image"),
        (GRAPH, Choices(image="3"), "node '3' saves no picture; say which one with --image-node: 9"),
        (GRAPH, Choices(seed=["77.seed"]), "no node of that number makes the picture; there are .*3 .KSampler"),
        (GRAPH, Choices(seed=["3.sed"]), "node 3 has no such input; it has model, seed"),
        (GRAPH, Choices(seed=["3.model"]), "comes by a link from node 7; name the input there"),
        (GRAPH, Choices(seed=["5.text"]), "is not a whole number"),
        (GRAPH, Choices(prompt=["3.steps"]), "is not a text"),
        (with_input("2", batch_size=4), Choices(), r"EmptyLatentImage \(node 2\) makes 4 pictures at a time"),
        (with_input("8", samples=["99", 0]), Choices(), "comes from node '99', which is not in it"),
        (with_input("2", width=["8", 0]), Choices(), "depends on itself"),
    ],
)  # fmt: skip
def test_one_line_says_what_is_wrong_with_a_workflow(tmp_path: Path, graph: Any, choices: Choices, says: str) -> None:
    with pytest.raises(GoodSeedError, match=says) as caught:
        read_workflow(written(tmp_path, graph), choices)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_another_graph_than_planned_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(GoodSeedError, match=r"nowhere\.json: cannot be read"):
        read_workflow(tmp_path / "nowhere.json")
    data = read_workflow(written(tmp_path, GRAPH)).as_dict()
    data["graph"]["3"]["inputs"]["cfg"] = 1.0
    with pytest.raises(GoodSeedError, match="is not the one with the sha256 in the plan"):
        Workflow.from_dict(data)
