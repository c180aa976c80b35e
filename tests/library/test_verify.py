"""Claims of `goodseed verify` against a server that does what each test says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodseed import cli
from goodseed.errors import GoodSeedError, ServerError, StoppedError, VerifyError
from goodseed.provenance.verify.client import Server
from goodseed.provenance.verify.rerun import FRESH
from goodseed.provenance.verify.run import Settings, verify
from goodseed.provenance.verify.verdict import Verification
from tests.library.stub_server import Stub, no_messages, picture, pixels, png, serving

Graph = dict[str, dict[str, Any]]


def graph(seed: Any = 7) -> Graph:
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
        "2": {"class_type": "KSampler", "inputs": {"model": ["1", 0], "seed": seed, "cfg": 4.0}},
        "3": {"class_type": "VAEDecode", "inputs": {"samples": ["2", 0]}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "../../x"}},
    }


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving(Stub()) as running:
        yield running


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return saved(tmp_path, graph())


def saved(folder: Path, prompt: Any, array: Any = None) -> Path:
    path = folder / "saved.png"
    path.write_bytes(png(pixels(7) if array is None else array, prompt))
    return path


def run(image: Path, stub: Stub, **settings: Any) -> Verification:
    return verify(image, Server(stub.url, 2, listen=no_messages), Settings(**settings), lambda what, done, total: None)


def test_the_same_pixels_are_identical(stub: Stub, image: Path) -> None:
    answer = run(image, stub)
    assert (answer.verdict, answer.causes, answer.good) == ("identical", [], True)


def test_the_queued_graph_saves_nothing_and_starts_afresh_each_time(stub: Stub, image: Path) -> None:
    run(image, stub, repeat=2)
    first, second = stub.queued
    assert {node["class_type"] for node in first.values()} == {
        "CheckpointLoaderSimple", "KSampler", "VAEDecode", "PreviewImage",
    }  # fmt: skip
    assert first["1"]["inputs"][FRESH] != second["1"]["inputs"][FRESH]
    assert all(FRESH not in first[key]["inputs"] for key in ("2", "3", "4"))


def test_our_node_shows_the_pictures_where_the_server_has_it(stub: Stub, image: Path) -> None:
    stub.nodes["GoodSeedReproductionCheck"] = stub.nodes["PreviewImage"]
    assert run(image, stub).verdict == "identical"
    assert stub.queued[0]["4"]["class_type"] == "GoodSeedReproductionCheck"


@pytest.mark.parametrize(("change", "verdict"), [(1, "same-to-the-eye"), (30, "different")])
def test_other_pixels_are_measured(stub: Stub, image: Path, change: int, verdict: str) -> None:
    stub.pictures = [picture(7, change=change)]
    answer = run(image, stub)
    assert (answer.verdict, answer.good) == (verdict, False)
    assert answer.as_dict()["difference"]["max"] == change
    assert answer.causes[0]["cause"] == "host"
    assert "does not say" in answer.causes[0]["why"]


def test_a_picture_of_another_size_is_different(stub: Stub, image: Path) -> None:
    stub.pictures = [picture(7, size=64)]
    answer = run(image, stub)
    assert (answer.verdict, answer.as_dict()["difference"]) == ("different", None)


def test_runs_that_differ_among_themselves_blame_the_arithmetic(stub: Stub, image: Path) -> None:
    painted = iter([[picture(7)], [picture(7)], [picture(7, change=1)], [picture(7, change=1)]])
    stub.paint = lambda graph: next(painted)  # type: ignore[method-assign]
    answer = run(image, stub, repeat=2)
    assert (answer.verdict, answer.repeatable) == ("same-to-the-eye", False)
    assert answer.causes[0]["cause"] == "numerics"


def test_the_closest_of_a_batch_counts_where_the_item_is_not_known(stub: Stub, image: Path) -> None:
    stub.pictures = [picture(1), picture(2), picture(7)]
    answer = run(image, stub)
    assert (answer.verdict, answer.runs[0].index) == ("identical", 2)


def test_a_picture_that_nothing_changes_is_no_reproduction(stub: Stub, image: Path) -> None:
    stub.pictures = [picture(7)]
    answer = run(image, stub, perturb=True)
    assert (answer.verdict, answer.computed, answer.good) == ("identical", False, False)
    assert [found["input"] for found in answer.perturbed or ()] == ["seed", "cfg"]


def test_a_picture_that_follows_the_seed_is_one(stub: Stub, image: Path) -> None:
    answer = run(image, stub, perturb=True)
    assert (answer.computed, answer.good) == (True, True)
    assert answer.perturbed == [{"node": "2", "input": "seed", "from": 7, "to": 8, "changed": True}]


@pytest.mark.parametrize("cached", [["3"], ["1", "2", "3"]])
def test_a_cached_picture_is_refused(stub: Stub, image: Path, cached: list[str]) -> None:
    stub.cached = cached
    with pytest.raises(ServerError, match="cached picture"):
        run(image, stub)


def test_a_server_that_is_down(image: Path) -> None:
    with serving(Stub()) as gone:
        pass
    with pytest.raises(ServerError, match="does not answer"):
        run(image, gone)


BAD_SERVERS: dict[str, tuple[dict[str, Any], str]] = {
    "another program": ({"broken": {"/system_stats": b"<html>"}}, "did not answer /system_stats as ComfyUI does"),
    "another json": ({"broken": {"/system_stats": b"[]"}}, "is not ComfyUI"),
    "forbidden": ({"broken": {"/system_stats": 403}}, "403"),
    "failing": ({"broken": {"/prompt": 500}}, "500"),
    "slow": ({"broken": {"/object_info": 3.0}}, "within 2 s"),
    "cut short": ({"broken": {"/history": b'{"a<cut>'}}, "broke off|did not answer"),
    "no id": ({"broken": {"/prompt": b"{}"}}, "did not queue"),
    "no queue": ({"forgets": True, "broken": {"/queue": b"[1]"}}, "no queue"),
    "lost": ({"forgets": True}, "lost the run"),
    "no picture": ({"pictures": []}, "showed no picture"),
    "bad picture": ({"pictures": [b"\x89PNG\r\n\x1a\nrubbish"]}, "png"),
    "cut picture": ({"pictures": [picture(7)[:900]]}, "png"),
    "odd history": ({"broken": {"/history": b'{"run-1": {"status": {"status_str": "success"}}}'}}, "showed no picture"),
    "cancelled": ({"status": "error", "messages": [["execution_interrupted", {}]]}, "cancelled"),
    "failed": (
        {
            "status": "error",
            "messages": [
                ["execution_error", {"node_type": "KSampler", "node_id": "2", "exception_message": "boom\nat line 3"}]
            ],
        },
        r"KSampler \(node 2\) failed: boom at line 3",
    ),
    "no word": ({"status": "error"}, "did not say why"),
    "no model": (
        {
            "refusal": {
                "error": {"type": "prompt_outputs_failed_validation", "message": "…"},
                "node_errors": {
                    "1": {
                        "errors": [
                            {
                                "type": "value_not_in_list",
                                "message": "Value not in list",
                                "extra_info": {"input_name": "ckpt_name", "received_value": "a.safetensors"},
                            }
                        ]
                    }
                },
            }
        },
        r"it has no 'a.safetensors' for ckpt_name",
    ),
    "odd refusal": ({"refusal": {"error": ["x"], "node_errors": [3]}}, "refused the graph"),
}


@pytest.mark.parametrize("name", BAD_SERVERS)
def test_a_bad_server_is_one_clear_line(stub: Stub, image: Path, name: str) -> None:
    fields, complaint = BAD_SERVERS[name]
    for field, value in fields.items():
        setattr(stub, field, value)
    with pytest.raises(GoodSeedError, match=complaint) as caught:
        run(image, stub)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_node_that_the_server_lacks_is_named(stub: Stub, image: Path) -> None:
    del stub.nodes["KSampler"]
    with pytest.raises(ServerError, match="lacks the node KSampler"):
        run(image, stub)
    assert stub.queued == []


def test_a_busy_server_is_waited_for_and_then_left(stub: Stub, image: Path) -> None:
    stub.waits = ("other", "run-1")
    told: list[str] = []
    with pytest.raises(ServerError, match="not done within 1"):
        verify(
            image, Server(stub.url), Settings(limit=1.0), lambda what, done, total: told.append(what)
        )  # fmt: skip
    assert "waiting for 1 other run" in told
    assert ("/queue", {"delete": ["run-1"]}) in stub.asked
    assert ("/interrupt", {"prompt_id": "run-1"}) in stub.asked


def test_a_user_who_stops_takes_the_run_off_the_queue(stub: Stub, image: Path) -> None:
    stub.waits = ("run-1",)

    def stop(what: str, done: float, total: float) -> None:
        raise KeyboardInterrupt

    stub.waits = ("other", "run-1")
    with pytest.raises(KeyboardInterrupt):
        verify(image, Server(stub.url), Settings(), stop)
    assert ("/queue", {"delete": ["run-1"]}) in stub.asked


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "http://", "http://a b", "http://x:99999", "http://x?y=1", "x\n:1", "http://[::1"]
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ServerError, match="is no address"):
        Server(url)


@pytest.mark.parametrize("url", ["localhost:8188", "http://localhost:8188/", "https://host/comfy/", "[::1]:8188"])
def test_an_address_as_people_write_it(url: str) -> None:
    assert Server(url).url.startswith("http")
    assert not Server(url).url.endswith("/")


BAD_GRAPHS: dict[str, tuple[Any, str]] = {
    "cycle": (
        {**graph(), "2": {"class_type": "KSampler", "inputs": {"model": ["3", 0], "seed": 1}}},
        "depends on itself",
    ),
    "missing node": (
        {key: node for key, node in graph().items() if key != "2"},
        "comes from node '2', which is not in it",
    ),
    "no saver": ({key: node for key, node in graph().items() if key != "4"}, "holds no graph|saves no picture"),
    "no class": ({**graph(), "3": {"inputs": {}}}, "no class_type"),
    "no node": ({**graph(), "3": 3}, "no class_type"),
}


@pytest.mark.parametrize("name", BAD_GRAPHS)
def test_a_broken_graph_is_one_clear_line(stub: Stub, tmp_path: Path, name: str) -> None:
    prompt, complaint = BAD_GRAPHS[name]
    with pytest.raises(VerifyError, match=complaint) as caught:
        run(saved(tmp_path, prompt), stub)
    assert "\n" not in str(caught.value)


def test_an_image_without_a_graph(stub: Stub, tmp_path: Path) -> None:
    with pytest.raises(VerifyError, match="holds no graph"):
        run(saved(tmp_path, None), stub)


def test_the_command_prints_json_and_leaves_with_the_verdict(
    stub: Stub, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["verify", str(image), "--server", stub.url, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["causes"]) == ("identical", [])
    stub.pictures = [picture(8)]
    assert cli.run(["verify", str(image), "--server", stub.url, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"] == "different"
    assert {"cause", "where", "a", "b", "why", "fix"} <= said["causes"][0].keys()
    assert cli.run(["verify", str(image), "--server", "nowhere.invalid:1", "--json"]) == 2
    assert json.loads(capsys.readouterr().out).keys() == {"error"}


def test_people_see_verdict_distance_cause_and_fix(stub: Stub, image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stub.pictures = [picture(7, change=1)]
    assert cli.run(["verify", str(image), "--server", stub.url, "--perturb"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "same to the eye: largest difference 1 of 255" in captured.err
    assert "seed of node 2 from 7 to 8 the picture stays" in captured.err


def test_input_pictures_are_sent_where_the_server_lacks_them(stub: Stub, tmp_path: Path) -> None:
    prompt = graph()
    prompt["5"] = {"class_type": "LoadImage", "inputs": {"image": "sub/cat.png"}}
    prompt["2"]["inputs"]["model"] = ["5", 0]
    stub.nodes["LoadImage"] = {"input": {"required": {"image": [["x"]]}}, "output_node": False}
    stub.broken["/view"] = 404
    image = saved(tmp_path, prompt)
    with pytest.raises(VerifyError, match=r"has no 'cat[.]png'"):
        run(image, stub, inputs=tmp_path)
    (tmp_path / "cat.png").write_bytes(picture(3))
    stub.broken["/upload/image"] = b'{"name": "cat.png", "subfolder": "sub", "type": "input"}'
    with pytest.raises(ServerError):  # /view is still broken when the result is fetched
        run(image, stub, inputs=tmp_path)
    sent = next(body for path, body in stub.asked if path == "/upload/image")
    assert picture(3) in sent
    assert b'name="subfolder"\r\n\r\nsub\r\n' in sent


def test_pixels_are_what_counts_not_the_file(stub: Stub, tmp_path: Path) -> None:
    path = tmp_path / "palette.png"
    flat = np.zeros((16, 16, 3), dtype=np.uint8)
    path.write_bytes(png(flat, graph()))
    stub.pictures = [png(flat)]
    assert run(path, stub).verdict == "identical"


def test_bytes_are_verified_as_the_file_is_and_named_as_they_are_called(stub: Stub, image: Path) -> None:
    settings, server = Settings(), Server(stub.url, patience=2)
    answer = verify(image.read_bytes(), server, settings, lambda what, done, total: None)
    assert (answer.verdict, answer.causes) == ("identical", [])
    with pytest.raises(GoodSeedError, match=r"^sent\.png: "):
        verify(b"no image", server, settings, lambda what, done, total: None, "sent.png")


def test_a_run_that_is_told_to_stop_stops_and_leaves_the_queue(stub: Stub, image: Path) -> None:
    stub.waits = ("run-1",)
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 2

    server = Server(stub.url, patience=2, stopped=stopped)
    with pytest.raises(StoppedError):
        verify(image, server, Settings(), lambda what, done, total: None)
    assert ("/interrupt", {"prompt_id": "run-1"}) in stub.asked
