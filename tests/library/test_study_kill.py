"""Studies killed with SIGKILL: nothing is lost, nothing finished is computed again, no worker stays behind."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from goodseed.prompts import read_prompts
from goodseed.study.ledger import scan
from goodseed.study.plan import Plan, make_plan, read_plan
from goodseed.study.runner import Running, run_study

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")

ROOT = Path(__file__).parents[2]
FAKE = "tests.library.fake_model:make"
PATIENCE = 900
"""Seconds after which a process that does not do what it should counts as hung."""


def start(folder: Path, prompts: Path, held_out: Path, workers: int = 2, **environment: str) -> subprocess.Popen[bytes]:
    arguments = ["--seeds", "0-63", "--prompts", prompts, "--held-out", held_out, "--out", folder, "--workers", workers]
    return subprocess.Popen(
        [sys.executable, "-m", "goodseed.cli", "study", "--generator", FAKE, *map(str, arguments), "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell that starts the tests in the background has them ignore Ctrl-C, and they would hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.01)


def is_alive(process: int) -> bool:
    """A process that nobody has reaped yet (a zombie) is dead."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")


@pytest.fixture
def prompt_files(tmp_path: Path) -> tuple[Path, Path]:
    files = tmp_path / "selection.txt", tmp_path / "held-out.txt"
    for file in files:
        file.write_text("\n".join(f"{file.stem} {index}" for index in range(4)))
    return files


def finished_cells(folder: Path, plan: Plan) -> set[tuple[str, str]]:
    return {
        (str(seed), hashlib.sha256(prompt.encode()).hexdigest())
        for shard in scan(folder, plan).done
        for seed in shard.seeds
        for prompt in shard.prompts
    }


def test_killed_twice_and_continued_gives_the_same_bank_and_computes_no_finished_cell_again(
    tmp_path: Path, prompt_files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    selection, held_out = map(read_prompts, prompt_files)
    plan = make_plan(FAKE, range(64), selection, held_out)
    assert len(plan.shards()) == 8
    uninterrupted = run_study(tmp_path / "whole", plan, Running(workers=0)).bank_id
    folder, log = tmp_path / "killed", tmp_path / "log"
    environment = {"GOODSEED_FAKE_LOG": str(log), "GOODSEED_FAKE_DELAY": "0.002"}
    moments = random.Random(3)

    for wanted in (1, 4):
        began_with = finished_cells(folder, plan) if folder.exists() else set()
        lines = len(log.read_text().splitlines()) if log.exists() else 0
        process = start(folder, *prompt_files, **environment)
        until(lambda wanted=wanted: len(list(folder.rglob("*.parquet"))) >= wanted, f"{wanted} shards")
        time.sleep(moments.random() * 0.1)
        process.kill()
        process.communicate()
        computed = [tuple(line.split("\t")) for line in log.read_text().splitlines()[lines:]]
        assert computed, "the run did some work before it was killed"
        assert not began_with.intersection(computed)
    assert read_plan(folder).key == plan.key

    began_with = finished_cells(folder, plan)
    until(lambda: not _grows(log), "workers of the killed study have ended")
    lines = len(log.read_text().splitlines())
    monkeypatch.setenv("GOODSEED_FAKE_LOG", str(log))
    result = run_study(folder, plan, Running(workers=0))
    computed = [tuple(line.split("\t")) for line in log.read_text().splitlines()[lines:]]
    assert 0 < len(began_with) < plan.images
    assert not began_with.intersection(computed)
    assert len(computed) == len(set(computed)) == plan.images - len(began_with) == result.computed
    assert result.bank_id == uninterrupted


def _grows(log: Path) -> bool:
    size = log.stat().st_size
    time.sleep(0.2)
    return log.stat().st_size != size


@pytest.mark.long
def test_workers_die_with_their_parent_and_a_second_study_on_the_folder_is_refused(
    tmp_path: Path, prompt_files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from goodseed.cli import run

    pids, folder = tmp_path / "pids", tmp_path / "study"
    process = start(folder, *prompt_files, GOODSEED_FAKE_PIDS=str(pids), GOODSEED_FAKE_DELAY="1000")
    try:
        until(lambda: pids.exists() and len(pids.read_text().split()) == 3, "the plan and two workers")
        files = ["--prompts", str(prompt_files[0]), "--held-out", str(prompt_files[1])]
        code = run(["study", "--generator", FAKE, "--seeds", "0-63", *files, "--out", str(folder)])
        assert code == 2
        captured = " ".join(capsys.readouterr().err.split())
        assert captured.startswith("error:")
        assert "another study runs in this folder" in captured
        workers = [int(pid) for pid in pids.read_text().split() if int(pid) not in (process.pid, os.getpid())]
        assert len(workers) == 2
        assert all(map(is_alive, workers))
    finally:
        process.kill()
        process.communicate()
    until(lambda: not any(map(is_alive, workers)), "workers that sleep in the generator have died")


def test_ctrl_c_in_the_command_says_that_it_can_be_continued(tmp_path: Path, prompt_files: tuple[Path, Path]) -> None:
    folder = tmp_path / "study"
    process = start(folder, *prompt_files, workers=1, GOODSEED_FAKE_STALL="100")
    until(lambda: len(list(folder.rglob("*.parquet"))) >= 1, "a shard")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert b"stopped; the same command continues the study" in out
    assert b"Traceback" not in err
