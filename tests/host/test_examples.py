"""The example workflows: the two formats agree, each runs as it is, by the server and by comfy-cli."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from goodseed.files import sha256_of
from goodseed.provenance.read import read_image
from tests.host.comfyui import ComfyUI, GraphFailed
from tests.host.workflows import to_api

FOLDER = Path(__file__).resolve().parents[2] / "example_workflows"
SAVERS = ("SaveImage", "GoodSeedProvenanceSaver", "GoodSeedReproductionCheck")
SAID = ("Measured on", "**Determinism Guard", "identical", "different", "images kept")
"""What an example's reports say."""
ONE_IMAGE = {"made_again_from_its_file", "seed_swap"}
"""Examples with one image: their last node makes one of all, or there is but one."""
PICTURE = FOLDER / "pictures" / "goodseed-example.png"
"""What the Loader's example loads."""
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
OFTEN = {"golden_seeds", "reproduce"}
"""The graphs that most users start from: run on both versions and by comfy-cli also where long tests are left out."""
READING = {"clean_inpaint"}
"""Examples that read text, with packages that ComfyUI does not bring; test_inpaint.py runs them where those are."""


def test_there_are_examples() -> None:
    assert len(NAMES) >= 3
    assert sorted(path.stem for path in (FOLDER / "api").glob("*.json")) == NAMES


def test_the_picture_that_comes_with_the_pack_is_of_its_demo_model(comfyui: ComfyUI, demo_weights: Path) -> None:
    """GOODSEED_UPDATE_EXAMPLES=1 makes it anew, from the example of the Guard and the saver."""
    if os.environ.get("GOODSEED_UPDATE_EXAMPLES") and comfyui.version == "newest":
        graph, workflow = (_read(FOLDER / path / "reproduce.json") for path in ("api", ""))
        graph["6"]["inputs"]["batch_size"] = 1
        next(node for node in workflow["nodes"] if node["id"] == 6)["widgets_values"][2] = 1
        (shown,) = comfyui.run(graph, {"workflow": workflow})["9"]["images"]
        shutil.copyfile(comfyui.image(shown), PICTURE)
    reading = read_image(PICTURE)
    assert reading.workflow is not None
    assert reading.record is not None
    assert reading.record["runs"]
    hashes = {model["name"]: model["sha256"]["value"] for model in reading.record["models"]}
    assert hashes == {name: sha256_of(demo_weights / name) for name in hashes}
    assert len(hashes) == 3
    assert PICTURE.stat().st_size < 100_000


@pytest.mark.parametrize("name", NAMES)
def test_both_formats_of_an_example_say_the_same(comfyui: ComfyUI, name: str) -> None:
    """GOODSEED_UPDATE_EXAMPLES=1 writes the API format anew from the other."""
    made = to_api(_read(FOLDER / f"{name}.json"), comfyui.get("/object_info"))
    path = FOLDER / "api" / f"{name}.json"
    if os.environ.get("GOODSEED_UPDATE_EXAMPLES"):
        path.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert _untitled(made) == _untitled(_read(path))


def runs() -> Iterator[Any]:
    """Each example with who queues it: the test itself, then comfy-cli, whose pictures the server then has at hand."""
    for name in sorted({*NAMES} - READING):
        rare = name not in OFTEN
        yield pytest.param(name, False, id=name, marks=[pytest.mark.long_on_oldest] * rare)
        yield pytest.param(name, True, id=f"{name} by comfy-cli", marks=[pytest.mark.long] * rare)


@pytest.mark.parametrize(("name", "by_comfy_cli"), [*runs()])
def test_an_example_runs_as_it_is(comfyui: ComfyUI, name: str, by_comfy_cli: bool, tmp_path: Path) -> None:
    if by_comfy_cli:
        check_by_comfy_cli(comfyui, name, tmp_path)
    else:
        check_example(comfyui, name)


