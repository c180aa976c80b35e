"""Studies through a running ComfyUI: the pictures are those of the workflow, and trouble on a server loses none."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodseed.cli import run
from goodseed.commands.study_comfy import prepare_comfy
from goodseed.demo.generator import DemoGenerator
from goodseed.demo.sampling import CFG, STEPS
from goodseed.errors import GoodSeedError, PlaceLostError, ServerError, StudyError
from goodseed.prompts import PromptSet
from goodseed.study.comfy.feed import Settings
from goodseed.study.comfy.generator import ComfyGenerator
from goodseed.study.comfy.workflow import Choices
from goodseed.study.engines import Place
from goodseed.study.engines.local import LocalEngine
from goodseed.study.plan import make_plan
from goodseed.study.runner import Running, run_study
from tests.host.comfyui import ComfyUI
from tests.host.graphs import Graph, demo, ksampler, node
from tests.library.test_engines import Heard

LEVELS = 2
"""How far the study's own demo model may be from the same model under ComfyUI, in levels of 0…255."""
COMFY = "tests.host.comfy_model:make"
SELECTION, HELD_OUT = PromptSet(("a red ball", "a blue box")), PromptSet(("a green tree", "a white house"))


def workflow(steps: int = STEPS, trouble: bool = False, **sampler: Any) -> Graph:
    graph = demo()
    graph["sampled"] = ksampler(0, steps=steps, **{"cfg": CFG, **sampler})
    graph["decoded"] = node("VAEDecode", samples=["sampled", 0], vae=["demo", 2])
    if trouble:
        graph["trouble"] = node("ProbeTrouble", images=["decoded", 0])
    source = "trouble" if trouble else "decoded"
    graph["saved"] = node("SaveImage", images=[source, 0], filename_prefix="study")
    return graph


def prepared(comfyui: ComfyUI, tmp_path: Path, graph: Graph, **settings: Any) -> tuple[dict[str, Any], Place]:
    """Return the generator's options, and the server as its place."""
    comfyui.get("/queue")
    file = tmp_path / "flow.json"
    file.write_text(json.dumps(graph))
    url = f"http://127.0.0.1:{comfyui.port}"
    options, places = prepare_comfy(file, [url], Choices(), Settings(**settings), "a red ball")
    return options, places[0]


def files(comfyui: ComfyUI, *folders: str) -> int:
    return sum(len(list((comfyui.base / folder).rglob("*.png"))) for folder in folders)


@pytest.fixture
def trouble(comfyui: ComfyUI) -> Iterator[Path]:
    comfyui.get("/queue")
    path = comfyui.output / "trouble.txt"
    yield path
    path.unlink(missing_ok=True)


def test_pictures_and_description_are_those_of_the_demo_generator(
    comfyui: ComfyUI, demo_weights: Path, tmp_path: Path
) -> None:
    options, place = prepared(comfyui, tmp_path, workflow())
    before = files(comfyui, "output", "temp")
    generator, own = ComfyGenerator(options, place), DemoGenerator(demo_weights)
    calls = [(prompt, (seed,)) for prompt in ("a red ball", "a blue box") for seed in (3, 2**64 - 1)]
    for number, (prompt, seeds) in enumerate(calls):
        generator.ahead(calls[number:])
        ours, theirs = own.generate(prompt, seeds), generator.generate(prompt, seeds)
        assert theirs.shape == ours.shape
        assert np.abs(theirs.astype(int) - ours.astype(int)).max() <= LEVELS
    generator.close()
    assert comfyui.get("/queue")["queue_pending"] == comfyui.get("/queue")["queue_running"] == []
    assert files(comfyui, "output", "temp") == before, "no image was stored"
    described, expected = generator.describe(), own.describe()
    assert described["comfyui"]["known"] == "observed"
    for part in ("model", "vae", "text_encoder", "adapters", "noise"):
        assert described[part] == expected[part], part
    for name in ("sampler", "scheduler", "steps", "cfg", "denoise", "negative_prompt", "width", "height"):
        assert described["sampling"][name] == expected["sampling"][name], name


def test_a_study_ends_and_keeps_images_only_when_asked(comfyui: ComfyUI, tmp_path: Path) -> None:
    options, place = prepared(comfyui, tmp_path, workflow(steps=1))
    plan = make_plan(COMFY, range(2), SELECTION, HELD_OUT, options=options)
    before = files(comfyui, "output", "temp")
    result = run_study(tmp_path / "study", plan, Running(engine=LocalEngine(places=[place])))
    assert result.images == 8
    assert files(comfyui, "output", "temp") == before
    keeping = Place("keeping", {**place.settings, "keep_images": True})
    again = run_study(tmp_path / "again", plan, Running(engine=LocalEngine(0, [keeping])))
    assert again.bank_id == result.bank_id
    assert files(comfyui, "output") >= 8


def test_memory_that_runs_out_once_is_freed_and_twice_is_reported(
    comfyui: ComfyUI, tmp_path: Path, trouble: Path
) -> None:
    options, place = prepared(comfyui, tmp_path, workflow(steps=1, trouble=True))
    generator, said = ComfyGenerator(options, place), []
    generator.say = said.append
    trouble.write_text("memory 1")
    assert generator.generate("a red ball", [1]).shape == (1, 128, 128, 3)
    assert [line.partition(": ")[2] for line in said] == [
        "ran out of memory; it unloads its models and tries once more"
    ]
    trouble.write_text("memory 9")
    with pytest.raises(PlaceLostError, match="ran out of memory twice on one image"):
        generator.generate("a red ball", [2])
    with pytest.raises(PlaceLostError, match="is given no more work"):
        generator.wait()


