"""The Ray engine: the bank is that of the local engine, whatever dies, and nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from goodseed.cli import run
from goodseed.errors import GoodSeedError, MissingExtraError, StudyError
from goodseed.prompts import PromptSet
from goodseed.study.engines import Place, make_engine
from goodseed.study.engines.ray_cluster import Size, on_own_gpus, share_out
from goodseed.study.plan import Plan, make_plan
from goodseed.study.runner import Running, run_study
from tests.library.ray_maker import PATIENCE, ROOT, RayCluster, cluster, cluster_folder, free_port, left_of, processes

FAKE, PLACED = "tests.library.fake_model:make", "tests.library.fake_places:make"
SELECTION, HELD_OUT = PromptSet(("a", "b", "c"), "CC0-1.0"), PromptSet(("d", "e", "f"), "CC0-1.0")

with_ray = pytest.mark.skipif(find_spec("ray") is None or not Path("/proc").is_dir(), reason="needs Ray, and /proc")


class Heard:
    """A progress that keeps what is said, and does something once the first shard is safe."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.lines: list[str] = []
        self._then = [then]

    def started(self, images: int, done: int, damaged: dict[str, str]) -> None:
        pass

    def advanced(self, images: int) -> None:
        while self._then:
            self._then.pop()()

    def said(self, line: str) -> None:
        self.lines.append(line)

    def summing_up(self) -> None:
        pass


@pytest.fixture(scope="module")
def plan() -> Plan:
    """256 seeds × 6 prompts in 24 shards of 64."""
    return make_plan(FAKE, range(256), SELECTION, HELD_OUT)


@pytest.fixture(scope="module")
def uninterrupted(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> str:
    return run_study(tmp_path_factory.mktemp("whole"), plan, Running(workers=0)).bank_id


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {PATIENCE:g} s"
        time.sleep(0.05)


def numbers(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def workers(file: Path) -> list[int]:
    """Return the ids that a file names besides this process's, which makes a generator to sum up."""
    return [number for number in numbers(file) if number != os.getpid()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "slurm"], "engine: 'slurm' is unknown; use local, ray"),
        (["--address", "127.0.0.1:6379"], "use it with --engine ray"),
        (["--engine", "ray", "--workers", "0"], "--workers 0 means this process"),
        (["--engine", "ray", "--address", "http://127.0.0.1:8265"], "use HOST:6379 on a machine of the cluster"),
        (["--engine", "ray", "--address", "127.0.0.1"], "use HOST:6379 on a machine of the cluster"),
        (["--engine", "ray", "--address", "127.0.0.1:1", "--generator", FAKE], "no cluster answers there"),
    ],
)
def test_what_cannot_be_an_engine_is_one_line(
    options: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if find_spec("ray") is None and "ray" in options:
        pytest.skip("needs Ray")
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a\nb\nc\nd\n")
    arguments = ["--seeds", "0-3", "--prompts", str(prompts), "--out", str(tmp_path / "study"), *options]
    assert run(["study", *arguments, "--json"]) == 2
    out = capsys.readouterr().out
    assert message in json.loads(out)["error"]
    assert out.count("\n") == 1


def test_without_ray_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"Ray, which is not installed; pip install 'ray\[client\]'"):
        make_engine("ray")


@pytest.mark.parametrize(
    ("size", "workers", "places", "heavy", "count", "asks"),
    [
        (Size(8, 64, 2), None, 0, True, 8, {"num_cpus": 0, "num_gpus": 1}),
        (Size(8, 64, 2), 12, 0, True, 12, {"num_cpus": 0, "num_gpus": 1 / 2}),
        (Size(0, 64, 2), None, 0, False, 64, {"num_cpus": 1}),
        (Size(0, 64, 2), None, 0, True, 2, {"num_cpus": 1}),
        (Size(0, 0, 1), None, 0, False, 1, {"num_cpus": 1}),
        (Size(2, 4, 1), None, 3, False, 3, {"num_cpus": 1, "num_gpus": 0}),
        (Size(2, 4, 1), None, 3, True, 3, {"num_cpus": 1, "num_gpus": 1 / 2}),
        (Size(0, 2, 1), 1, 3, True, 3, {"num_cpus": 0, "num_gpus": 0}),
    ],
)
def test_a_cluster_gives_each_worker_a_gpu_or_a_core(
    size: Size, workers: int | None, places: int, heavy: bool, count: int, asks: dict[str, float]
) -> None:
    assert share_out(size, workers, places, heavy)[:2] == (count, asks)


