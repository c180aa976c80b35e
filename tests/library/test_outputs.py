"""What a command writes never takes the place of what it reads."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from goodseed.banks import write_bank
from goodseed.cli import run
from tests.library.bank_maker import make_test_bank

COMMANDS = {
    "inspect": ["inspect", "a.png", "--workflow", "OUT"],
    "diff, html": ["diff", "a.png", "b.png", "--html", "OUT"],
    "diff, markdown": ["diff", "a.png", "b.png", "--markdown", "OUT"],
    "scan": ["scan", "a.png", "--mask", "b.png", "--overlay", "OUT"],
    "report": ["report", "bank.safetensors", "--out", "OUT", "--no-pictures"],
    "report of a folder": ["report", ".", "--out", "OUT", "--no-pictures"],
}
READ = {"inspect": ["a.png"], "report": ["bank.safetensors"], "report of a folder": ["bank.safetensors"]}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_that_is_read_is_not_written_over(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for picture in ("a.png", "b.png"):
        Image.new("RGB", (16, 16), "white").save(picture)
    write_bank(make_test_bank(), tmp_path / "bank.safetensors")
    Path("elsewhere").mkdir()
    for read in READ.get(name, ["a.png", "b.png"]):
        before = Path(read).read_bytes()
        other = Path("elsewhere", read)
        os.link(read, other)
        for out in (read, str(tmp_path / read), str(other)):
            assert run([out if part == "OUT" else part for part in COMMANDS[name]] + ["--json"]) == 2
            error = json.loads(capsys.readouterr().out)["error"]
            assert error == f"{out}: is read, and would be lost if it were written; name another file"
        assert Path(read).read_bytes() == before