def test_a_server_that_hangs_is_lost_and_waited_for(comfyui: ComfyUI, tmp_path: Path, trouble: Path) -> None:
    options, place = prepared(comfyui, tmp_path, workflow(steps=1, trouble=True), stall=3.0, patience=60.0)
    generator = ComfyGenerator(options, place)
    trouble.write_text("hang")
    generator.ahead([("a red ball", (1,)), ("a red ball", (2,))])
    with pytest.raises(PlaceLostError, match="made no progress for 3 s; its images go to others"):
        generator.generate("a red ball", [1])
    assert comfyui.get("/queue")["queue_pending"] == []
    trouble.unlink()
    generator.wait()
    assert generator.generate("a red ball", [3]).shape == (1, 128, 128, 3)
    generator.close()


def test_a_queue_that_someone_clears_is_filled_again(comfyui: ComfyUI, tmp_path: Path, trouble: Path) -> None:
    options, place = prepared(comfyui, tmp_path, workflow(steps=1, trouble=True))
    generator = ComfyGenerator(options, place)
    trouble.write_text("hang")
    generator.ahead([("a red ball", (seed,)) for seed in (1, 2, 3)])
    comfyui.post("/queue", {"clear": True})
    comfyui.post("/interrupt")
    trouble.unlink()
    for seed in (1, 2, 3):
        assert generator.generate("a red ball", [seed]).shape == (1, 128, 128, 3)
    generator.close()


def test_a_node_that_fails_and_another_size_are_one_line(comfyui: ComfyUI, tmp_path: Path, trouble: Path) -> None:
    options, place = prepared(comfyui, tmp_path, workflow(steps=1, trouble=True))
    generator = ComfyGenerator(options, place)
    trouble.write_text("fail")
    with pytest.raises(StudyError, match=r"ProbeTrouble \(node trouble\) failed: no such luck"):
        generator.generate("a red ball", [1])
    trouble.write_text("size")
    with pytest.raises(StudyError, match="gave 128×64 where the study has 128×128; a study has one resolution"):
        generator.generate("a red ball", [1])
    generator.close()


def test_what_a_server_lacks_is_said_before_a_study_begins(comfyui: ComfyUI, tmp_path: Path) -> None:
    graph = workflow()
    graph["demo"] = node("CheckpointLoaderSimple", ckpt_name="nowhere.safetensors")
    with pytest.raises(ServerError, match=r"refused the graph: it has no 'nowhere\.safetensors' for ckpt_name"):
        prepared(comfyui, tmp_path, graph)
    graph["demo"] = node("NoSuchLoader")
    with pytest.raises(GoodSeedError, match="NoSuchLoader"):
        prepared(comfyui, tmp_path, graph)


def test_a_server_of_another_version_is_refused(comfyui: ComfyUI, tmp_path: Path) -> None:
    options, place = prepared(comfyui, tmp_path, workflow(steps=1))
    options["info"]["comfyui"]["version"] = "0.0.1"
    with pytest.raises(StudyError, match=r"the study 0\.0\.1; use the same, or leave it out"):
        ComfyGenerator(options, place).generate("a red ball", [1])


def test_a_server_that_comes_late_takes_part(comfyui: ComfyUI, tmp_path: Path) -> None:
    options, place = prepared(comfyui, tmp_path, workflow(steps=1))
    plan = make_plan(COMFY, range(2), SELECTION, HELD_OUT, options=options)
    heard = Heard()
    absent = Place("http://127.0.0.1:9", {**place.settings, "server": "http://127.0.0.1:9", "patience": 2.0})
    began = time.monotonic()
    result = run_study(tmp_path / "study", plan, Running(progress=heard, engine=LocalEngine(places=[absent, place])))
    assert result.images == 8
    assert any("9: does not answer" in line and "its images go to others" in line for line in heard.lines), heard.lines
    assert time.monotonic() - began < place.settings["patience"], "nobody waited for it"


def test_a_plan_runs_a_few_pictures_and_leaves_nothing_anywhere(
    comfyui: ComfyUI, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    comfyui.get("/queue")
    flow, prompts = tmp_path / "flow.json", tmp_path / "prompts.txt"
    flow.write_text(json.dumps(workflow(steps=1)))
    prompts.write_text("\n".join((*SELECTION.prompts, *HELD_OUT.prompts)))
    url = f"http://127.0.0.1:{comfyui.port}"
    command = ["study", "--generator", "comfy", "--workflow", flow, "--server", url, "--prompts", prompts]
    before = files(comfyui, "output")
    assert run([*map(str, command), "--seeds", "0-9", "--out", str(tmp_path / "study"), "--plan", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["plan"]
    assert (found["images"], found["workers"], found["rate"]) == (40, 1, {"how": "measured", "images": 3})
    assert found["images_per_second"] > 0
    assert files(comfyui, "output") == before
    assert comfyui.get("/queue")["queue_pending"] == comfyui.get("/queue")["queue_running"] == []
    assert not (tmp_path / "study").exists()
