"""Racing as pure arithmetic: what it keeps, what it saves, and what it never looks at."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.errors import StudyError
from goodseed.study.race_beliefs import Beliefs
from goodseed.study.race_rules import GAIN, INTERVAL, SPEND, race
from goodseed.study.racing import Standing, decided, round_ends
from goodseed.study.unbalanced import Block, adjusted_means


def scores(seeds: int, prompts: int, icc: float, random_state: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return true seed effects [S] and a table [S, P] of scores with this ICC, prompts' own effects added."""
    random = np.random.default_rng(random_state)
    effects = random.standard_normal(seeds) * icc**0.5
    chance = random.standard_normal((seeds, prompts)) * (1 - icc) ** 0.5
    return effects, effects[:, None] + chance + 3 * random.standard_normal(prompts)


def test_rounds_double_and_end_with_all_prompts() -> None:
    assert round_ends(100, 16) == [16, 32, 64, 100]
    assert round_ends(64, 16) == [16, 32, 64]
    assert round_ends(10, 16) == [10]
    assert round_ends(36, 4, 1.5) == [4, 6, 9, 14, 21, 32, 36]
    assert round_ends(4, 1, 1.1) == [1, 2, 3, 4]


SCORER = 0.0055**2 / (0.0055**2 + 0.012**2)
"""ICC of a real scorer: seed SD .0055 beside .012."""


def raced(rule: str, icc: float, prompts: int, top: int, states: int = 4) -> tuple[float, float]:
    """Return which share of the exhaustive gain a race of 1,024 seeds keeps, and which share of images it makes."""
    kept, share = [], []
    for random_state in range(states):
        effects, table = scores(1024, prompts, icc, random_state)
        standing, images = race(table, top, rule=rule)
        exhaustive = np.argsort(-table.mean(axis=1))[:top]
        kept.append(effects[standing.accepted].mean() / effects[exhaustive].mean())
        share.append(images / table.size)
    return float(np.mean(kept)), float(np.mean(share))


@pytest.mark.parametrize(("rule", "most"), [(INTERVAL, 0.2), (GAIN, 0.1)])
def test_a_race_keeps_99_hundredths_of_the_quality_for_a_part_of_the_images(rule: str, most: float) -> None:
    kept, share = raced(rule, SCORER, 1000, 256)
    assert kept > 0.99
    assert share < most


@pytest.mark.parametrize(("icc", "prompts", "most"), [(0.1, 100, 0.85), (0.45, 36, 0.72), (0.7, 36, 0.72)])
def test_a_race_by_gain_costs_what_it_may_and_fewer_images(icc: float, prompts: int, most: float) -> None:
    """It may spend 4 thousandths of the gain; 4 races of 64 seeds tell that to half a hundredth."""
    kept, share = raced(GAIN, icc, prompts, 64)
    assert kept > 1 - SPEND - 0.005
    assert share < most * raced(INTERVAL, icc, prompts, 64, 1)[1]


@pytest.mark.parametrize(("rate", "icc"), [(0.02, 0.25), (0.1, 0.1)])
def test_a_race_by_a_rare_trait_nearly_keeps_its_promise(rate: float, icc: float) -> None:
    """Most seeds never show the trait and a few often do: effects as normal, of one variance, would lose 3 to 8 %."""
    kept = []
    for state in range(4):
        random = np.random.default_rng(state)
        rates = random.beta(rate * (1 / icc - 1), (1 - rate) * (1 / icc - 1), 1024)
        table = (random.random((1024, 104)) < rates[:, None]).astype(float)
        standing, images = race(table, 64)
        best = np.argsort(-table.mean(axis=1), kind="stable")[:64]
        kept.append(np.mean(rates[standing.accepted] - rates.mean()) / np.mean(rates[best] - rates.mean()))
        assert images < 0.4 * table.size
    assert np.mean(kept) > 1 - SPEND - 0.01


def test_a_race_by_a_score_with_a_ceiling_saves_more() -> None:
    """The best seeds vary least there, which is worth a tenth of the images."""
    saved = []
    for state in range(2):
        effects, table = scores(1024, 104, 0.12, state)
        capped = -np.exp(-0.7 * (table - table.mean(axis=0)))
        values = -np.exp(-0.7 * effects)
        standing, images = race(capped, 64)
        best = np.argsort(-capped.mean(axis=1), kind="stable")[:64]
        assert values[standing.accepted].mean() - values.mean() > 0.98 * (values[best].mean() - values.mean())
        saved.append(images / table.size)
    assert np.mean(saved) < 0.3  # with one variance for all .33


def test_a_long_race_by_a_score_with_a_ceiling_keeps_its_promise() -> None:
    """Decisions come early there, when means and variances of the same few skewed scores go together by chance."""
    kept = []
    for state in range(6):
        _, table = scores(1024, 416, 0.05, state)
        capped = -np.exp(-0.7 * (table - table.mean(axis=0)))
        gains = capped.mean(axis=1) - capped.mean()
        standing, images = race(capped, 64)
        kept.append(gains[standing.accepted].mean() / np.sort(gains)[-64:].mean())
        assert images < 0.25 * capped.size
    assert np.mean(kept) > 1 - SPEND - 0.0025  # .989 where chance's skew is taken for steadiness


