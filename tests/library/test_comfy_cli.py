"""`goodseed study --generator comfy`: one clear line for each kind of bad input, and a study through a small server."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from goodseed.banks import read_bank
from goodseed.cli import run
from goodseed.study.plan import read_plan
from tests.library.stub_server import Stub, serving_a_graph
from tests.library.test_comfy_workflow import EDITOR, GRAPH, NO_SEED, NO_TEXT, two_samplers
from tests.library.test_study_cli import refused


@pytest.fixture
def server() -> Iterator[Stub]:
    yield from serving_a_graph()


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(GRAPH))
    return path


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.txt"
    path.write_text("a\nb\nc\nd\n")
    return path


def study(tmp_path: Path, prompts: Path, *arguments: object) -> list[str]:
    chosen = ["--seeds", "0-2", "--prompts", prompts, "--out", tmp_path / "study", "--metrics", "traits"]
    return ["study", "--generator", "comfy", *map(str, chosen), "--workers", "0", *map(str, arguments)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_study_through_a_server_without_our_pack_or_a_websocket(
    tmp_path: Path, prompts: Path, flow: Path, server: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--workflow", flow, "--server", server.url, "--queue-ahead", "1"]
    assert run([*study(tmp_path, prompts, *options), "--json"]) == 0
    captured = capsys.readouterr()
    assert "opens no websocket; its pictures pass through its temp folder" in captured.err.replace("\n", " ")
    assert "model.safetensors, soft.safetensors without knowing the content" in captured.err.replace("\n", " ")
    bank = read_bank(tmp_path / "study" / "study.safetensors")
    assert bank.id == json.loads(captured.out)["id"]
    assert bank.info["model"] == {
        "file": "model.safetensors", "sha256": "", "tensors_sha256": "", "family": "unknown",
    }  # fmt: skip
    assert [adapter["file"] for adapter in bank.info["adapters"]] == ["soft.safetensors"]
    assert bank.info["noise"]["shape"] == [4, 8, 8]
    sampling = {"sampler": "euler", "steps": 2, "cfg": 7.5, "negative_prompt": "blurry", "width": 32, "height": 32}
    assert sampling.items() <= bank.info["sampling"].items()
    assert bank.info["comfyui"]["known"] == "graph"
    seeds = [graph["3"]["inputs"]["seed"] for graph in server.queued[1:]]
    assert seeds == [0, 1, 2] * 4, "each cell once, prompt by prompt"
    assert server.url not in json.dumps(read_plan(tmp_path / "study").as_dict()), "a server is no part of the plan"


def test_a_bank_of_a_model_whose_content_was_not_known_is_never_taken_for_a_match(
    tmp_path: Path, prompts: Path, flow: Path, server: Stub
) -> None:
    from goodseed.banks.match import mismatches

    options = ["--workflow", flow, "--server", server.url, "--queue-ahead", "1"]
    assert run([*study(tmp_path, prompts, *options)]) == 0
    bank = read_bank(tmp_path / "study" / "study.safetensors")
    (sentence,) = mismatches(bank, tensors_sha256="a" * 64)
    assert "a file whose content is not known: whether it is this model cannot be checked" in sentence


def test_no_workflow_no_server_and_options_for_another_generator_are_one_line(
    tmp_path: Path, prompts: Path, flow: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "needs a workflow in API format; name it with --workflow" in refused(study(tmp_path, prompts), capsys)
    assert "no server is named" in refused(study(tmp_path, prompts, "--workflow", flow), capsys)
    demo = ["study", "--generator", "demo", "--out", str(tmp_path / "study"), "--server", "127.0.0.1:1"]
    assert "generator demo: takes no --server" in refused(demo, capsys)
    holes = ["--workflow", flow, "--server", "127.0.0.1:1", "--plan", "--rate", "1", "--inpaint"]
    assert "inpaint: this generator cannot fill holes" in refused(study(tmp_path, prompts, *holes), capsys)


def test_a_server_that_is_down_or_no_comfyui_or_named_twice_is_one_line(
    tmp_path: Path, prompts: Path, flow: Path, server: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusal(*urls: str) -> str:
        named = [part for url in urls for part in ("--server", url)]
        return refused(study(tmp_path, prompts, "--workflow", flow, *named), capsys)

    down = f"http://127.0.0.1:{free_port()}"
    assert refusal(down) == f"{down}: does not answer; start ComfyUI there, or check the address"
    assert f"{server.url} is named twice" in refusal(server.url, server.url)
    assert "is no address" in refusal("ftp://nowhere")
    secret = refusal("https://me:hunter2@gpu.example")
    assert "the address of gpu.example has a name or a password in it, which is not used" in secret
    assert "hunter2" not in secret
    answers = ((b"<html>", "did not answer"), (b"{}", "is not ComfyUI"), (404, "answers /system_stats with 404"))
    for answer, says in answers:
        server.broken = {"/system_stats": answer}
        assert says in refusal(server.url)
        assert says in refusal(down, server.url), "and so beside a server that is down"


def test_a_workflow_and_prompts_that_cannot_be_used_are_one_line(
    tmp_path: Path, prompts: Path, flow: Path, server: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--workflow", flow, "--server", server.url]
    unfit = (
        (EDITOR, "is a workflow in the editor's format; save it with 'Export (API)' in ComfyUI's menu"),
        (NO_SEED, "no seed input was found"),
        (NO_TEXT, "no prompt input was found"),
        (two_samplers(), "has 2 samplers (3 (KSampler), 11 (KSampler)); say with --seed-input"),
    )
    for graph, says in unfit:
        flow.write_text(json.dumps(graph))
        error = refused(study(tmp_path, prompts, *at), capsys)
        assert error.startswith("flow.json: ")
        assert says in error
    flow.write_text(json.dumps(GRAPH))
    prompts.write_text("a\nb\na\nc\n")
    assert "line 3: the prompt already stands on line 1" in refused(study(tmp_path, prompts, *at), capsys)
    assert not server.queued


def test_two_pictures_for_a_seed_and_mixed_resolutions_are_one_line(
    tmp_path: Path, prompts: Path, flow: Path, server: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.library.stub_server import picture

    at = ["--workflow", flow, "--server", server.url, "--queue-ahead", "1"]
    server.pictures = [picture(1), picture(2)]
    assert "gave 2 pictures for one seed" in refused(study(tmp_path, prompts, *at), capsys)
    server.pictures = None
    server.paint = lambda graph: [picture(3, 32 if len(server.queued) < 4 else 48)]  # type: ignore[method-assign]
    says = "gave 48×48 where the study has 32×32; a study has one resolution"
    assert says in refused(study(tmp_path, prompts, *at), capsys)


def test_a_second_server_with_another_model_behind_the_same_name_is_one_line(
    tmp_path: Path, prompts: Path, flow: Path, server: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.library.stub_server import picture

    at = ["--workflow", flow, "--server", server.url, "--queue-ahead", "1"]
    for other in serving_a_graph():
        other.pictures = [picture(9)]
        error = refused(study(tmp_path, prompts, *at, "--server", other.url), capsys)
        assert error.startswith(f"{other.url}: gives another picture of the same seed than {server.url}")
        other.pictures, other.broken = None, {"/prompt": 500}
        assert run(study(tmp_path, prompts, *at, "--server", other.url)) == 0
        said = capsys.readouterr().err.replace("\n", " ")
        assert f"{other.url}: answers /prompt with 500" in said
        assert "the study begins without it" in said


def test_the_server_that_has_the_pack_describes_the_bank_in_whatever_order_they_are_named(
    tmp_path: Path, prompts: Path, flow: Path, server: Stub
) -> None:
    from goodseed.noise import NoiseSpec, initial_noise
    from goodseed.provenance.fingerprint import fingerprint
    from goodseed.provenance.stock import record_of_graph

    noise = fingerprint(initial_noise(0, NoiseSpec((4, 8, 8)))[None])
    record = {**(record_of_graph(GRAPH) or {}), "runs": [{"node": "3", "stages": {"initial_noise": noise}}]}
    at = ["--workflow", flow, "--server", server.url, "--queue-ahead", "1"]
    for other in serving_a_graph():
        other.nodes["GoodSeedReproductionCheck"] = {"input": {"required": {}}, "output_node": True}
        other.records = [json.dumps(record)]
        assert run(study(tmp_path, prompts, *at, "--server", other.url)) == 0
    assert read_bank(tmp_path / "study" / "study.safetensors").info["comfyui"]["known"] == "observed"
