"""The ledger: shards that are whole or not there."""

from pathlib import Path

import numpy as np
import pytest

from goodseed.errors import StudyError
from goodseed.prompts import PromptSet
from goodseed.study.ledger import read_ledger, scan
from goodseed.study.plan import make_plan, read_plan
from goodseed.study.runner import Running, run_study
from tests.library.fake_model import make

FAKE = "tests.library.fake_model:make"


@pytest.fixture
def folder(finished_study: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, to be damaged."""
    import shutil

    return Path(shutil.copytree(finished_study, tmp_path / "study"))


def first_shard(folder: Path) -> Path:
    return folder / "shards" / "selection" / "00000-00000.parquet"


def test_each_cell_holds_what_its_seed_and_prompt_give(finished_study: Path) -> None:
    ledger = read_ledger(finished_study)
    generator, judge = make()
    for name, cells in (("selection", ledger.selection), ("held_out", ledger.held_out)):
        quality = np.concatenate(list(ledger.blocks(name, "quality")))
        for column, prompt in enumerate(cells.prompts):
            measured = judge.measure(generator.generate(prompt, ledger.seeds), prompt)
            np.testing.assert_allclose(cells.metrics["score"][:, column], measured.metrics["score"], rtol=1e-6)
            np.testing.assert_allclose(cells.traits["border"][:, column], measured.traits["border"])
            np.testing.assert_allclose(quality[:, column], measured.quality, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(cells.style[:, column], measured.style, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(cells.composition[:, column], measured.composition, rtol=1e-6)


def test_features_of_sets_come_in_blocks_of_seeds_that_keep_to_a_size(finished_study: Path) -> None:
    ledger = read_ledger(finished_study)
    whole = np.concatenate(list(ledger.blocks("selection", "quality")))
    one_seed = 3 * 64 * 4
    for most, largest in ((1, 1), (one_seed, 1), (20 * one_seed, 20), (10**9, 64)):
        blocks = list(ledger.blocks("selection", "quality", most))
        assert max(map(len, blocks)) == largest
        np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_the_largest_seed_and_an_emoji_and_a_prompt_of_10000_characters_come_back(tmp_path: Path) -> None:
    long, seed = "x" * 10_000, 2**64 - 1
    plan = make_plan(FAKE, [0, seed], PromptSet((long, "🦊 and 狐")), PromptSet(("b", "c")))
    result = run_study(tmp_path / "study", plan, Running(workers=0))
    ledger = read_ledger(tmp_path / "study")
    assert ledger.seeds == (0, seed)
    assert ledger.selection.prompts == (long, "🦊 and 狐")
    from goodseed.banks import read_bank

    assert read_bank(result.bank).seeds == [0, seed]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_bit_of_the_data(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 16
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def swap_with_another(path: Path) -> None:
    path.write_bytes((path.parent / "00001-00000.parquet").read_bytes())


@pytest.mark.parametrize("damage", [truncate, flip_a_bit_of_the_data, empty, swap_with_another])
def test_a_damaged_shard_is_named_and_alone_computed_again(damage, folder: Path, monkeypatch, tmp_path: Path) -> None:
    from goodseed.banks import read_bank

    before = read_bank(folder / "study.safetensors").id
    damage(first_shard(folder))
    monkeypatch.setenv("GOODSEED_FAKE_LOG", str(tmp_path / "log"))
    plan = read_plan(folder)
    shard = plan.shards()[0]
    result = run_study(folder, plan, Running(workers=0))
    assert result.damaged == (shard.name,)
    assert len((tmp_path / "log").read_text().splitlines()) == shard.images == result.computed
    assert result.bank_id == before


def test_a_shard_of_another_study_is_computed_again(folder: Path, tmp_path: Path) -> None:
    other = make_plan(FAKE, range(70), PromptSet(("other", "prompts", "here")), PromptSet(("and", "there", "too")))
    run_study(tmp_path / "other", other, Running(workers=0))
    first_shard(folder).write_bytes(first_shard(tmp_path / "other").read_bytes())
    found = scan(folder, read_plan(folder))
    assert list(found.damaged.values()) == ["made by another study"]


def test_reading_an_unfinished_study_says_which_shard_is_missing(folder: Path) -> None:
    first_shard(folder).unlink()
    with pytest.raises(StudyError, match=r"00000-00000\.parquet: is missing, so the study is unfinished"):
        read_ledger(folder)


def test_reading_a_damaged_study_says_which_shard_it_is(folder: Path) -> None:
    truncate(first_shard(folder))
    with pytest.raises(StudyError, match=r"00000-00000\.parquet: is damaged"):
        read_ledger(folder)


def test_what_a_killed_study_left_half_written_is_removed(folder: Path) -> None:
    leftover = first_shard(folder).with_name(".00000-00000.parquet.abc.tmp")
    leftover.write_bytes(b"half")
    scan(folder, read_plan(folder))
    assert not leftover.exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}", b"[]", b'{"schema":1}', b'{"schema":1,"seeds":7}'])
def test_a_damaged_plan_is_one_clear_error(content: bytes, folder: Path) -> None:
    (folder / "study.json").write_bytes(content)
    with pytest.raises(StudyError, match=r"study\.json: is damaged"):
        read_ledger(folder)


def test_a_plan_from_a_newer_version_is_refused(folder: Path) -> None:
    (folder / "study.json").write_text('{"schema":2}')
    with pytest.raises(StudyError, match="update goodseed"):
        read_ledger(folder)
