"""`goodseed report`: from a bank or a study's folder to a file; a mistake is one line and exit 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from goodseed.banks import make_bank, read_bank, resolve_bank, write_bank
from goodseed.cli import run
from goodseed.commands.report import generator_of
from goodseed.report.pictures import why_not
from tests.library.fake_model import make_study
from tests.library.test_report import Page, a_bank

GENERATOR = "tests.library.fake_model:make"


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the command with --json; return the exit code and the one object that it printed."""
    code = run(["report", *arguments, "--json"])
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, result


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    write_bank(a_bank(), tmp_path / "banks" / "a.safetensors")
    return tmp_path / "banks" / "a.safetensors"


def test_a_study_becomes_a_report_from_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_study(tmp_path, seeds=8, prompts=4)
    out = tmp_path / "made" / "r.html"
    code, result = run_json(capsys, str(folder), "--out", str(out), "--generator", GENERATOR)
    assert code == 0
    assert result["report"] == str(out)
    assert result["missing"] is None
    (file,) = folder.glob("*.safetensors")
    assert result["bank"] == read_bank(file).id
    page = Page(out.read_text(encoding="utf-8"))
    assert len(page.images()) >= result["pictures"] > 50


@pytest.mark.parametrize("name", [None, "demo"])
def test_the_demo_makes_its_pictures_with_the_settings_of_the_study(name: str | None) -> None:
    shipped = read_bank(resolve_bank("goodseed-demo"))
    sampling = {**shipped.info["sampling"], "steps": 4, "cfg": 1.0, "dtype": "bfloat16"}
    bank = make_bank(shipped.tensors, {**shipped.info, "sampling": sampling}, "quick")
    generator, why_none = generator_of(bank, name)
    assert generator is not None, why_none
    assert why_not(bank, generator) is None


def test_a_bank_that_names_no_dtype_or_nonsense_is_reported_without_pictures(tmp_path: Path) -> None:
    shipped = read_bank(resolve_bank("goodseed-demo"))
    odd = make_bank(shipped.tensors, {**shipped.info, "sampling": {**shipped.info["sampling"], "dtype": [3]}}, "odd")
    for bank in (odd, read_bank(resolve_bank("published-sd2"))):
        generator, why_none = generator_of(bank, "demo")
        assert generator is not None, why_none
        assert why_not(bank, generator) is not None


def test_a_study_whose_bank_was_deleted_is_summed_up_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_study(tmp_path, seeds=8, prompts=4)
    (file,) = folder.glob("*.safetensors")
    known = read_bank(file).id
    file.unlink()
    assert run_json(capsys, str(folder), "--out", str(tmp_path / "r.html"), "--no-pictures")[1]["bank"] == known


def test_pngs_are_named_in_the_answer_and_there(bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, result = run_json(capsys, str(bank), "--out", str(tmp_path / "r.html"), "--png", str(tmp_path / "png"))
    assert code == 0
    assert {Path(name) for name in result["pngs"]} == set((tmp_path / "png").iterdir())


def test_an_unknown_model_gives_a_report_without_pictures_and_a_hint(
    bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", str(bank), "--out", str(tmp_path / "r.html")]) == 0
    heard = capsys.readouterr()
    assert heard.out == ""
    assert "Without pictures" in heard.err
    assert "--generator" in heard.err
    assert (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("source", "out", "said"),
    [
        ("nowhere.safetensors", "r.html", "nowhere.safetensors"),
        ("empty", "r.html", "holds no bank"),
        ("two", "r.html", "holds 2 banks (x, y)"),
        ("broken.safetensors", "r.html", "broken.safetensors"),
        ("banks/a.safetensors", "broken.safetensors/r.html", "cannot be written"),
        ("banks/a.safetensors", "empty", "cannot be written"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(
    bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, out: str, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.safetensors").write_bytes(b"\0" * 100)
    for name in ("x", "y"):
        write_bank(a_bank(), tmp_path / "two" / f"{name}.safetensors")
    code, result = run_json(capsys, str(tmp_path / source), "--out", str(tmp_path / out))
    assert code == 2
    assert said in result["error"]
    assert "\n" not in result["error"]