@pytest.mark.long_on_oldest
@pytest.mark.parametrize("name", sorted(READING))
def test_an_example_that_reads_text_says_what_to_install(comfyui: ComfyUI, name: str) -> None:
    with pytest.raises(GraphFailed, match="rapidocr, which reads text in images, is missing; pip install rapidocr"):
        comfyui.run(_read(FOLDER / "api" / f"{name}.json"))
    assert "pip install rapidocr onnxruntime" in (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def check_example(comfyui: ComfyUI, name: str) -> None:
    """GOODSEED_UPDATE_EXAMPLES=1 makes the example's picture anew."""
    graph = _read(FOLDER / "api" / f"{name}.json")
    shown = comfyui.run(graph)
    savers = [number for number, node in graph.items() if node["class_type"] in SAVERS]
    images = [comfyui.image(image) for saver in savers for image in shown[saver]["images"]]
    assert (len(images) == 1) == (name in ONE_IMAGE)
    assert all(image.stat().st_size > 1000 for image in images)
    if os.environ.get("GOODSEED_UPDATE_EXAMPLES"):
        _sheet(images).save(FOLDER / f"{name}.jpg", quality=88)
    reports = [shown[number]["text"][0] for number, node in graph.items() if node["class_type"] == "PreviewAny"]
    assert all(any(words in report for words in SAID) for report in reports)


def check_by_comfy_cli(comfyui: ComfyUI, name: str, tmp_path: Path) -> None:
    """comfy-cli is given the front end's format: its conversion, written by others, must queue the same graph."""
    where = ["--workflow", str(FOLDER / f"{name}.json"), "--host", "127.0.0.1", "--port", str(comfyui.port)]
    said = comfy(tmp_path, "run", *where, "--wait", "--timeout", "300", "--json").stdout
    events = {event["type"]: event for event in map(json.loads, said.splitlines())}
    assert _untitled(events["prompt_preview"]["prompt"]) == _untitled(_read(FOLDER / "api" / f"{name}.json"))
    assert events["envelope"]["ok"]


@pytest.mark.long_on_oldest
def test_the_check_says_the_same_again_and_names_the_other_cfg(comfyui: ComfyUI) -> None:
    graph = _read(FOLDER / "api" / "reproduction_check.json")
    shown = comfyui.run(graph)
    same, other = (shown[number]["text"][0].splitlines() for number in ("17", "18"))
    assert same == ["identical", "image 0: identical"]
    assert other[0] == "different"
    assert other[2].startswith("number, KSampler “First run” / KSampler “Another cfg”: cfg: ")
    assert "is 3.0 in A and 3.5 in B" in other[2]
    assert len(other) == 3
    graph["11"]["inputs"]["steps"] = 11
    with pytest.raises(GraphFailed, match="steps"):
        comfyui.run(graph)


@pytest.mark.long_on_oldest
def test_the_picture_that_comes_with_the_pack_is_made_again(comfyui: ComfyUI) -> None:
    shown = comfyui.run(_read(FOLDER / "api" / "made_again_from_its_file.json"))
    check = next(output for output in shown.values() if "goodseed_records" in output)
    assert check["text"][0].splitlines()[0] in ("identical", "same to the eye")


@pytest.mark.parametrize("name", NAMES)
def test_an_example_has_a_picture(name: str) -> None:
    with Image.open(FOLDER / f"{name}.jpg") as picture:
        assert picture.format == "JPEG"


def test_the_server_offers_the_examples_as_templates(comfyui: ComfyUI) -> None:
    assert set(NAMES) <= set(comfyui.get("/workflow_templates")[comfyui.pack.name])


def comfy(home: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run comfy-cli, installed beside this Python, with a home of its own and without telemetry."""
    program = shutil.which("comfy", path=str(Path(sys.executable).parent)) or shutil.which("comfy")
    if program is None:
        pytest.skip("comfy-cli is not installed")
    environment = {**os.environ, "HOME": str(home), "DO_NOT_TRACK": "1", "NO_COLOR": "1", "COMFY_NO_WATCH": "1"}
    done = subprocess.run(
        [program, "--skip-prompt", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd or home,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def _sheet(files: list[Path]) -> Image.Image:
    """Pictures side by side, at most four in a row."""
    if len(files) == 1:
        return Image.open(files[0]).convert("RGB")
    pictures = [Image.open(file).convert("RGB").resize((192, 192), Image.Resampling.LANCZOS) for file in files]
    columns = min(4, len(pictures))
    sheet = Image.new("RGB", (columns * 200 - 8, -(-len(pictures) // columns) * 200 - 8), "white")
    for place, picture in enumerate(pictures):
        sheet.paste(picture, (place % columns * 200, place // columns * 200))
    return sheet


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _untitled(graph: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {number: {key: node[key] for key in ("class_type", "inputs")} for number, node in graph.items()}
