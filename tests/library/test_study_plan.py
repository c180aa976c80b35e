"""`goodseed study --plan`: what a study would cost is what it costs, and nothing is begun."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodseed.banks import read_bank
from goodseed.cli import run
from goodseed.demo.judge import DemoJudge
from goodseed.demo.prompts import SELECTION
from goodseed.study.forecast import ASSUMED, given_rate
from goodseed.study.pilot import simulated_race
from goodseed.study.plan import make_plan
from goodseed.study.registry import default_prompts
from tests.library.stub_server import Stub, serving_a_graph
from tests.library.test_comfy_cli import free_port
from tests.library.test_comfy_workflow import GRAPH, NO_SEED

FAKE = "tests.library.fake_model:make"
SEEDS, PROMPTS = 48, 32


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(f"prompt {index}" for index in range(2 * PROMPTS)))
    return path


@pytest.fixture
def fake(prompts: Path, tmp_path: Path) -> list[str]:
    """The arguments of a study of the fake generator: 48 seeds × 32 + 32 prompts."""
    arguments = ["--generator", FAKE, "--seeds", f"0-{SEEDS - 1}", "--prompts", prompts, "--out", tmp_path / "study"]
    return ["study", *map(str, arguments), "--workers", "0"]


def said(capsys: pytest.CaptureFixture[str], code: int, *arguments: object) -> dict[str, Any]:
    capsys.readouterr()
    assert run([*map(str, arguments), "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def planned(capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: object) -> dict[str, Any]:
    before = sorted(tmp_path.rglob("*"))
    found: dict[str, Any] = said(capsys, 0, *arguments, "--plan")["plan"]
    assert sorted(tmp_path.rglob("*")) == before, "nothing is left behind"
    return found


def test_a_few_images_are_made_for_the_rate_and_none_is_kept(
    fake: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    log.touch()
    monkeypatch.setenv("GOODSEED_FAKE_LOG", str(log))
    monkeypatch.setenv("GOODSEED_FAKE_DELAY", "0.01")
    found = planned(capsys, tmp_path, *fake)
    assert len(log.read_text().splitlines()) == found["rate"]["images"] == 12
    assert (found["images"], found["seeds"], found["prompts"]) == (
        SEEDS * 64, SEEDS, {"selection": PROMPTS, "held_out": PROMPTS}
    )  # fmt: skip
    assert found["rate"]["how"] == "measured"
    assert 0 < found["images_per_second"] < 100, "an image sleeps a hundredth of a second"
    assert found["workers"] == 1
    assert found["worker_hours"] == pytest.approx(SEEDS * 64 / found["images_per_second"] / 3600)


def test_with_a_rate_nothing_is_made_and_workers_share_the_hours(
    fake: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOODSEED_FAKE_FAIL", "0")
    found = planned(capsys, tmp_path, *fake, "--workers", 4, "--rate", 2)
    assert found["rate"] == {"how": "given", "images": 0}
    assert found["worker_hours"] == pytest.approx(SEEDS * 64 / 2 / 3600)
    assert found["hours"] == pytest.approx(found["worker_hours"] / 4)
    assert found["storage"]["without"] == ["quality", "style"], "nobody has measured how wide these are"


def test_the_storage_and_the_shards_are_those_of_the_study(
    fake: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fewer = [*fake, "--seeds", "0-15"]
    storage = planned(capsys, tmp_path, *fewer)["storage"]
    said(capsys, 0, *fewer)
    shards = list((tmp_path / "study" / "shards").rglob("*.parquet"))
    assert storage["shards"] == len(shards)
    assert storage["bytes"] == pytest.approx(sum(path.stat().st_size for path in shards), rel=0.1)
    assert storage["without"] == []


def test_a_race_is_estimated_by_an_icc_that_was_measured_or_is_said_to_be_assumed(
    fake: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def estimates(*more: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = planned(capsys, tmp_path, *fake, "--rate", 1, *more)["racing"]["estimates"]
        return found

    assumed = estimates()
    assert [each["icc"] for each in assumed] == list(ASSUMED.values())
    assert all(each["how"].startswith("assumed") for each in assumed)
    share, quality = simulated_race(0.5, SEEDS, PROMPTS, 3)
    (given,) = estimates("--icc", "0.5")
    assert (given["how"], given["quality"]) == ("given", quality)
    assert share * SEEDS * PROMPTS < given["images"] < SEEDS * 2 * PROMPTS
    assert given["images"] == given["share"] * SEEDS * 2 * PROMPTS == given["worker_hours"] * 3600

    raced = said(capsys, 0, *fake, "--pilot", "--racing", "--force")
    bank = read_bank(raced["bank"])
    (of_bank,) = estimates()
    assert of_bank["how"] == "measured by study.safetensors"
    assert of_bank["icc"] == bank.info["reliability"]["icc"]["score"]["value"]
    assert estimates("--icc", raced["bank"]) == [of_bank]
    Path(raced["bank"]).unlink()
    (of_pilot,) = estimates()
    assert of_pilot["how"] == "measured by the pilot"
    assert of_pilot["icc"] == pytest.approx(raced["pilot"]["promises"]["score"]["icc"]["value"])
    assert of_pilot["images"] == pytest.approx(raced["images"], rel=0.25), "as many as the race has made"


def test_where_no_race_can_be_run_it_says_why(
    fake: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tmp_path / "few.txt"
    few.write_text("a\nb\nc\nd")
    command = [*fake, "--prompts", str(few), "--rate", "1"]
    assert "too few to race" in planned(capsys, tmp_path, *command)["racing"]["not"]
    assert "too few to race" in said(capsys, 2, *command, "--plan", "--top", 3)["error"]
    assert run([*command, "--plan"]) == 0
    assert "No race: racing: 2 prompts to select on are too few" in " ".join(capsys.readouterr().err.split())


def test_people_read_it_in_lines(fake: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*fake, "--plan", "--rate", "0.5", "--icc", "0.1"]) == 0
    heard = capsys.readouterr()
    assert heard.out == ""
    lines = heard.err.splitlines()[1:]  # after which prompts are held out
    assert lines[0] == "48 seeds × 32 + 32 prompts: 3,072 images."
    assert "0.5 images/s (as given): 1.7 h of one worker" in lines[1]
    assert "bytes a cell" in lines[2]
    assert lines[-1].startswith("  ICC 0.1 (given): ")
    assert lines[-1].endswith("of the gain.")


def test_the_demo_judges_widths_are_known_before_it_measures() -> None:
    plan = make_plan("demo", range(4), *default_prompts("demo"))
    measured = DemoJudge().measure(np.zeros((1, 128, 128, 3), np.uint8), SELECTION.prompts[0])
    rate = given_rate(plan, 1.0)
    assert rate.unknown == ()
    for name in ("quality", "style", "composition"):
        assert rate.widths[name] == getattr(measured, name).shape[1]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--rate", "1"], "rate: is for --plan"),
        (["--icc", ".1"], "icc: is for --plan"),
        (["--plan", "--rate", "0"], "rate: 0 images a second is none"),
        (["--plan", "--rate", "nan"], "rate: nan images a second is none"),
        (["--plan", "--rate", "1", "--icc", "1.5"], "icc: 1.5 is no share of a variance"),
        (["--plan", "--rate", "1", "--icc", "no.safetensors"], "no.safetensors"),
    ],
)
def test_what_makes_no_plan_is_one_line(
    more: list[str], message: str, fake: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in said(capsys, 2, *fake, *more)["error"]
    assert not (tmp_path / "study").exists()


@pytest.fixture
def server() -> Iterator[Stub]:
    yield from serving_a_graph()


@pytest.fixture
def comfy(prompts: Path, tmp_path: Path) -> list[str]:
    flow = tmp_path / "flow.json"
    flow.write_text(json.dumps(GRAPH))
    arguments = ["--workflow", flow, "--seeds", "0-9", "--prompts", prompts, "--out", tmp_path / "study"]
    return ["study", "--generator", "comfy", *map(str, arguments), "--workers", "0"]


def test_a_workflow_is_run_a_few_times_on_its_server(
    comfy: list[str], server: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = planned(capsys, tmp_path, *comfy, "--server", server.url, "--keep-images")
    assert (found["images"], found["rate"]["how"], found["rate"]["images"]) == (640, "measured", 3)
    assert len(server.queued) == 1 + 3, "once to know its size, three times to know its rate"
    assert not any(node["class_type"] == "SaveImage" for graph in server.queued for node in graph.values())
    assert found["storage"]["pictures_bytes"] == pytest.approx(640 * 32 * 32 * 1.6, rel=0.01)
    assert "metric" in found["racing"]["not"]


def test_with_a_rate_no_server_is_asked(
    comfy: list[str], server: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    found = planned(capsys, tmp_path, *comfy, "--server", server.url, "--server", gone, "--rate", 0.25)
    assert server.asked == server.queued == []
    assert (found["images"], found["workers"], found["hours"]) == (640, 2, 640 / 0.25 / 2 / 3600)
    (tmp_path / "flow.json").write_text(json.dumps(NO_SEED))
    assert "seed" in said(capsys, 2, *comfy, "--server", gone, "--plan", "--rate", 1)["error"]


def test_a_server_that_is_away_or_busy_is_one_line(
    comfy: list[str], server: Stub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    assert gone in said(capsys, 2, *comfy, "--server", server.url, "--server", gone, "--plan")["error"]
    queue = {"queue_running": [[0, "a", {}, {}, []]], "queue_pending": [[1, "b", {}, {}, []], [2, "c", {}, {}, []]]}
    server.broken["/queue"] = json.dumps(queue).encode()
    error = said(capsys, 2, *comfy, "--server", server.url, "--plan")["error"]
    assert f"{server.url}: is busy with 3 queued runs" in error
    assert "give --rate" in error
    assert server.queued == []
    assert not (tmp_path / "study").exists()
