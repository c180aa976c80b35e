"""No space left: one line says where, what was written stays, and the same command goes on when there is space."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from goodseed.banks import read_bank
from goodseed.cli import run
from goodseed.errors import OutputError
from goodseed.study.ledger import scan
from goodseed.study.plan import Plan, read_plan
from goodseed.study.runner import Running, run_study
from tests.library.fake_model import make_study

FAKE = "tests.library.fake_model:make"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 70 seeds × 3 + 3 prompts: 12 shards, 300 kB."""
    return make_study(tmp_path_factory.mktemp("whole"), seeds=70, prompts=3)


@pytest.fixture
def plan(finished: Path) -> Plan:
    return read_plan(finished)


@pytest.fixture
def full_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Make the disk full once so many files have been written whole; None: there is space again."""
    keep = os.fsync

    def set_left(files: int | None) -> None:
        left = [files]

        def fsync(handle: int) -> None:
            if left[0] is not None:
                if left[0] <= 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                left[0] -= 1
            keep(handle)

        monkeypatch.setattr(os, "fsync", fsync)

    return set_left


def answer(capsys: pytest.CaptureFixture[str], code: int, *arguments: object) -> dict[str, Any]:
    assert run([*map(str, arguments), "--json"]) == code
    heard = capsys.readouterr()
    assert "Traceback" not in heard.err
    (line,) = heard.out.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


# Written are: the plan, 16 shards, the bank.
@pytest.mark.parametrize(("files", "named", "kept"), [(0, "study.json", 0), (1, ".parquet", 0), (6, ".parquet", 5)])
def test_a_study_without_space_for_its_next_file_says_so_and_goes_on_with_it(
    files: int, named: str, kept: int, tmp_path: Path, full_after: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\n".join(f"prompt {index}" for index in range(8)))
    out = tmp_path / "study"
    command = ["study", "--generator", FAKE, "--seeds", "0-65", "--prompts", prompts, "--workers", 0, "--out", out]
    full_after(files)
    error = answer(capsys, 2, *command)["error"]
    assert named in error
    assert "cannot be written (No space left on device); check the folder and the free space" in error
    assert not list(tmp_path.rglob("*.tmp"))
    assert len(list(out.rglob("*.parquet"))) == kept
    full_after(None)
    images = sum(shard.images for shard in scan(out, read_plan(out)).done) if kept else 0
    result = answer(capsys, 0, *command)
    assert result["computed"] == result["images"] - images
    assert read_bank(out / "study.safetensors").id == result["id"]


def test_a_bank_that_finds_no_space_is_made_later_without_computing_anything(
    plan: Plan, finished: Path, tmp_path: Path, full_after: Any
) -> None:
    full_after(1 + len(plan.shards()))
    with pytest.raises(OutputError, match=r"study\.safetensors: cannot be written \(No space left on device\)"):
        run_study(tmp_path / "study", plan, Running(workers=0))
    full_after(None)
    result = run_study(tmp_path / "study", plan, Running(workers=0))
    assert (result.computed, result.bank_id) == (0, read_bank(finished / "study.safetensors").id)


def test_a_report_that_finds_no_space_leaves_the_one_that_is_there(
    finished: Path, tmp_path: Path, full_after: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    out.write_text("an older one")
    command = ["report", finished, "--out", out, "--no-pictures"]
    full_after(0)
    error = answer(capsys, 2, *command)["error"]
    assert "report.html: cannot be written (No space left on device)" in error
    assert out.read_text() == "an older one"
    full_after(None)
    answer(capsys, 0, *command)
    assert out.read_text().startswith("<!")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 160 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(disk)]
    try:
        subprocess.run(mounted, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_on_a_disk_that_is_really_full_the_same_holds(plan: Plan, finished: Path, small_disk: Path) -> None:
    folder = small_disk / "study"
    with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\)") as caught:
        run_study(folder, plan, Running(workers=0))
    assert "\n" not in str(caught.value)
    assert not list(small_disk.rglob("*.tmp"))
    done = sum(shard.images for shard in scan(folder, plan).done)
    assert 0 < done < plan.images
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    result = run_study(folder, plan, Running(workers=0))
    assert result.computed == plan.images - done
    assert result.damaged == ()
    assert result.bank_id == read_bank(finished / "study.safetensors").id
