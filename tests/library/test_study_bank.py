"""The bank that a study ends in: its rows, its features, and how honest its evidence is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goodseed.banks import Bank, farthest_point_sampling, read_bank, similarity
from goodseed.banks.golden import golden_positions
from goodseed.errors import StudyError
from goodseed.prompts import PromptSet
from goodseed.study.bank import build_bank
from goodseed.study.evidence import DIVERSE, diverse_gain, golden_gains
from goodseed.study.frechet import Reference, frechet_distances
from goodseed.study.ledger import Ledger, read_ledger
from goodseed.study.pca import on_axes, principal_axes
from goodseed.study.plan import make_plan
from goodseed.study.runner import Running, run_study
from goodseed.study.tables import Tables
from tests.library.fake_model import make

SEEDS, PROMPTS = 64, 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bank") / "study"
    sets = (PromptSet(tuple(f"{name} {i}" for i in range(PROMPTS)), "CC0-1.0") for name in ("one", "two"))
    run_study(folder, make_plan("tests.library.fake_model:make", range(SEEDS), *sets), Running(workers=0))
    return folder


@pytest.fixture(scope="module")
def ledger(folder: Path) -> Ledger:
    return read_ledger(folder)


@pytest.fixture(scope="module")
def bank(folder: Path) -> Bank:
    return read_bank(folder / "study.safetensors")


@pytest.fixture(scope="module")
def tables(ledger: Ledger) -> Tables:
    return Tables.of(ledger, references(ledger))


def references(ledger: Ledger) -> dict[str, dict[str, Reference]]:
    judge = make()[1]
    return {
        name: {"fid": Reference.of(judge.reference(ledger.cells(name).prompts))} for name in ("selection", "held_out")
    }


def quality_of(ledger: Ledger, prompt_set: str) -> np.ndarray:
    return np.concatenate(list(ledger.blocks(prompt_set, "quality")))


def test_building_twice_gives_the_id_that_was_written(folder: Path, bank: Bank) -> None:
    assert build_bank(folder).id == bank.id


def test_the_frechet_distance_of_each_set_is_against_that_sets_reference(ledger: Ledger, bank: Bank) -> None:
    for name, held_out in (("selection", False), ("held_out", True)):
        expected = frechet_distances(quality_of(ledger, name), references(ledger)[name]["fid"])
        np.testing.assert_allclose(bank.metric("fid", held_out=held_out), expected, rtol=1e-6)


def test_an_images_metric_has_its_mean_and_the_error_that_paired_prompts_leave(ledger: Ledger, bank: Bank) -> None:
    table = ledger.held_out.metrics["score"].astype(np.float64)
    np.testing.assert_allclose(bank.metric("score", held_out=True), table.mean(axis=1), rtol=1e-6)
    paired = table - table.mean(axis=0)
    expected = paired.std(axis=1, ddof=1) / np.sqrt(PROMPTS)
    np.testing.assert_allclose(bank.metric("score", held_out=True, part="stderr"), expected, rtol=1e-5)
    assert set(bank.metric("score", part="n")) == {PROMPTS}


def test_a_trait_is_the_share_over_both_sets(ledger: Ledger, bank: Bank) -> None:
    both = np.concatenate([ledger.selection.traits["border"], ledger.held_out.traits["border"]], axis=1)
    np.testing.assert_allclose(bank.tensors["trait.border"], both.mean(axis=1), rtol=1e-6)


def test_features_are_laid_out_prompt_by_prompt(ledger: Ledger, bank: Bank) -> None:
    composition = bank.tensors["feature.composition"].reshape(SEEDS, PROMPTS, 3)
    np.testing.assert_array_equal(composition, ledger.selection.composition)
    style = bank.tensors["heldout.feature.style"].reshape(SEEDS, PROMPTS, 2)
    (expected,) = on_axes([ledger.held_out.style], principal_axes([ledger.selection.style], 2))
    np.testing.assert_allclose(style, expected, rtol=1e-5)


def test_the_bank_says_what_it_was_measured_with(bank: Bank) -> None:
    assert bank.info["design"] == {"kind": "exhaustive", "images": 2 * SEEDS * PROMPTS}
    assert bank.info["prompts"]["held_out"]["licence"] == "CC0-1.0"
    assert bank.info["reference"]["selection"]["sha256"] != bank.info["reference"]["held_out"]["sha256"]
    assert set(bank.info["software"]) == {"goodseed", "torch", "numpy"}


def test_the_planted_effect_of_the_seed_is_found(bank: Bank) -> None:
    found = bank.info["reliability"]
    assert found["icc"]["border"]["low"] > 0.3
    assert found["rank_correlation"]["score"]["low"] > 0.3
    best = found["golden_gain"]["score"]["score"]
    assert best["low"] > 0
    assert best["golden"] > best["all"]
    distance = found["golden_gain"]["fid"]["fid"]  # lower is better: the gain is positive all the same
    assert distance["low"] > 0
    assert distance["golden"] < distance["all"]


def test_without_an_effect_that_carries_over_no_gain_is_claimed(bank: Bank, ledger: Ledger, tables: Tables) -> None:
    random = np.random.default_rng(0)
    scores = [{"score": random.permuted(ledger.held_out.metrics["score"], axis=0)}]
    distances = {"fid": random.permuted(tables.sets["held_out"]["fid"], axis=0)}
    for metrics in golden_gains(bank, scores, PROMPTS, distances).values():
        for gain in metrics.values():
            assert gain["low"] < 0 < gain["high"]


def test_golden_gains_compare_the_paper_rules_seeds_on_the_held_out_prompts(bank: Bank, tables: Tables) -> None:
    gains = bank.info["reliability"]["golden_gain"]
    golden = golden_positions(bank, "paper")
    assert {gain["k"] for metrics in gains.values() for gain in metrics.values()} == {len(golden)}
    assert set(gains) == {"paper", "rank-sum", "pareto", "score", "fid"}
    expected = tables.held_out["score"].mean[golden].mean()
    assert gains["paper"]["score"]["golden"] == pytest.approx(expected, rel=1e-5)


def test_the_overlap_stands_beside_chance(bank: Bank) -> None:
    found = bank.info["reliability"]["overlap"]
    assert (found["top"], found["metrics"], found["chance"]) == (16, ["fid", "score"], 4.0)
    assert found["both"] == len(golden_positions(bank, "paper"))
    assert found["between_sets"]["score"]["both"] > found["between_sets"]["score"]["chance_high"]


def test_random_similarity_is_the_mean_over_all_pairs_and_diverse_that_of_sampled_sets() -> None:
    random = np.random.default_rng(1)
    features, cells = random.normal(size=(20, 6)), random.normal(size=(20, 5, 3)) + 1
    found = diverse_gain(features, [cells[:, :2], cells[:, 2:]], 5)
    pairs = [similarity(cells[[a, b]]) for a in range(20) for b in range(a)]
    sets = [similarity(cells[farthest_point_sampling(features, DIVERSE, start)]) for start in range(20)]
    assert found["random"] == pytest.approx(np.mean(pairs))
    assert found["diverse"] == pytest.approx(np.mean(sets))
    assert found["gain"] == pytest.approx(np.mean(pairs) - np.mean(sets))


def test_diverse_sets_gain_where_the_seed_decides_and_nothing_where_it_does_not() -> None:
    random = np.random.default_rng(2)
    own = random.normal(size=(200, 1, 3))
    cells = np.array([3.0, 0, 0]) + own + 0.3 * random.normal(size=(200, 8, 3))
    assert diverse_gain(own[:, 0], [cells], 8)["low"] > 0
    unrelated = diverse_gain(random.normal(size=(200, 3)), [cells], 8)
    assert unrelated["low"] < 0 < unrelated["high"]


def test_the_axes_do_not_depend_on_the_solvers_signs_and_hold_the_most_variance() -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=(300, 6)) * [1, 5, 1, 3, 1, 1]
    values -= values.mean(axis=0)
    axes = principal_axes([values[:, None]], 2)
    np.testing.assert_allclose(axes, principal_axes([-values[:, None]], 2), atol=1e-12)
    _, _, rows = np.linalg.svd(values, full_matrices=False)
    np.testing.assert_allclose(np.abs(axes), np.abs(rows[:2]), atol=1e-9)
    assert (axes[np.arange(2), np.abs(axes).argmax(axis=1)] > 0).all()


def test_what_a_prompt_does_to_all_seeds_alike_does_not_reach_the_style_features() -> None:
    random = np.random.default_rng(4)
    first, second = random.normal(size=(20, 4, 8)), random.normal(size=(20, 3, 8))
    axes = principal_axes([first], 2)
    shifts = random.normal(size=(4, 8)), random.normal(size=(3, 8))
    np.testing.assert_allclose(axes, principal_axes([first + shifts[0]], 2), atol=1e-9)
    for plain, shift in zip((first, second), shifts, strict=True):
        (one,), (other,) = on_axes([plain], axes), on_axes([plain + shift], axes)
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_a_bank_is_not_built_with_another_judge_than_the_studys(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.library.fake_model import FakeJudge

    monkeypatch.setattr(FakeJudge, "describe", lambda judge: {"metrics": {}, "traits": {}, "features": {}})
    with pytest.raises(StudyError, match="judge is not the one that this study was made with"):
        build_bank(folder)