def test_skewed_chance_is_not_taken_for_steadiness() -> None:
    """All seeds have the same chance here, with a long tail below."""
    random = np.random.default_rng(0)
    effects = random.standard_normal((4096, 1)) * 0.3
    beliefs = Beliefs(4096, 416)
    assert beliefs.learn(np.arange(4096), effects - random.exponential(size=(4096, 8)))
    variances = beliefs.variances
    assert variances.min() > 0.8 * variances.max()


@pytest.mark.parametrize("rule", [GAIN, INTERVAL])
def test_where_the_seed_does_nothing_no_seed_is_favoured(rule: str) -> None:
    """There is no gain to spend, so that most seeds run to the end."""
    shares = []
    for state in range(8):
        _, table = scores(256, 64, 0.0, state)
        standing, images = race(table, 128, rule=rule)
        assert standing.accepted.sum() == 128
        shares.append(images / table.size)
    assert np.median(shares) > 0.7


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 40), st.integers(2, 70), st.integers(0, 10_000), st.floats(0, 1))
def test_a_race_always_ends_with_as_many_seeds_as_wanted(seeds: int, prompts: int, state: int, icc: float) -> None:
    _, table = scores(seeds, prompts, icc, state)
    for top, rule in itertools.product({1, max(1, seeds // 2), seeds - 1}, (GAIN, INTERVAL)):
        standing, images = race(table, top, start=2, rule=rule)
        assert standing.accepted.sum() == top
        assert not (standing.accepted & standing.rejected).any()
        assert not len(standing.undecided)
        assert images <= table.size


def test_equal_scores_and_seeds_without_chance_are_ordered_all_the_same() -> None:
    for table in (np.zeros((6, 20)), np.repeat(np.arange(6.0)[:, None], 20, axis=1)):
        for rule in (GAIN, INTERVAL):
            standing, _ = race(table, 2, start=4, rule=rule)
            assert standing.accepted.sum() == 2
    assert np.flatnonzero(standing.accepted).tolist() == [4, 5]


@pytest.mark.parametrize("rule", [GAIN, INTERVAL])
def test_a_race_does_not_depend_on_how_hard_prompts_are_or_on_units(rule: str) -> None:
    _, table = scores(128, 48, 0.3)
    moved = 7 * table + 100 * np.random.default_rng(1).standard_normal(48)
    (first, images), (second, again) = (race(values, 16, rule=rule) for values in (table, moved))
    np.testing.assert_array_equal(first.accepted, second.accepted)
    assert images == again < table.size


def test_a_prompt_that_is_hard_for_all_decides_nothing() -> None:
    """Differences are paired: adding a number to a prompt for every seed changes no decision."""
    _, table = scores(64, 32, 0.3)
    before = decided(Standing.at_start(64), table, 16)
    after = decided(Standing.at_start(64), table + 100 * np.random.default_rng(1).standard_normal(32), 16)
    np.testing.assert_array_equal(before.accepted, after.accepted)
    np.testing.assert_array_equal(before.rejected, after.rejected)
    assert before.rejected.any()


def test_one_block_has_the_plain_means_and_errors() -> None:
    _, table = scores(10, 8, 0.2)
    means = adjusted_means([Block(np.arange(10), table)], 10)
    np.testing.assert_allclose(means.mean, table.mean(axis=1))
    np.testing.assert_allclose(means.stderr, (table - table.mean(axis=0)).std(axis=1, ddof=1) / 8**0.5)
    assert means.n.tolist() == [8] * 10


def test_seeds_that_missed_easy_prompts_are_not_thought_worse() -> None:
    """Without chance, least squares gives each seed the mean that it would have had on all prompts."""
    random = np.random.default_rng(0)
    table = random.standard_normal(12)[:, None] + 10 * np.arange(16) + random.standard_normal(16)
    kept, few = np.arange(0, 12, 2), np.array([0, 4])
    blocks = [Block(np.arange(12), table[:, :4]), Block(kept, table[kept, 4:8]), Block(few, table[few, 8:])]
    means = adjusted_means(blocks, 12)
    np.testing.assert_allclose(means.mean, table.mean(axis=1), atol=1e-9)
    np.testing.assert_allclose(means.stderr, 0, atol=1e-9)
    assert sorted(set(means.n.tolist())) == [4, 8, 16]


def test_means_without_a_block_of_all_seeds_are_refused() -> None:
    with pytest.raises(StudyError, match="must hold all seeds"):
        adjusted_means([Block(np.array([0, 1]), np.zeros((2, 4)))], 3)
    with pytest.raises(StudyError, match="one image only"):
        adjusted_means([Block(np.arange(3), np.zeros((3, 1)))], 3)
