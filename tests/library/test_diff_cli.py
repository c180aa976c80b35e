"""`goodseed diff`: exit 0 same, 1 differs, 2 bad input; one JSON object, or sentences for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from goodseed.cli import run
from goodseed.provenance.embed import RECORD_KEY, Options, embed
from goodseed.provenance.embed.png import write_png
from goodseed.provenance.record import record_text
from tests.library.record_maker import observed, sample_record
from tests.library.test_diff import changed, with_graph


@pytest.fixture
def sidecars(tmp_path: Path) -> tuple[str, str]:
    for name, record in (("a", sample_record()), ("b", with_graph(changed("5", text="a red [ball]\u200b")))):
        (tmp_path / f"{name}.png.json").write_text(record_text(record), encoding="utf-8")
    return str(tmp_path / "a.png.json"), str(tmp_path / "b.png.json")


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    out, err = capsys.readouterr()
    assert err == ""
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_record_and_itself_are_the_same(capsys: pytest.CaptureFixture[str], sidecars: tuple[str, str]) -> None:
    assert run(["diff", sidecars[0], sidecars[0], "--json"]) == 0
    found = as_json(capsys)
    assert found["same"] is True
    assert found["causes"] == []
    assert run(["diff", sidecars[0], sidecars[0]]) == 0
    assert "same" in capsys.readouterr().err


def test_what_differs_has_its_cause_its_place_and_its_fix(
    capsys: pytest.CaptureFixture[str], sidecars: tuple[str, str]
) -> None:
    assert run(["diff", *sidecars, "--json"]) == 1
    found = as_json(capsys)
    assert found["same"] is False
    assert [cause["cause"] for cause in found["causes"]] == ["prompt"]
    assert {"cause", "where", "a", "b", "why", "fix"} <= found["causes"][0].keys()
    assert run(["diff", *sidecars]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    for said in ("1. prompt", "U+200B ZERO WIDTH SPACE", "fix: Paste A's text into CLIPTextEncode (5): text."):
        assert said in err


def test_bad_input_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good = tmp_path / "good.json"
    good.write_text(record_text(sample_record()), encoding="utf-8")
    newer = tmp_path / "newer.json"
    newer.write_text(record_text(sample_record(version=99)), encoding="utf-8")
    torn = tmp_path / "torn.json"
    torn.write_text(record_text(sample_record())[:500], encoding="utf-8")
    for bad in (tmp_path / "missing.png", newer, torn, tmp_path):
        assert run(["diff", str(good), str(bad), "--json"]) == 2
        assert list(as_json(capsys)) == ["error"]


def test_what_other_people_wrote_into_a_record_does_no_harm_on_a_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    nasty = "[red]\u001b[2J\u202e"
    pair = (sample_record(), sample_record(environment__torch=observed(nasty), runs__0__device=nasty, pixels=None))
    for name, record in zip("ab", pair, strict=True):
        (tmp_path / f"{name}.json").write_text(record_text(record), encoding="utf-8")
    run(["diff", str(tmp_path / "a.json"), str(tmp_path / "b.json")])
    err = capsys.readouterr().err
    assert "\u001b[2J" not in err
    assert "\u202e" not in err


def test_a_file_that_was_edited_since_it_was_saved_differs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    saved = embed(np.zeros((8, 8, 3), np.uint8), "png", sample_record(), {}, Options())
    (tmp_path / "a.png").write_bytes(saved.data)
    brushed = Image.fromarray(np.full((8, 8, 3), 9, np.uint8))
    (tmp_path / "b.png").write_bytes(write_png(brushed, {}, {RECORD_KEY: record_text(saved.record or {})}, 4))
    assert run(["diff", str(tmp_path / "a.png"), str(tmp_path / "b.png"), "--json"]) == 1
    found = as_json(capsys)
    assert (found["same"], found["image_same"]) == (False, False)
    assert [(cause["cause"], cause["where"]) for cause in found["causes"]] == [("post-process", "the file of B")]


def test_the_answer_can_be_written_as_a_page_and_as_markdown(
    capsys: pytest.CaptureFixture[str], sidecars: tuple[str, str], tmp_path: Path
) -> None:
    picture = tmp_path / "c.png"
    picture.write_bytes(embed(np.zeros((8, 8, 3), np.uint8), "png", sample_record(), {}, Options()).data)
    page, text = tmp_path / "diff.html", tmp_path / "diff.md"
    assert run(["diff", str(picture), sidecars[1], "--html", str(page), "--markdown", str(text), "--json"]) == 1
    assert "5:text" in [cause["id"] for cause in as_json(capsys)["causes"]]
    for written in (page.read_text("utf-8"), text.read_text("utf-8").replace("\\", "")):
        assert "U+200B ZERO WIDTH SPACE" in written
        assert "b.png.json" in written
    assert page.read_text("utf-8").count("data:image/") == 1  # a record alone has no picture
    assert run(["diff", *sidecars, "--html", str(tmp_path / "a.png.json" / "x.html"), "--json"]) == 2
    assert "cannot be written" in as_json(capsys)["error"]
