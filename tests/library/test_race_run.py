"""Races in a folder: the same plan gives the same bank, and no seed that has left is measured."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from goodseed.banks import Bank, check_bank, pick, read_bank
from goodseed.cli import run
from goodseed.errors import StudyError
from goodseed.prompts import PromptSet
from goodseed.study.plan import Plan, make_plan
from goodseed.study.race_plan import RacePlan, make_race
from goodseed.study.race_rules import SPEND
from goodseed.study.race_run import run_race
from goodseed.study.runner import Running, run_study

FAKE = "tests.library.fake_model:make"
SEEDS, TOP = 48, 6


@pytest.fixture(scope="module")
def plan() -> Plan:
    sets = (PromptSet(tuple(f"{name} {i}" for i in range(count))) for name, count in (("one", 32), ("two", 10)))
    return make_plan(FAKE, range(100, 100 + SEEDS), *sets)


@pytest.fixture(scope="module")
def raced(plan: Plan) -> RacePlan:
    return make_race(plan, top=TOP)


@pytest.fixture(scope="module")
def folder(raced: RacePlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("race")
    run_race(folder, raced, Running(workers=0), name="race")
    return folder


@pytest.fixture(scope="module")
def bank(folder: Path) -> Bank:
    return read_bank(folder / "race.safetensors")


def test_the_bank_says_that_it_was_a_race_and_what_it_cost(bank: Bank, folder: Path, raced: RacePlan) -> None:
    design = bank.info["design"]
    assert check_bank(folder / "race.safetensors") == []
    assert design["kind"] == "racing"
    assert (design["metric"], design["top"], len(design["accepted"])) == ("score", TOP, TOP)
    assert design["images_exhaustive"] == SEEDS * 42
    assert design["images"] < 0.8 * SEEDS * 42
    assert [part["prompts"] for part in design["rounds"]] == [4, 6, 9, 14, 21, 32][: len(design["rounds"])]
    assert (design["rule"], design["spend"]) == ("gain", SPEND)
    assert design["rounds"][-1]["accepted"] == TOP
    assert design["rounds"][-1]["rejected"] == SEEDS - TOP
    assert bank.info["prompts"]["selection"]["order"] == "by SHA-256"


def test_scores_rest_on_as_many_images_as_a_seed_met_and_set_metrics_on_the_same_prompts(bank: Bank) -> None:
    n = bank.metric("score", part="n")
    assert len(set(n.tolist())) > 1
    assert n.min() == 4
    for held_out, expected in ((False, 4), (True, 3)):
        assert set(bank.metric("fid", held_out, "n").tolist()) == {expected}
    design = bank.info["design"]
    finalists = {*design["accepted"], *design["held_out"]["compared"]}
    assert {seed: int(n) for seed, n in zip(bank.seeds, bank.metric("score", True, "n"), strict=True)} == {
        seed: 10 if seed in finalists else 3 for seed in bank.seeds
    }
    assert bank.tensors["feature.composition"].shape == (SEEDS, 4 * 3)
    assert bank.tensors["heldout.feature.composition"].shape == (SEEDS, 3 * 3)


def test_the_images_counted_are_those_that_were_made_and_no_seed_is_made_after_it_left(
    raced: RacePlan, bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOODSEED_FAKE_LOG", str(tmp_path / "log"))
    result = run_race(tmp_path / "race", raced, Running(workers=0))
    made = Counter(line.split("\t")[0] for line in (tmp_path / "log").read_text().splitlines())
    assert sum(made.values()) == result.images == result.computed == bank.info["design"]["images"]
    expected = (
        bank.metric("score", part="n").astype(np.int64) + bank.metric("score", held_out=True, part="n")
    ).tolist()
    assert [made[str(seed)] for seed in bank.seeds] == expected


@pytest.mark.long
def test_workers_do_not_change_the_bank(raced: RacePlan, bank: Bank, tmp_path: Path) -> None:
    assert run_race(tmp_path, raced, Running(workers=1)).bank_id == bank.id  # a process for each round


class StopAfter:
    """A progress that stops the race once so many shards are safe."""

    def __init__(self, shards: int) -> None:
        self.left = shards

    def started(self, images: int, done: int, damaged: dict[str, str]) -> None:
        pass

    def advanced(self, images: int) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def said(self, line: str) -> None:
        pass

    def summing_up(self) -> None:
        pass


def test_stopped_in_every_round_and_continued_gives_the_same_bank_and_computes_no_cell_twice(
    raced: RacePlan, bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOODSEED_FAKE_LOG", str(tmp_path / "log"))
    stops = 0
    while True:
        try:
            result = run_race(tmp_path / "race", raced, Running(workers=0, progress=StopAfter(4)))
        except KeyboardInterrupt:
            stops += 1
        else:
            break
    assert stops >= 4
    assert result.bank_id == bank.id
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == len(set(lines)) == result.images


def test_a_race_finds_the_seeds_that_the_whole_study_finds(plan: Plan, bank: Bank, tmp_path: Path) -> None:
    """The fake's seeds differ much: nearly all accepted ones are the whole study's best."""
    whole = read_bank(run_study(tmp_path, plan, Running(workers=0)).bank)
    best = set(pick(whole, "score", TOP).seeds)
    assert len(best & set(bank.info["design"]["accepted"])) >= TOP - 1
    assert len(best & set(pick(bank, "score", TOP).seeds)) >= TOP - 1
    gain = bank.info["reliability"]["golden_gain"]["score"]["score"]
    assert gain["low"] > 0
    exhaustive = whole.info["reliability"]["golden_gain"]["score"]["score"]
    assert gain["low"] < exhaustive["high"]
    assert exhaustive["low"] < gain["high"]


def test_a_race_by_intervals_is_what_races_were_before_there_were_rules(plan: Plan, tmp_path: Path) -> None:
    """Its plan says nothing of a rule, so that one begun earlier goes on and has the id that it would have had."""
    older = make_race(plan, top=TOP, rule="interval")
    settings = {"metric": "score", "top": TOP, "start": 8, "z": 1.96, "order": "by SHA-256"}
    assert older.as_dict()["race"] == settings
    design = read_bank(run_race(tmp_path, older, Running(workers=0)).bank).info["design"]
    assert [part["prompts"] for part in design["rounds"]] == [8, 16, 32][: len(design["rounds"])]
    assert design["z"] == 1.96
    assert "rule" not in design
    with pytest.raises(StudyError, match="holds a race with other settings: "):
        run_race(tmp_path, make_race(plan, top=TOP), Running(workers=0))


def test_a_folder_holds_a_race_or_a_study_and_the_same_one(
    plan: Plan, raced: RacePlan, folder: Path, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(StudyError, match="holds a race; go on with --racing"):
        run_study(folder, plan, Running(workers=0))
    with pytest.raises(StudyError, match=r"other settings: race\.top \(was 6, now 7\)"):
        run_race(folder, make_race(plan, top=TOP + 1), Running(workers=0))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    small = make_plan(FAKE, range(2), PromptSet(("a", "b")), PromptSet(("c", "d")))
    run_study(tmp_path, small, Running(workers=0))
    with pytest.raises(StudyError, match="holds a study of every seed on every prompt"):
        run_race(tmp_path, raced, Running(workers=0))


@pytest.mark.parametrize(
    ("metric", "top", "message"),
    [
        ("fid", 5, "'fid' is no metric of single images; the judge has score"),
        ("", 0, "top 0: no race among 48 seeds"),
        ("", 48, "top 48: no race"),
    ],
)
def test_a_race_that_cannot_be_run_is_one_line(plan: Plan, metric: str, top: int, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        make_race(plan, metric, top)
    with pytest.raises(StudyError, match="rule 'luck' is unknown; use gain or interval"):
        make_race(plan, rule="luck")


def test_too_few_prompts_to_race_are_one_line() -> None:
    small = make_plan(FAKE, range(4), PromptSet(("a", "b")), PromptSet(("c", "d")))
    with pytest.raises(StudyError, match="2 prompts to select on are too few to race; give at least 8"):
        make_race(small)


def test_the_command_races_and_a_report_can_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("\n".join(f"prompt {i}" for i in range(24)))
    out = tmp_path / "race"
    arguments = ["study", "--generator", FAKE, "--seeds", "0-31", "--prompts", str(file), "--out", str(out)]
    assert run([*arguments, "--workers", "0", "--racing", "--top", "4", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["racing"]["top"] == 4
    assert answer["images"] < 32 * 24
    assert run(["report", str(out), "--out", str(tmp_path / "report.html"), "--generator", FAKE]) == 0
    assert "a race for the best 4 seeds by score" in (tmp_path / "report.html").read_text()
    assert run(["bank", "show", answer["bank"]]) == 0
    assert "racing" in capsys.readouterr().err
