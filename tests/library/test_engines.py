"""Engines: whoever computes the shards and whatever place is lost, the bank is the same."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from goodseed.errors import StudyError
from goodseed.prompts import PromptSet
from goodseed.study.engines import Place, make_engine
from goodseed.study.engines.local import LocalEngine
from goodseed.study.plan import Plan, differences, make_plan, read_plan
from goodseed.study.runner import Running, run_study
from tests.library.fake_model import FakeGenerator, FakeJudge

PLACED = "tests.library.fake_places:make"
SELECTION, HELD_OUT = PromptSet(("a", "b", "c"), "CC0-1.0"), PromptSet(("d", "e", "f"), "CC0-1.0")
PATIENCE = 120.0


class Heard:
    """A progress that keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def started(self, images: int, done: int, damaged: dict[str, str]) -> None:
        pass

    def advanced(self, images: int) -> None:
        pass

    def said(self, line: str) -> None:
        self.lines.append(line)

    def summing_up(self) -> None:
        pass


def plan_of(**options: Any) -> Plan:
    """16 seeds × 6 prompts in shards of 8: 12 shards of 4 calls."""
    return make_plan(PLACED, range(16), SELECTION, HELD_OUT, options={"cfg": 1.0, **options})


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of()


@pytest.fixture(scope="module")
def uninterrupted(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> str:
    return run_study(tmp_path_factory.mktemp("whole"), plan, Running(workers=0)).bank_id


def events(log: Path) -> Counter[tuple[str, str]]:
    lines = (line.split("\t") for line in log.read_text().splitlines())
    return Counter((what, place) for what, place, _ in lines)


def until(condition: Any, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what} within {PATIENCE:g} s"
        time.sleep(0.05)


def test_a_plan_without_options_keeps_the_key_that_it_always_had() -> None:
    old = Plan(
        generator="demo",
        generator_info={"model": "a"},
        judge_info={"metrics": {"fid": {"per": "seed"}}, "traits": {}, "features": {"style": {}, "composition": {}}},
        seeds=(0, 1, 5),
        selection=SELECTION,
        held_out=HELD_OUT,
        batch=16,
        seed_block=64,
        prompt_block=21,
        software={"goodseed": "0.1"},
    )
    assert old.key == "2c8e08988d5bbf73e46d3e60a3b07f9307f5e11329a296d0873c0a9712e7c987"


def test_options_are_a_part_of_the_plan(tmp_path: Path, plan: Plan) -> None:
    run_study(tmp_path, plan, Running(workers=0))
    assert read_plan(tmp_path).options == {"cfg": 1.0}
    assert read_plan(tmp_path).key == plan.key
    other = plan_of(cfg=2.0)
    assert other.key != plan.key
    assert any(line.startswith("options.cfg (was 1") for line in differences(plan, other))


def test_an_unknown_engine_and_options_for_the_demo_are_one_line() -> None:
    with pytest.raises(StudyError, match="engine: 'slurm' is unknown; use local, ray"):
        make_engine("slurm")
    with pytest.raises(StudyError, match="generator demo: has no option lora"):
        make_plan("demo", range(4), SELECTION, HELD_OUT, options={"lora": 2})


def test_a_generator_that_streams_hears_of_the_next_shard_before_the_last_is_done(
    tmp_path: Path, plan: Plan, monkeypatch
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("GOODSEED_FAKE_DELAY", "0.04")
    run_study(tmp_path / "study", plan, Running(engine=LocalEngine(places=[Place("one", {"log": str(log)})])))
    ahead = [int(line.split("\t")[2]) for line in log.read_text().splitlines() if line.startswith("ahead")]
    assert len(ahead) == 12 * 4
    assert ahead[:2] == [4, 3]  # a shard's own calls at first,
    assert max(ahead) > 4  # then, before they are done, the next shard's as well
    assert events(log)[("close", "one")] >= 1


def test_a_place_that_goes_and_comes_back_or_stays_away_changes_nothing(
    tmp_path: Path, plan: Plan, uninterrupted: str
) -> None:
    log, heard = tmp_path / "log", Heard()
    places = [
        Place("steady", {"log": str(log), "until": ["restarts", 4]}),
        Place("restarts", {"log": str(log), "lose": [1, 3], "returns": True}),
        Place("dies", {"log": str(log), "lose": [2]}),
    ]
    result = run_study(tmp_path / "study", plan, Running(progress=heard, engine=LocalEngine(places=places)))
    assert result.bank_id == uninterrupted
    assert events(log)[("lost", "restarts")] == 2
    assert events(log)[("lost", "dies")] == 1
    assert heard.lines.count("restarts: has gone") == 2
    assert heard.lines.count("restarts: is back") == 2
    assert heard.lines.count("dies: has gone") == 1


def test_a_lost_place_in_this_process_is_waited_for(tmp_path: Path, plan: Plan, uninterrupted: str) -> None:
    heard = Heard()
    engine = LocalEngine(0, [Place("here", {"lose": [2, 9], "returns": True})])
    assert run_study(tmp_path, plan, Running(progress=heard, engine=engine)).bank_id == uninterrupted
    assert heard.lines == ["here: has gone", "here: is back"] * 2


def test_when_all_places_are_lost_the_study_says_so_and_continues_later(
    tmp_path: Path, plan: Plan, uninterrupted: str
) -> None:
    engine = LocalEngine(places=[Place("one", {"lose": [5]}), Place("two", {"lose": [6]})])
    with pytest.raises(StudyError, match="no place is left to work at; mend one of them and run the same study again"):
        run_study(tmp_path, plan, Running(engine=engine))
    assert run_study(tmp_path, plan, Running(workers=0)).bank_id == uninterrupted


class LeanGenerator(FakeGenerator):
    """Says how a worker is that did not ask for torch, and how torch is that it loads after all."""

    def generate(self, prompt, seeds):
        assert "torch" not in sys.modules, "torch was loaded"
        import torch

        assert torch.get_num_threads() == 1, f"{torch.get_num_threads()} threads"
        raise RuntimeError("all is well")


def make_lean():
    return LeanGenerator(), FakeJudge()


def test_a_worker_loads_no_torch_by_itself_and_a_later_one_has_one_thread(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    plan = make_plan(f"{__name__}:make_lean", range(4), SELECTION, HELD_OUT)
    with pytest.raises(StudyError, match="all is well"):
        run_study(tmp_path, plan, Running(workers=1))


def test_a_generator_is_closed_when_the_study_is_stopped(tmp_path: Path, plan: Plan, monkeypatch) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("GOODSEED_FAKE_DELAY", "0.05")
    results = LocalEngine(places=[Place("one", {"log": str(log)})]).compute(plan, plan.shards(), lambda line: None)
    next(results)
    stopping = threading.Thread(target=results.close)
    stopping.start()
    stopping.join(PATIENCE)
    assert events(log)[("close", "one")] >= 1
