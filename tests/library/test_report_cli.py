"""`goodseed report`: from a bank or a study's folder to a file; a mistake is one line and exit 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from goodseed.banks import read_bank, write_bank
from goodseed.cli import run
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


def test_a_demo_is_run_as_the_bank_was_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A demo of other steps, guidance or precision makes other pictures, and would show none of the bank's."""
    study = ["study", "--seeds", "0-3", "--prompts", str(tmp_path / "p.txt"), "--out", str(tmp_path / "s"), "--json"]
    (tmp_path / "p.txt").write_text("red circle\nblue square\ngreen star\nred star\n")
    how = ["--steps", "1", "--cfg", "1", "--dtype", "bfloat16", "--workers", "0", "--metrics", "traits"]
    assert run([*study, *how]) == 0
    capsys.readouterr()
    code, result = run_json(capsys, str(tmp_path / "s"), "--out", str(tmp_path / "r.html"))
    assert code == 0
    assert result["missing"] is None
    assert result["pictures"] > 0


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
