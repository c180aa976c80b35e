"""Seals: a start reads no shard that it has sealed, and what changed on the disk is found before it is used."""

from __future__ import annotations

import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from goodseed.banks import read_bank
from goodseed.errors import DamagedShardError
from goodseed.prompts import PromptSet
from goodseed.study import ledger as ledgers
from goodseed.study.bank import build_bank
from goodseed.study.classifier import classify_study
from goodseed.study.ledger import read_ledger, scan
from goodseed.study.pilot import run_pilot
from goodseed.study.plan import MOST_SHARDS, Plan, make_plan, read_plan, write_plan
from goodseed.study.race_plan import make_race
from goodseed.study.race_run import run_race
from goodseed.study.runner import Running, run_study
from goodseed.study.seals import read_seals, seals_path

FAKE = "tests.library.fake_model:make"


@pytest.fixture
def folder(finished_study: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, to be damaged; its files keep their times."""
    return Path(shutil.copytree(finished_study, tmp_path / "study"))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the shards that a scan reads."""
    names: list[str] = []
    whole = ledgers.seal_shard

    def noted(path, shard, plan):
        names.append(shard.name)
        return whole(path, shard, plan)

    monkeypatch.setattr(ledgers, "seal_shard", noted)
    return names


def rot(path: Path, place: float = 0.4) -> None:
    """Change a bit and leave size and time as they were: what a failing disk does."""
    status, data = path.stat(), bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 16
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_start_reads_no_shard_that_is_sealed(folder: Path, read: list[str]) -> None:
    plan = read_plan(folder)
    found = scan(folder, plan)
    assert [shard.name for shard in found.done] == [shard.name for shard in plan.shards()]
    assert not found.pending
    assert read == []


def test_only_what_has_no_seal_that_fits_is_read_and_is_sealed_then(folder: Path, read: list[str]) -> None:
    plan = read_plan(folder)
    names = [shard.name for shard in plan.shards()]
    lines = seals_path(folder).read_bytes().splitlines(keepends=True)
    seals_path(folder).write_bytes(b"".join([*lines[:3], lines[4][:-3], *lines[5:], b"\xff\x00 nonsense\n1\t2\n"]))
    os.utime(folder / "shards" / names[7])  # as a copy does
    assert len(scan(folder, plan).done) == 12
    # Line 3 is gone; line 4 was cut off, and what was written after it, line 5, cannot be told from it.
    assert read == [names[3], names[4], names[5], names[7]]
    read.clear()
    scan(folder, plan)
    assert read == []


def test_a_seal_of_another_study_counts_for_nothing(folder: Path, tmp_path: Path) -> None:
    other = make_plan(FAKE, range(70), PromptSet(("other", "prompts", "here")), PromptSet(("and", "there", "too")))
    found = scan(folder, other)
    assert len(found.pending) == 12
    assert set(found.damaged.values()) == {"made by another study"}


@pytest.mark.parametrize("place", [0.1, *(pytest.param(place, marks=pytest.mark.long) for place in (0.4, 0.8)), 0.999])
def test_a_shard_that_rotted_under_its_seal_is_found_before_it_is_used_and_alone_computed_again(
    place: float, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before, plan = read_bank(folder / "study.safetensors").id, read_plan(folder)
    shard = plan.shards()[8]
    rot(folder / "shards" / shard.name, place)
    assert len(scan(folder, plan).done) == 12, "nothing tells it from outside"
    for use in (build_bank, classify_study):
        with pytest.raises(DamagedShardError, match=rf"{Path(shard.name).name}: is damaged \(its bytes have changed"):
            use(folder)
    monkeypatch.setenv("GOODSEED_FAKE_LOG", str(tmp_path / "log"))
    result = run_study(folder, plan, Running(workers=0))
    assert result.damaged == (shard.name,)
    assert len((tmp_path / "log").read_text().splitlines()) == shard.images == result.computed
    assert result.bank_id == before
    assert run_study(folder, plan, Running(workers=0)).damaged == ()


def test_a_race_and_a_pilot_mend_a_shard_that_rotted(tmp_path: Path) -> None:
    sets = (PromptSet(tuple(f"{name} {i}" for i in range(16))) for name in ("one", "two"))
    race = make_race(make_plan(FAKE, range(32), *sets))
    before = run_race(tmp_path / "race", race, Running(workers=0))
    shards = sorted((tmp_path / "race" / "rounds").rglob("*.parquet"))
    for path in (shards[0], shards[-1]):
        rot(path)
        after = run_race(tmp_path / "race", race, Running(workers=0))
        assert len(after.damaged) == 1
        assert 0 < after.computed <= 64
        assert (after.bank_id, after.images) == (before.bank_id, before.images)
    found = run_pilot(tmp_path / "pilot", race, Running(workers=0))
    rot(next((tmp_path / "pilot").rglob("*.parquet")))
    assert run_pilot(tmp_path / "pilot", race, Running(workers=0)) == found


def test_a_study_made_before_there_were_seals_gives_the_same_bank(tmp_path: Path, read: list[str]) -> None:
    """12 seeds × 6 + 6 prompts of the fake generator, in four shards."""
    with zipfile.ZipFile(Path(__file__).parent / "data" / "study_before_seals.zip") as file:
        file.extractall(tmp_path)
    folder = tmp_path / "study"
    known = read_bank(folder / "bank.safetensors").id
    assert not read_seals(folder)
    assert build_bank(folder).id == known
    read.clear()
    result = run_study(folder, read_plan(folder), Running(workers=0), name="bank")
    assert (result.bank_id, result.computed, result.damaged) == (known, 0, ())
    assert len(read) == len(read_seals(folder)) == 4
    seals_path(folder).unlink()
    assert run_study(folder, read_plan(folder), Running(workers=0), name="bank").bank_id == known


def numbered(word: str, count: int) -> PromptSet:
    return PromptSet(tuple(f"{word} {index}" for index in range(count)))


@pytest.mark.parametrize(
    ("prompts", "block"),
    [(20, 1), (500, 1), (511, 1), (513, 2), (5_000, 16), (11_256, 32)],
)
def test_larger_studies_have_larger_shards_and_smaller_ones_those_they_had(prompts: int, block: int) -> None:
    plan = make_plan(FAKE, range(1024), numbered("a", prompts), numbered("b", prompts))
    assert (plan.seed_block, plan.prompt_block) == (64, block)
    shards = plan.shards()
    assert len(shards) <= MOST_SHARDS
    assert sum(shard.images for shard in shards) == plan.images
    assert len({shard.name for shard in shards}) == len(shards)


def with_blocks(plan: Plan, prompts: int) -> Plan:
    return replace(plan, prompt_block=prompts)


def test_the_size_of_the_shards_does_not_change_the_bank_and_a_study_keeps_its_own(
    finished_study: Path, tmp_path: Path
) -> None:
    plan, known = read_plan(finished_study), read_bank(finished_study / "study.safetensors").id
    assert run_study(tmp_path / "larger", with_blocks(plan, 2), Running(workers=0)).bank_id == known
    begun = tmp_path / "begun"
    write_plan(begun, with_blocks(plan, 2))
    shutil.copytree(tmp_path / "larger" / "shards" / "selection", begun / "shards" / "selection")
    result = run_study(begun, plan, Running(workers=0))
    assert (result.computed, result.bank_id) == (plan.images // 2, known)
    assert read_plan(begun).prompt_block == 2


def test_a_bank_is_the_same_however_little_is_read_at_a_time(
    finished_study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = build_bank(finished_study)
    parts = ledgers.Ledger.parts
    monkeypatch.setattr(ledgers.Ledger, "parts", lambda ledger, *which: parts(ledger, *which, most_bytes=1))
    assert len(list(read_ledger(finished_study).parts("selection", ["metric.score"]))) == 3
    assert build_bank(finished_study).id == whole.id
