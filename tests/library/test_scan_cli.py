"""`goodseed scan`: one image, several, folders; exit 0 clean, 1 text, 2 one line for a mistake."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from goodseed.cli import run
from goodseed.inpaint import engines
from tests.library.ink_maker import HOLE, finds_ink, mask_of, picture


@pytest.fixture(autouse=True)
def known_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is an interface: here one whose answers are known."""
    monkeypatch.setattr(engines, "_made", lambda name: finds_ink())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    Image.fromarray(picture((50, 60, 100, 80))).save(tmp_path / "images" / "b.png")
    Image.fromarray(picture((150, 10, 190, 30))).save(tmp_path / "images" / "a.png")
    (tmp_path / "images" / "notes.txt").write_text("no image")
    Image.fromarray((mask_of(HOLE) * 255).astype(np.uint8)).save(tmp_path / "mask.png")
    return tmp_path


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int) -> dict[str, Any]:
    assert run(["scan", *map(str, arguments), "--json"]) == code
    out, err = capsys.readouterr()
    assert (err, out.count("\n")) == ("", 1)
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


def test_one_image_gives_its_share_and_boxes(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    where = [folder / "images" / "b.png", "--mask", folder / "mask.png"]
    found = as_json(capsys, *where, "--prompt", "a big sale", code=1)
    assert found["share"] == pytest.approx(1000 / 6400, rel=0.05)
    assert [box["text"] for box in found["boxes"]] == ["sale"]
    assert (found["mimicry"], found["clean"]) == (1.0, False)
    assert as_json(capsys, *where, "--threshold", "0.2", code=0)["clean"] is True
    assert as_json(capsys, *where, "--original", folder / "images" / "b.png", code=0)["share"] == 0
    assert as_json(capsys, *where, "--invert", code=0)["boxes"] == []
    assert as_json(capsys, folder / "images" / "b.png", code=1)["share"] == pytest.approx(1000 / 32000, rel=0.05)


def test_a_folder_gives_a_list_in_order_and_a_table(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    found = as_json(capsys, folder / "images", "--mask", folder / "mask.png", code=1)
    assert [(Path(one["image"]).name, one["clean"]) for one in found["images"]] == [("a.png", True), ("b.png", False)]
    assert run(["scan", str(folder / "images"), "--mask", str(folder / "mask.png")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "sale" in err
    assert "clean" in err


def test_the_overlay_is_a_png_of_the_image_s_size(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    out = folder / "found.png"
    where = [folder / "images" / "b.png", "--mask", folder / "mask.png", "--overlay", out]
    as_json(capsys, *where, code=1)
    with Image.open(out) as drawn:
        assert (drawn.format, drawn.size) == ("PNG", (200, 160))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.png"], "missing.png: there is no such file"),
        (["EMPTY"], "holds no image"),
        (["IMAGE", "--mask", "BLACK"], "mask: is empty"),
        (["IMAGE", "--mask", "TEXT"], "is no PNG, WebP, JPEG or AVIF image"),
        (["TEXT"], "is no PNG, WebP, JPEG or AVIF image"),
        (["IMAGE", "--threshold", "2"], "threshold 2.0: is no share"),
        (["IMAGE", "--engine", "eyes"], "engine 'eyes': is none"),
        (["FOLDER", "--overlay", "x.png"], "needs one image"),
        (["IMAGE", "--overlay", "x.jpg"], "ends with .png"),
        ([], "IMAGE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], folder: Path, arguments: list[str], message: str
) -> None:
    (folder / "empty").mkdir()
    Image.new("L", (20, 20)).save(folder / "black.png")
    places = {
        "IMAGE": folder / "images" / "b.png", "FOLDER": folder / "images", "EMPTY": folder / "empty",
        "BLACK": folder / "black.png", "TEXT": folder / "images" / "notes.txt",
    }  # fmt: skip
    found = as_json(capsys, *(places.get(argument, argument) for argument in arguments), code=2)
    assert found.keys() == {"error"}
    assert message in found["error"]


def test_a_folder_that_cannot_be_read_is_one_line(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.name != "posix":
        pytest.skip("needs POSIX rights")
    closed = folder / "images"
    if os.geteuid() == 0:  # root reads everything

        def refuse(self: Path) -> Any:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "iterdir", refuse)
    else:
        closed.chmod(0o300)
    try:
        assert "cannot be read (Permission denied)" in as_json(capsys, closed, code=2)["error"]
    finally:
        closed.chmod(0o700)
