"""The statistics agree with their definitions, and their intervals hold what they promise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from goodseed.errors import StudyError
from goodseed.stats import (
    Interval,
    bootstrap_contrast,
    bootstrap_gain,
    bootstrap_mean,
    icc,
    measured_gain,
    overlap,
    spearman,
)


def planted(share: float, seeds: int, prompts: int, random: np.random.Generator) -> np.ndarray:
    """Return a table in which seeds explain `share` of the variance once the (large) prompt means are removed."""
    effect = random.normal(0, math.sqrt(share), (seeds, 1))
    return effect + random.normal(0, math.sqrt(1 - share), (seeds, prompts)) + random.normal(0, 10, (1, prompts))


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
def test_icc_finds_the_planted_share_and_its_interval_holds_it_95_times_in_100(share: float) -> None:
    random = np.random.default_rng(0)
    found = [icc(planted(share, 60, 8, random)) for _ in range(400)]
    assert np.mean([x.value for x in found]) == pytest.approx(share, abs=0.02)
    held = np.mean([x.low <= share <= x.high for x in found])
    assert 0.92 <= held <= 0.98  # 0.95 ± 2.7 standard errors of 400 trials


def test_icc_equals_the_published_example() -> None:
    # Shrout and Fleiss 1979, table 2: ICC(3,1) = .71.
    judges = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    found = icc(judges)
    assert found.value == pytest.approx(0.7148, abs=5e-5)
    assert (found.low, found.high) == pytest.approx((0.3425, 0.9459), abs=5e-5)


def test_icc_does_not_see_the_prompts_nor_the_unit() -> None:
    table = planted(0.3, 30, 6, np.random.default_rng(1))
    moved = 1000 * (table + np.arange(6) * 7)
    assert icc(moved).value == pytest.approx(icc(table).value)


def test_icc_of_pure_seeds_is_one_and_of_a_constant_zero() -> None:
    pure = np.repeat(np.random.default_rng(0).random((5, 1)), 4, axis=1) + np.arange(4)
    assert icc(pure).value == pytest.approx(1)
    assert icc(np.full((5, 4), 0.1)).as_dict() == {"value": 0, "low": 0, "high": 0}


@pytest.mark.parametrize("table", [np.zeros((1, 5)), np.zeros((5, 1)), np.zeros(5), np.full((3, 3), np.nan)])
def test_icc_refuses_what_it_cannot_be_computed_from(table: np.ndarray) -> None:
    with pytest.raises(StudyError, match="ICC"):
        icc(table)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=5, max_size=20))
def test_spearman_equals_scipys(pairs: list[tuple[int, int]]) -> None:
    a, b = (list(x) for x in zip(*pairs, strict=True))
    found = spearman(a, b)
    if len(set(a)) == 1 or len(set(b)) == 1:
        assert (found.value, found.low, found.high) == (0, -1, 1)
    else:
        assert found.value == pytest.approx(scipy_stats.spearmanr(a, b).statistic, abs=1e-12)
        assert -1 <= found.low <= found.value <= found.high <= 1


def test_spearmans_interval_holds_the_truth_95_times_in_100() -> None:
    random = np.random.default_rng(0)
    held = []
    for _ in range(400):
        a = random.normal(size=100)
        found = spearman(a, 0.6 * a + 0.8 * random.normal(size=100))
        held.append(found.low <= 6 / math.pi * math.asin(0.3) <= found.high)  # a normal pair's rho from its r
    assert 0.92 <= np.mean(held) <= 0.98


def test_spearman_refuses_lists_of_different_length() -> None:
    with pytest.raises(StudyError, match="rank correlation"):
        spearman([1, 2, 3], [1, 2])


def test_two_lists_of_256_among_1024_share_64_by_chance_give_or_take_12() -> None:
    assert overlap(256, 1024).as_dict() == {"value": 64, "low": 52, "high": 76}


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.data())
def test_chance_overlap_of_two_lists_is_hypergeometric(total: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, total))
    found = overlap(k, total)
    assert found.value == pytest.approx(k * k / total)
    assert [found.low, found.high] == scipy_stats.hypergeom(total, k, k).ppf([0.025, 0.975]).tolist()


def test_chance_overlap_of_three_lists_agrees_with_drawing_them() -> None:
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(4000):
        lists = [set(random.choice(40, 20, replace=False).tolist()) for _ in range(3)]
        drawn.append(len(set.intersection(*lists)))
    found = overlap(20, 40, lists=3)
    assert found.value == pytest.approx(np.mean(drawn), abs=0.1)
    assert [found.low, found.high] == np.quantile(drawn, [0.025, 0.975]).tolist()


@pytest.mark.parametrize(("k", "total", "lists"), [(0, 5, 2), (6, 5, 2), (1, 5, 0)])
def test_overlap_refuses_lists_that_cannot_be(k: int, total: int, lists: int) -> None:
    with pytest.raises(StudyError, match="overlap"):
        overlap(k, total, lists)


@pytest.mark.parametrize(("direction", "sign"), [("higher", 1), ("lower", -1)])
def test_gain_is_positive_when_the_chosen_seeds_are_better_whichever_way_the_metric_points(
    direction: str, sign: int
) -> None:
    table = np.zeros((100, 5)) + np.arange(5)
    table[:10] += sign * 3
    found = bootstrap_gain(table, list(range(10)), direction)
    assert found.gain == pytest.approx(2.7)
    assert found.golden - found.all == pytest.approx(sign * 2.7)
    assert found.low < found.gain < found.high
    assert found.k == 10


def test_the_gains_interval_of_seeds_chosen_blindly_holds_none_95_times_in_100() -> None:
    random = np.random.default_rng(0)
    held = []
    for trial in range(300):
        found = bootstrap_gain(planted(0.3, 100, 8, random), list(range(25)), resamples=400, random_state=trial)
        held.append(found.low <= 0 <= found.high)
    assert np.mean(held) >= 0.91


def test_the_same_random_state_gives_the_same_gain_and_a_vector_counts_as_one_prompt() -> None:
    values = np.random.default_rng(0).normal(size=50)
    assert bootstrap_gain(values, [1, 2, 3]) == bootstrap_gain(values[:, None], [1, 2, 3])
    assert bootstrap_gain(values, [1, 2, 3], random_state=1) != bootstrap_gain(values, [1, 2, 3])


def test_gain_refuses_no_seeds_and_unknown_directions() -> None:
    with pytest.raises(StudyError, match="gain: 0 chosen"):
        bootstrap_gain(np.zeros((3, 3)), [])
    with pytest.raises(StudyError, match="direction 'up'"):
        bootstrap_gain(np.zeros((3, 3)), [0], "up")


def test_a_measured_gains_interval_holds_the_true_gain_95_times_in_100_even_for_one_seed() -> None:
    random = np.random.default_rng(0)
    truth, errors = random.normal(size=50), random.uniform(0.2, 0.5, 50)
    for chosen in ([7], [1, 2, 3, 4]):
        true_gain = truth[chosen].mean() - truth.mean()
        held = []
        for _ in range(400):
            found = measured_gain(truth + errors * random.normal(size=50), errors, chosen, "higher")
            held.append(found.low <= true_gain <= found.high)
        assert 0.92 <= np.mean(held) <= 0.98


def test_all_seeds_against_all_gain_nothing_for_sure() -> None:
    found = measured_gain(np.arange(4.0), np.ones(4), [0, 1, 2, 3], "lower")
    assert (found.gain, found.low, found.high) == pytest.approx((0, 0, 0))
    assert str(measured_gain(np.zeros(4), np.ones(4), [0], "lower").gain) == "0.0"


def test_a_bootstrapped_mean_covers_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    intervals = [bootstrap_mean(random.exponential(2.0, 60), resamples=400, random_state=k) for k in range(200)]
    covered = np.mean([found.low <= 2.0 <= found.high for found in intervals])
    assert 0.88 <= covered <= 0.98
    assert bootstrap_mean([3.0, 3.0]) == Interval(3.0, 3.0, 3.0)


@pytest.mark.parametrize("values", [[], [[1.0]], [float("nan")]])
def test_a_mean_of_nothing_or_of_nan_is_refused(values: list[Any]) -> None:
    with pytest.raises(StudyError, match="mean"):
        bootstrap_mean(values)


def test_a_contrast_of_two_groups_covers_the_true_difference_and_wants_the_same_prompts() -> None:
    """The true gain is 0.5; prompts' own effects, common to both groups, take no part."""
    covered = 0
    for state in range(40):
        random = np.random.default_rng(state)
        prompts = 5 * random.standard_normal(20)
        golden, others = (
            prompts + level + 0.3 * random.standard_normal((12, 1)) + random.standard_normal((12, 20))
            for level in (0.5, 0.0)
        )
        found = bootstrap_contrast(golden, others, resamples=400)
        covered += found.low <= 0.5 <= found.high
        assert found.gain == pytest.approx(golden.mean() - others.mean())
    assert covered >= 34
    with pytest.raises(StudyError, match="20 prompts of the chosen, 19 of the others"):
        bootstrap_contrast(golden, others[:, 1:])
    with pytest.raises(StudyError, match="0 chosen seeds"):
        bootstrap_contrast(golden[:0], others)
