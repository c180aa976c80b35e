"""What a bank says of a workflow, from one run of it: the noise above all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from goodseed.errors import StudyError
from goodseed.noise import NoiseSpec, initial_noise
from goodseed.provenance.fingerprint import fingerprint
from goodseed.provenance.stock import record_of_graph
from goodseed.study.comfy.info import Probe, check_alike, info_of
from goodseed.study.comfy.workflow import SHOW, Choices, Workflow, read_workflow
from tests.library.stub_server import pixels
from tests.library.test_comfy_workflow import GRAPH, two_samplers


def flow_of(tmp_path: Path, graph: Any, choices: Choices | None = None) -> Workflow:
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(graph))
    return read_workflow(path, choices)


def seen(flow: Workflow, noises: dict[str, Any], whole: bool = False) -> Probe:
    """Return a run on a server with our pack, whose samplers began with these noises."""
    graph = flow.filled("a", 0, "GoodSeedReproductionCheck")
    runs = []
    for key, noise in noises.items():
        items = None if whole else {"initial_noise": [fingerprint(noise)]}
        runs.append({"node": key, "item_stages": items, "stages": {"initial_noise": fingerprint(noise[None])}})
    record = {**(record_of_graph(graph, SHOW) or {}), "runs": runs}
    return Probe(graph, record, "0.33.0", pixels(0))


@pytest.mark.parametrize("shape", [(4, 8, 8), (16, 1, 8, 8), (128, 4, 4)])
@pytest.mark.parametrize("whole", [False, True])
def test_the_observed_noise_has_the_shape_that_the_model_samples_in(
    tmp_path: Path, shape: tuple[int, ...], whole: bool
) -> None:
    """Qwen-Image and Wan sample pictures as videos of one frame."""
    flow = flow_of(tmp_path, GRAPH)
    noise = info_of(flow, seen(flow, {"3": initial_noise(0, NoiseSpec(shape))}, whole))["noise"]
    assert noise["shape"] == list(shape)


def test_noise_that_is_not_the_seeds_own_is_refused(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, GRAPH)
    with pytest.raises(StudyError, match="seed 0 gives other initial noise than ComfyUI's own draw"):
        info_of(flow, seen(flow, {"3": initial_noise(1, NoiseSpec((4, 8, 8)))}))


def test_of_two_passes_with_the_seed_the_first_one_is_the_banks(tmp_path: Path) -> None:
    """Its noise is what the seed begins with; a second pass works on a larger latent, or adds none."""
    graph = two_samplers()
    graph["11"]["inputs"]["denoise"] = 0.4
    flow = flow_of(tmp_path, graph, Choices(seed=["3.seed", "11.seed"]))
    first, second = (initial_noise(0, NoiseSpec((4, size, size))) for size in (8, 16))
    info = info_of(flow, seen(flow, {"3": first, "11": second}))
    assert (info["noise"]["shape"], info["sampling"]["denoise"]) == ([4, 8, 8], 1.0)


def test_servers_that_make_another_picture_of_a_seed_are_refused(tmp_path: Path) -> None:
    """A file of the same name may be another model's; cards that round differently stay well below."""
    flow = flow_of(tmp_path, GRAPH)
    first = seen(flow, {"3": initial_noise(0, NoiseSpec((4, 8, 8)))})
    urls = ("http://a:8188", "http://b:8188")
    check_alike(first, first, urls)
    check_alike(first, replace(first, picture=pixels(0) // 2 * 2), urls)
    with pytest.raises(StudyError, match=r"^http://b:8188: gives another picture of the same seed than http://a:8188"):
        check_alike(first, replace(first, picture=pixels(1)), urls)
    with pytest.raises(StudyError, match="a study has one resolution"):
        check_alike(first, replace(first, picture=pixels(0, 16)), urls)


def test_servers_whose_model_files_differ_are_refused(tmp_path: Path) -> None:
    """However alike the pictures: where the pack is on both, the contents are known."""
    flow = flow_of(tmp_path, GRAPH)
    first = seen(flow, {"3": initial_noise(0, NoiseSpec((4, 8, 8)))})

    def with_tensors(sha256: str | None) -> Probe:
        assert first.record is not None
        models = [{**model, "tensors_sha256": {"value": sha256}} for model in first.record["models"]]
        return replace(first, record={**first.record, "models": models})

    check_alike(with_tensors("a" * 64), with_tensors("a" * 64), ("a", "b"))
    check_alike(with_tensors("a" * 64), with_tensors(None), ("a", "b"))
    with pytest.raises(StudyError, match=r"^b: its \S+.safetensors has another content than at a; put the same file"):
        check_alike(with_tensors("a" * 64), with_tensors("b" * 64), ("a", "b"))
