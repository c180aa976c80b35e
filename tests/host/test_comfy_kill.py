"""Studies through two servers, killed at random moments: the bank is that of the uninterrupted study."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.host.comfyui import ComfyUI, find_comfyui, make_base
from tests.host.slim import make_slim
from tests.host.slim_graph import slim_graph

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL"),
]

ROOT = Path(__file__).parents[2]
PATIENCE = 900.0
SHARDS = 8
"""16 seeds × 8 prompts, 16 images in each."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[ComfyUI]]]:
    """Two servers with the slim Stable Diffusion 1.5, and a workflow for it."""
    root = find_comfyui("newest")
    if root is None:
        pytest.skip("no ComfyUI (newest)")
    folder = tmp_path_factory.mktemp("slim")
    slim, started = make_slim(folder / "models"), []
    for number in range(2):
        base = make_base(folder / f"base{number}", ROOT, "good-seed", root=root)
        slim.link_into(base)
        started.append(ComfyUI("newest", root, base).start())
    for server in started:
        server.get("/queue")
    flow = folder / "flow.json"
    flow.write_text(json.dumps(slim_graph(slim)))
    yield flow, started
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("prompts") / "prompts.txt"
    file.write_text("\n".join(f"a thing of number {index}" for index in range(8)))
    return file


def start(folder: Path, flow: Path, prompts: Path, servers: list[ComfyUI], *more: str) -> subprocess.Popen[str]:
    named = [part for server in servers for part in ("--server", f"http://127.0.0.1:{server.port}")]
    chosen = ["--seeds", "0-15", "--prompts", prompts, "--metrics", "traits", "--name", "bank", "--out", folder]
    arguments = ["--generator", "comfy", "--workflow", flow, *named, *chosen, *more, "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "goodseed.cli", "study", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return the bank's id and what was said."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, f"{out}\n{err}"
    return str(json.loads(out)["id"]), err


def until_shards(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while len(list(folder.rglob("*.parquet"))) < count:
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < end, f"{count} shards: not within {PATIENCE:g} s"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def uninterrupted(servers: tuple[Path, list[ComfyUI]], prompts: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    flow, started = servers
    folder = tmp_path_factory.mktemp("whole") / "study"
    found, _ = ended(start(folder, flow, prompts, started))
    assert len(list(folder.rglob("*.parquet"))) == SHARDS
    return found


def test_a_runner_killed_five_times_gives_the_bank_of_the_uninterrupted_study(
    servers: tuple[Path, list[ComfyUI]], prompts: Path, uninterrupted: str, tmp_path: Path
) -> None:
    flow, started = servers
    moments = random.Random(5)
    for kill in range(5):
        process = start(tmp_path / "study", flow, prompts, started)
        until_shards(tmp_path / "study", kill, process)
        time.sleep(moments.random() * 0.3)
        process.kill()
        process.communicate()
    assert ended(start(tmp_path / "study", flow, prompts, started))[0] == uninterrupted


@pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray")
def test_on_ray_each_server_has_a_worker_and_the_bank_is_the_same(
    servers: tuple[Path, list[ComfyUI]], prompts: Path, uninterrupted: str, tmp_path: Path
) -> None:
    flow, started = servers
    found, said = ended(start(tmp_path / "study", flow, prompts, started, "--engine", "ray"))
    assert found == uninterrupted
    assert "2 workers, one a place" in said


def test_a_server_killed_midway_leaves_its_images_to_the_other(
    servers: tuple[Path, list[ComfyUI]], prompts: Path, uninterrupted: str, tmp_path: Path
) -> None:
    flow, started = servers
    process = start(tmp_path / "study", flow, prompts, started)
    until_shards(tmp_path / "study", 2, process)
    started[1].process.kill()
    found, said = ended(process)
    assert found == uninterrupted
    assert "its images go to others" in said.replace("\n", " ")