@pytest.mark.parametrize(
    ("devices", "gpus", "workers", "found"),
    [
        (["cuda"], 8, None, ["cuda"] * 8),
        (["cuda"], 8, 1, ["cuda"]),
        (["cuda:0", "cuda:1"], 8, None, ["cuda", "cuda"]),
        (["cuda:1"], 8, None, ["cuda"]),
        (["cuda"], 0, None, ["cuda"]),
        (["cpu"], 8, None, ["cpu"]),
        ([], 8, None, []),
    ],
)
def test_on_a_cluster_each_worker_sees_its_own_gpu_as_the_only_one(
    devices: list[str], gpus: int, workers: int | None, found: list[str]
) -> None:
    places = on_own_gpus([Place(device, {"device": device, "folder": "f"}) for device in devices], gpus, workers)
    assert [place.settings["device"] for place in places] == found
    assert all(place.settings["folder"] == "f" for place in places)
    assert len({place.name for place in places}) == len(places)


@with_ray
def test_an_actor_killed_midway_changes_nothing_and_nothing_stays_behind(
    tmp_path: Path,
    plan: Plan,
    uninterrupted: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pids, folders = tmp_path / "pids", []
    monkeypatch.setenv("GOODSEED_FAKE_PIDS", str(pids))
    monkeypatch.setenv("GOODSEED_FAKE_DELAY", "0.01")
    token = Path.home() / ".ray" / "auth_token"
    before = dict(os.environ), token.exists()

    def kill() -> None:
        victim = workers(pids)[0]
        folders.append(cluster_folder(victim))
        os.kill(victim, signal.SIGKILL)

    heard = Heard(kill)
    result = run_study(tmp_path / "study", plan, Running(progress=heard, engine=make_engine("ray", 2)))
    assert result.bank_id == uninterrupted
    assert result.computed == plan.images
    assert len(set(workers(pids))) == len(workers(pids)) == 3  # each loads the model once: two, and one for the dead
    assert heard.lines[0] == "Ray on this machine: 2 workers, on cores"
    assert len(heard.lines) == 2
    assert "has died" in heard.lines[1]
    until(lambda: not left_of(folders[0]), "the cluster has ended")
    assert not folders[0].exists()
    assert (dict(os.environ), token.exists()) == before
    assert capfd.readouterr() == ("", "")


@with_ray
@pytest.mark.long
def test_a_shard_that_kills_its_workers_again_and_again_ends_the_study_in_one_line(
    tmp_path: Path, plan: Plan, uninterrupted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOODSEED_FAKE_KILL", "70")
    with pytest.raises(StudyError, match=r"a worker died 3 times.* at seeds 64 to 127 .*fewer --workers"):
        run_study(tmp_path, plan, Running(engine=make_engine("ray", 2)))
    monkeypatch.delenv("GOODSEED_FAKE_KILL")
    assert run_study(tmp_path, plan, Running(workers=0)).bank_id == uninterrupted


@with_ray
@pytest.mark.long
def test_places_that_go_and_come_back_or_stay_away_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOODSEED_FAKE_DELAY", "0.1")  # time enough for the next shard to come
    plan = make_plan(PLACED, range(16), SELECTION, HELD_OUT, options={"cfg": 1.0})
    log, heard = tmp_path / "log", Heard()
    places = [
        Place("steady", {"log": str(log), "until": ["restarts", 4]}),
        Place("restarts", {"log": str(log), "lose": [1, 3], "returns": True, "until": ["dies", 1]}),
        Place("dies", {"log": str(log), "lose": [2]}),
    ]
    result = run_study(tmp_path / "study", plan, Running(progress=heard, engine=make_engine("ray", None, places)))
    monkeypatch.delenv("GOODSEED_FAKE_DELAY")
    assert result.bank_id == run_study(tmp_path / "local", plan, Running(workers=0)).bank_id
    assert heard.lines.count("restarts: has gone") == heard.lines.count("restarts: is back") == 2
    assert heard.lines.count("dies: has gone") == 1
    written = log.read_text().splitlines()
    assert max(int(line.split("\t")[2]) for line in written if line.startswith("ahead\tsteady")) > 4
    assert "close\tsteady\t0" in written


@with_ray
@pytest.mark.long
def test_a_generator_that_fails_is_one_line(tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOODSEED_FAKE_FAIL", "70")
    with pytest.raises(StudyError, match=r"failed on seeds 64 to 127 \(RuntimeError: seed 70 was told to fail\)"):
        run_study(tmp_path, plan, Running(engine=make_engine("ray", 1)))


@with_ray
@pytest.mark.long
@pytest.mark.parametrize("package", ["numpy", "no_such_package"])
def test_another_version_on_a_machine_is_one_line(tmp_path: Path, plan: Plan, package: str) -> None:
    older = replace(plan, software={**plan.software, package: "0.1"})
    with pytest.raises(StudyError, match=rf"Ray's machine .*: {package} is .*, and the study is planned with 0\.1"):
        run_study(tmp_path, older, Running(engine=make_engine("ray", 1)))


def start(folder: Path, *options: str, **environment: str) -> subprocess.Popen[bytes]:
    prompts = folder.parent / "prompts.txt"
    prompts.write_text("\n".join("abcdefgh"))
    arguments = ["--seeds", "0-63", "--prompts", str(prompts), "--out", str(folder), "--engine", "ray", *options]
    return subprocess.Popen(
        [sys.executable, "-m", "goodseed.cli", "study", "--generator", FAKE, *arguments, "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def answer(process: subprocess.Popen[bytes]) -> tuple[dict[str, object], str]:
    """Return the JSON on standard output, and what was said to people."""
    out, err = process.communicate(timeout=PATIENCE)
    assert b"Traceback" not in err
    assert out.count(b"\n") == 1, out
    found: dict[str, object] = json.loads(out)
    return found, err.decode()


@with_ray
@pytest.mark.long
@pytest.mark.parametrize("how", ["Ctrl-C", "kill -9"])
def test_a_study_that_is_stopped_leaves_no_process_and_no_folder(how: str, tmp_path: Path) -> None:
    """Ctrl-C goes to the whole group of processes, as a terminal sends it."""
    pids = tmp_path / "pids"
    process = start(tmp_path / "study", "--workers", "2", GOODSEED_FAKE_PIDS=str(pids), GOODSEED_FAKE_STALL="100")
    until(lambda: len(numbers(pids)) == 3, "the plan and two workers")
    until(lambda: len(list((tmp_path / "study").rglob("*.parquet"))) >= 2, "two shards")
    folder = cluster_folder(numbers(pids)[-1])
    assert left_of(folder)
    if how == "Ctrl-C":
        os.killpg(process.pid, signal.SIGINT)
        assert "stopped; the same command continues the study" in str(answer(process)[0]["error"])
        assert process.returncode == 1
    else:
        process.kill()
        process.communicate()
    until(lambda: not left_of(folder) and not set(numbers(pids)) & set(processes()), "all processes have ended")
    until(lambda: not folder.exists(), "the folder is gone")


@pytest.fixture(scope="module")
def running() -> Iterator[RayCluster]:
    with cluster() as found:
        yield found


@with_ray
@pytest.mark.long
@pytest.mark.parametrize("through", ["address", "client", "RAY_ADDRESS"])
def test_a_cluster_with_a_token_gives_the_same_bank(through: str, running: RayCluster, tmp_path: Path) -> None:
    environment, options = {"RAY_AUTH_TOKEN": running.token}, []
    if through == "RAY_ADDRESS":
        environment["RAY_ADDRESS"] = running.address
    else:
        options = ["--address", getattr(running, through)]
    process = start(tmp_path / "study", "--name", "bank", *options, **environment)
    found, said = answer(process)
    local, _ = answer(start(tmp_path / "local", "--name", "bank", "--engine", "local"))
    assert found.get("id") == local["id"], found
    assert "2 workers, on GPUs" in said


@with_ray
@pytest.mark.long
@pytest.mark.parametrize("token", ["fedcba9876543210" * 4, ""])
def test_a_wrong_token_or_none_is_one_line(token: str, running: RayCluster, tmp_path: Path) -> None:
    process = start(tmp_path / "study", "--address", running.address, RAY_AUTH_TOKEN=token, HOME=str(tmp_path))
    assert "wants its token; set RAY_AUTH_TOKEN" in str(answer(process)[0]["error"])
    assert process.returncode == 2


@with_ray
@pytest.mark.long
def test_two_studies_on_one_machine_each_have_a_cluster_of_their_own(running: RayCluster, tmp_path: Path) -> None:
    """The second is started while the first runs, and while another cluster does."""
    both = {name: tmp_path / name for name in ("first", "second")}
    files = {name: tmp_path / f"{name}-pids" for name in both}
    (tmp_path / "prompts.txt").touch()
    studies = {
        name: start(folder, "--workers", "1", GOODSEED_FAKE_PIDS=str(files[name]), GOODSEED_FAKE_STALL="1")
        for name, folder in both.items()
    }
    try:
        until(lambda: all(len(numbers(file)) == 2 for file in files.values()), "a worker of each study")
        folders = {cluster_folder(numbers(file)[-1]) for file in files.values()}
        assert len(folders) == 2
    finally:
        for study in studies.values():
            study.send_signal(signal.SIGINT)
        for study in studies.values():
            study.communicate()


@with_ray
@pytest.mark.long
def test_what_answers_and_is_no_cluster_is_one_line(tmp_path: Path, plan: Plan) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as silent:
        engine = make_engine("ray", address=f"127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(GoodSeedError, match="gave no answer within 20 s; is it a Ray cluster's address"):
            run_study(tmp_path, plan, Running(engine=engine))
        assert time.monotonic() - began < PATIENCE
