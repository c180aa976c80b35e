"""Studies: the same plan gives the same bank, whoever computes it and however often it stops."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from goodseed.errors import OutputError, PromptError, StudyError
from goodseed.prompts import PromptSet
from goodseed.study.ledger import scan
from goodseed.study.lock import locked
from goodseed.study.plan import Plan, make_plan
from goodseed.study.runner import Running, run_study
from tests.library.fake_model import FakeGenerator, FakeJudge, make_study

FAKE = "tests.library.fake_model:make"
SELECTION = PromptSet(("a", "b", "c"), "CC0-1.0")
HELD_OUT = PromptSet(("d", "e", "f"), "CC0-1.0")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """70 seeds (two blocks, the second of 6) × 3 + 3 prompts: 12 shards."""
    return make_plan(FAKE, range(70), SELECTION, HELD_OUT)


@pytest.fixture(scope="module")
def uninterrupted(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> str:
    return run_study(tmp_path_factory.mktemp("whole"), plan, Running(workers=0)).bank_id


def test_the_plan_covers_each_cell_once(plan: Plan) -> None:
    cells = [
        (shard.prompt_set, seed, prompt) for shard in plan.shards() for seed in shard.seeds for prompt in shard.prompts
    ]
    assert len(plan.shards()) == 12
    assert len(set(cells)) == len(cells) == plan.images == 70 * 6


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.long), 2])
def test_the_number_of_workers_does_not_change_the_bank(
    workers: int, plan: Plan, uninterrupted: str, tmp_path: Path
) -> None:
    assert run_study(tmp_path, plan, Running(workers=workers)).bank_id == uninterrupted


def test_a_finished_study_computes_nothing_again(plan: Plan, uninterrupted: str, tmp_path: Path, monkeypatch) -> None:
    run_study(tmp_path / "study", plan, Running(workers=0))
    monkeypatch.setenv("GOODSEED_FAKE_LOG", str(tmp_path / "log"))
    result = run_study(tmp_path / "study", plan, Running(workers=2))
    assert (result.computed, result.bank_id) == (0, uninterrupted)
    assert not (tmp_path / "log").exists()


def test_the_random_states_of_the_process_stay_as_they_were(tmp_path: Path) -> None:
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    threads = torch.get_num_threads()
    rude = make_plan("tests.library.fake_model:make_rude", range(4), SELECTION, HELD_OUT)
    run_study(tmp_path, rude, Running(workers=0))
    assert random.getstate() == before[0]
    np.testing.assert_equal(np.random.get_state(), before[1])
    assert torch.equal(torch.get_rng_state(), before[2])
    assert torch.get_num_threads() == threads


def test_a_failing_generator_is_one_line_and_what_was_finished_stays(
    plan: Plan, uninterrupted: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("GOODSEED_FAKE_FAIL", "69")
    with pytest.raises(StudyError, match=r"failed on seeds 64 to 69 \(RuntimeError: seed 69 was told to fail\)"):
        run_study(tmp_path, plan, Running(workers=1))
    monkeypatch.delenv("GOODSEED_FAKE_FAIL")
    done = sum(shard.images for shard in scan(tmp_path, plan).done)
    assert done == 64
    result = run_study(tmp_path, plan, Running(workers=0))
    assert (result.computed, result.bank_id) == (plan.images - done, uninterrupted)


def test_a_worker_that_is_killed_is_one_line(plan: Plan, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("GOODSEED_FAKE_KILL", "3")
    with pytest.raises(StudyError, match=r"a worker ended with code -9.*it continues"):
        run_study(tmp_path, plan, Running(workers=1))


class StopAfter:
    """A progress that does something once two shards are safe."""

    def __init__(self, action) -> None:
        self.action, self.shards = action, 0

    def started(self, images: int, done: int, damaged: dict[str, str]) -> None:
        pass

    def advanced(self, images: int) -> None:
        self.shards += 1
        if self.shards == 2:
            self.action()

    def said(self, line: str) -> None:
        pass

    def summing_up(self) -> None:
        pass


def test_a_disk_that_gets_full_is_one_line_and_loses_nothing(plan: Plan, uninterrupted: str, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    fill = StopAfter(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1])))
    try:
        with pytest.raises(
            OutputError, match=r"\.parquet: cannot be written \(.*\); check the folder and the free space"
        ):
            run_study(tmp_path, plan, Running(workers=0, progress=fill))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.rglob("*.tmp"))
    assert len(scan(tmp_path, plan).done) == 2
    assert run_study(tmp_path, plan, Running(workers=0)).bank_id == uninterrupted


def test_ctrl_c_leaves_a_study_that_continues(plan: Plan, uninterrupted: str, tmp_path: Path) -> None:
    def press() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(tmp_path, plan, Running(workers=1, progress=StopAfter(press)))
    with locked(tmp_path):
        pass  # the lock was given back
    assert run_study(tmp_path, plan, Running(workers=0)).bank_id == uninterrupted


def test_another_seed_list_prompt_or_generator_on_the_same_folder_is_named(plan: Plan, tmp_path: Path) -> None:
    run_study(tmp_path, plan, Running(workers=0))
    other_prompts = PromptSet(("a", "b", "z"), "CC0-1.0")
    for other, named in (
        (make_plan(FAKE, range(8), SELECTION, HELD_OUT), 'other settings: seeds (was "0-69", now "0-7");'),
        (make_plan(FAKE, range(70), other_prompts, HELD_OUT), 'prompts.selection.texts[2] (was "c", now "z");'),
        (
            make_plan("tests.library.fake_model:make_rude", range(70), SELECTION, HELD_OUT),
            "other settings: generator (was",
        ),
    ):
        with pytest.raises(StudyError) as error:
            run_study(tmp_path, other, Running(workers=0))
        assert named in str(error.value)


def test_a_study_that_has_computed_nothing_yet_may_be_changed(plan: Plan, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("GOODSEED_FAKE_FAIL", "0")
    with pytest.raises(StudyError, match="seed 0 was told to fail"):
        run_study(tmp_path, plan, Running(workers=0))
    other = make_plan(FAKE, range(1, 5), SELECTION, HELD_OUT)
    assert run_study(tmp_path, other, Running(workers=0)).seeds == 4


@pytest.mark.parametrize(
    ("seeds", "selection", "held_out", "message"),
    [
        ([1], SELECTION, HELD_OUT, "seeds: 1 cannot be compared"),
        ([1, 2, 1], SELECTION, HELD_OUT, "seed 1 is named twice"),
        ([1, 2], PromptSet(("a",)), HELD_OUT, "1 to select on are too few"),
        ([1, 2], SELECTION, PromptSet(("b", "x")), "'b' stands in both sets"),
    ],
)
def test_a_study_that_could_say_nothing_is_refused(seeds, selection, held_out, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        make_plan(FAKE, seeds, selection, held_out)


@pytest.mark.parametrize("name", ["demos", "no.such.module:make", "tests.library.fake_model:nothing", "os;rm:x"])
def test_an_unknown_generator_is_one_line(name: str) -> None:
    with pytest.raises(StudyError, match="generator: "):
        make_plan(name, [0, 1], SELECTION, HELD_OUT)


class PickyJudge(FakeJudge):
    def check_prompt(self, prompt):
        if prompt == "f":
            raise PromptError("prompt 'f': is not to this judge's taste")


def make_picky():
    return FakeGenerator(), PickyJudge()


def test_a_prompt_that_the_judge_cannot_use_is_refused_before_anything_is_made() -> None:
    with pytest.raises(PromptError, match="taste"):
        make_plan(f"{__name__}:make_picky", [0, 1], SELECTION, HELD_OUT)


class OddJudge(FakeJudge):
    def measure(self, images, prompt):
        measured = super().measure(images, prompt)
        measured.metrics["more"] = measured.metrics["score"]
        return measured


class NanJudge(FakeJudge):
    def measure(self, images, prompt):
        measured = super().measure(images, prompt)
        measured.metrics["score"][0] = np.nan
        return measured


def make_odd():
    return FakeGenerator(), OddJudge()


def make_nan():
    return FakeGenerator(), NanJudge()


@pytest.mark.parametrize(("maker", "message"), [("make_odd", "differ in metric.more"), ("make_nan", "holds a NaN")])
def test_a_judge_that_breaks_its_word_is_named(maker: str, message: str, tmp_path: Path) -> None:
    plan = make_plan(f"{__name__}:{maker}", range(4), SELECTION, HELD_OUT)
    with pytest.raises(StudyError, match=message):
        run_study(tmp_path, plan, Running(workers=0))


def test_a_small_study_of_the_helper_is_whole(tmp_path: Path) -> None:
    folder = make_study(tmp_path, seeds=3, prompts=2)
    assert sorted(os.listdir(folder)) == ["lock", "shards", "study.json", "study.safetensors"]
