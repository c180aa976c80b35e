"""The inpainting part of a study: planted dirt is found, whoever computes it and however often it stops."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from goodseed.banks import read_bank
from goodseed.cli import run
from goodseed.errors import MissingExtraError, StudyError
from goodseed.prompts import PromptSet
from goodseed.study import registry
from goodseed.study.ledger import scan
from goodseed.study.plan import Plan, make_plan
from goodseed.study.runner import Running, run_study
from tests.library.fake_model import DIRTY

FAKE, INPAINTER, READER = (f"tests.library.fake_model:{name}" for name in ("make", "make_inpainter", "make_reader"))
SELECTION, HELD_OUT = PromptSet(("a", "b"), "CC0-1.0"), PromptSet(("c", "d"), "CC0-1.0")
SEEDS, PAIRS = 70, 12


def plan_of(reader: str | None = READER, pairs: int = PAIRS, seeds: int = SEEDS) -> Plan:
    return make_plan(INPAINTER, range(seeds), SELECTION, HELD_OUT, reader, pairs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inpaint") / "study"
    run_study(folder, plan_of(), Running(workers=0))
    return folder


def test_the_plan_covers_each_seed_task_and_pair_once() -> None:
    plan = plan_of()
    shards = [shard for shard in plan.shards() if shard.prompt_set.startswith("inpaint")]
    cells = {(shard.prompt_set, seed, cell) for shard in shards for seed in shard.seeds for cell in shard.prompts}
    assert len(cells) == sum(shard.images for shard in shards) == SEEDS * PAIRS * 2
    assert plan.images == SEEDS * (4 + PAIRS * 2)


def test_a_study_without_inpainting_is_what_it_was(folder: Path, tmp_path: Path) -> None:
    plain = plan_of(None)
    assert "inpaint" not in plain.as_dict()
    assert plan_of().without_inpainting.key == plain.key
    bare = read_bank(run_study(tmp_path / "study", plain, Running(workers=0)).bank)
    full = read_bank(folder / "study.safetensors")
    assert not bare.tasks
    assert "inpaint" not in bare.info
    kept = {name for name in full.tensors if "inpaint." not in name}
    assert kept == set(bare.tensors)
    assert all(np.array_equal(full.tensors[name], bare.tensors[name]) for name in kept)


def test_workers_and_stops_do_not_change_the_bank(folder: Path, tmp_path: Path, monkeypatch) -> None:
    plan, expected = plan_of(), read_bank(folder / "study.safetensors").id
    monkeypatch.setenv("GOODSEED_FAKE_LOG", str(tmp_path / "log"))
    run_study(tmp_path / "study", plan, Running(workers=1))
    made = (tmp_path / "log").read_text().splitlines()
    assert len(made) == len(set(made)) == plan.images
    lost = sorted((tmp_path / "study" / "shards").glob("inpaint_*/*.parquet"))[::3]
    for path in lost:
        path.unlink()
    pending = scan(tmp_path / "study", plan).pending
    assert len(pending) == len(lost) > 1
    again = run_study(tmp_path / "study", plan, Running(workers=0))
    assert (again.bank_id, again.computed) == (expected, sum(shard.images for shard in pending))


def test_a_finished_study_is_extended_and_its_pictures_are_not_made_again(folder: Path, tmp_path: Path) -> None:
    run_study(tmp_path / "study", plan_of(None), Running(workers=0))
    extended = run_study(tmp_path / "study", plan_of(), Running(workers=0))
    assert extended.computed == SEEDS * PAIRS * 2
    assert extended.bank_id == read_bank(folder / "study.safetensors").id
    for other in (plan_of(None), plan_of(pairs=8)):
        with pytest.raises(StudyError, match="holds a study with other settings: inpaint"):
            run_study(tmp_path / "study", other, Running(workers=0))


def test_the_planted_dirty_seed_is_found_and_where_the_seed_does_nothing_nothing_is(folder: Path) -> None:
    bank = read_bank(folder / "study.safetensors")
    assert bank.tasks == ["completion", "removal"]
    for held_out in (False, True):
        shares = bank.text_share("removal", held_out)
        assert int(shares.argmax()) == DIRTY
        assert shares[DIRTY] > 0.75
        assert set(bank.text_share("removal", held_out, "n")) == {PAIRS // 2}
    found = bank.info["reliability"]["inpaint"]
    assert found["removal"]["icc"]["low"] > 0.5
    assert found["removal"]["rank_correlation"]["low"] > found["removal"]["rank_correlation"]["chance_high"]
    assert found["removal"]["gain"]["low"] > 0
    assert found["completion"]["icc"]["low"] < 0.05
    between = found["completion"]["rank_correlation"]
    assert between["low"] < 0 < between["high"]
    assert bank.info["inpaint"]["reader"] == {"name": "red", "version": "1"}
    assert bank.info["inpaint"]["images"] == SEEDS * PAIRS * 2
    assert bank.info["design"]["images"] == SEEDS * 4


def test_the_shares_are_the_means_over_the_pairs_of_the_set(folder: Path) -> None:
    from goodseed.study.registry import make_pair, make_reader

    (maker, _), reader = make_pair(INPAINTER), make_reader(READER)
    bank = read_bank(folder / "study.safetensors")
    for pairs, held_out in zip(maker.inpaint_pairs(PAIRS // 2), (False, True), strict=True):  # type: ignore[attr-defined]
        for task in bank.tasks:
            rows = [reader.shares(maker.inpaint(p, p.prompts[task], [3, 66]), p) for p in pairs]  # type: ignore[attr-defined]
            np.testing.assert_allclose(bank.text_share(task, held_out)[[3, 66]], np.mean(rows, axis=0), rtol=1e-6)


def test_what_cannot_inpaint_or_be_read_is_one_line(monkeypatch) -> None:
    with pytest.raises(StudyError, match="this generator cannot fill holes"):
        make_plan(FAKE, range(4), SELECTION, HELD_OUT, READER)
    for pairs in (2, 5, -4):
        with pytest.raises(StudyError, match=f"pairs: {pairs} cannot be split in two sets"):
            plan_of(pairs=pairs)
    with pytest.raises(StudyError, match="reader: 'nobody' is unknown; use rapidocr, tesseract, or module:function"):
        plan_of("nobody")
    with pytest.raises(StudyError, match=r"reader: os:getcwd returns one without describe\(\)"):
        plan_of("os:getcwd")


def test_without_an_engine_the_study_says_what_to_install_before_it_starts(
    tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> object:
        raise MissingExtraError("rapidocr, which reads text in images, is missing; pip install rapidocr")

    monkeypatch.setattr("goodseed.study.inpaint_plan.make_reader", missing)
    assert registry.READERS[0] == "rapidocr"
    arguments = ["study", "--generator", "demo", "--seeds", "0-3", "--out", str(tmp_path / "study"), "--inpaint"]
    assert run([*arguments, "--json"]) == 2
    assert "pip install rapidocr" in json.loads(capsys.readouterr().out)["error"]
    assert not (tmp_path / "study").exists()


def test_the_command_measures_and_picks_clean_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a\nb\nc\nd\n", encoding="utf-8")
    arguments = ["study", "--generator", INPAINTER, "--seeds", "0-7", "--workers", "0", "--prompts", str(prompts)]
    arguments += ["--out", str(tmp_path / "out"), "--inpaint", "--pairs", "8", "--reader", READER, "--json"]
    assert run(arguments) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["images"] == 8 * (4 + 8 * 2)
    assert run(["pick", answer["bank"], "--rule", "clean", "--task", "removal", "--worst", "-k", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["seeds"] == [DIRTY]


def test_the_demo_models_pairs_have_no_writing_and_share_no_picture() -> None:
    from goodseed.demo.pairs import CLEAR, inpaint_pairs

    first, second = inpaint_pairs(14)
    assert [pair.name for pair in inpaint_pairs(3)[1]] == [pair.name for pair in second[:3]]
    assert len({pair.image.tobytes() for pair in (*first, *second)}) == 28
    for pair in (*first, *second):
        assert pair.mask.shape == pair.image.shape[:2]
        assert set(np.unique(pair.mask)) == {0, 1}
        assert 0.05 < pair.mask.mean() < 0.9
        assert pair.prompts["removal"] == CLEAR == "clear background"
        assert pair.prompts["completion"].split()[0] in ("a", "an")


def test_the_demo_model_changes_what_the_hole_covers_and_little_else() -> None:
    from goodseed.demo.generator import DemoGenerator

    generator = DemoGenerator()
    pair = generator.inpaint_pairs(2)[0][1]
    made = generator.inpaint(pair, "a ball", [0, 1]).astype(int)
    apart = np.abs(made[0] - made[1]).mean(axis=2)
    far = np.ones((16, 16), bool)
    ys, xs = np.nonzero(pair.mask.reshape(16, 8, 16, 8).max(axis=(1, 3)))
    far[max(0, ys.min() - 4) : ys.max() + 5, max(0, xs.min() - 4) : xs.max() + 5] = False
    assert apart[np.kron(far, np.ones((8, 8), bool))].max(initial=0) == 0
    assert apart[pair.mask > 0].mean() > 1
