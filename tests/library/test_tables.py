"""Figures of tables that come some prompts at a time are those of the whole table."""

from __future__ import annotations

import numpy as np
import pytest

from goodseed.banks.choice import order_of
from goodseed.stats import bootstrap_gain, icc
from goodseed.study.frechet import stderr_of_mean
from goodseed.study.gains import held_out_gains
from goodseed.study.tables import SeedSums

SEEDS, PROMPTS = 40, 60


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    random = np.random.default_rng(7)
    seeds, prompts = random.normal(size=(SEEDS, 1)), 5 * random.normal(size=(1, PROMPTS))
    return 100 + 0.4 * seeds + prompts + random.normal(size=(SEEDS, PROMPTS))


def in_parts(table: np.ndarray, *ends: int) -> list[np.ndarray]:
    return np.split(table, ends, axis=1)


@pytest.mark.parametrize("ends", [(), (1,), (59,), (1, 2, 3, 30), tuple(range(1, 60))])
def test_means_errors_and_icc_do_not_depend_on_the_parts(table: np.ndarray, ends: tuple[int, ...]) -> None:
    sums = SeedSums.of(*in_parts(table, *ends))
    assert sums.prompts == PROMPTS
    np.testing.assert_allclose(sums.mean, table.mean(axis=1), rtol=1e-13)
    np.testing.assert_allclose(sums.stderr, stderr_of_mean(table - table.mean(axis=0)), rtol=1e-11)
    expected, found = icc(table), sums.icc()
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high), rel=1e-10
    )


def test_two_tables_side_by_side_are_one(table: np.ndarray) -> None:
    first, second = (SeedSums.of(part) for part in in_parts(table, 23))
    both = first.with_those_of(second)
    np.testing.assert_allclose(both.mean, table.mean(axis=1), rtol=1e-13)
    assert both.icc().value == pytest.approx(icc(table).value, rel=1e-10)
    assert (first.prompts, second.prompts) == (23, 37)


@pytest.mark.parametrize(
    ("table", "share"), [(np.full((5, 4), 0.1), 0.0), (np.arange(5.0)[:, None] / 3 + np.zeros(4), 1.0)]
)
def test_a_table_without_chance_in_it_has_no_share_or_all_of_it(table: np.ndarray, share: float) -> None:
    assert SeedSums.of(*in_parts(table, 1, 3)).icc().value == icc(table).value == share


def test_one_prompt_has_no_error() -> None:
    np.testing.assert_array_equal(SeedSums.of(np.ones((3, 1))).stderr, 0)


@pytest.mark.parametrize("ends", [(), (7, 40)])
@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_gains_are_those_of_the_bootstrap_over_the_whole_table(
    table: np.ndarray, ends: tuple[int, ...], direction: str
) -> None:
    other = np.random.default_rng(8).normal(size=table.shape)
    chosen = {"best": [int(p) for p in order_of(table.mean(axis=1))[:9]], "first": list(range(9))}
    parts = [{"a": one, "b": two} for one, two in zip(in_parts(table, *ends), in_parts(other, *ends), strict=True)]
    found = held_out_gains(parts, PROMPTS, SEEDS, chosen, {"a": direction, "b": "higher"})
    assert set(found) == {"best", "first"}
    for rule, positions in chosen.items():
        for metric, values, way in (("a", table, direction), ("b", other, "higher")):
            expected = bootstrap_gain(values, positions, way).as_dict()
            assert found[rule][metric].as_dict() == pytest.approx(expected, rel=1e-9, abs=1e-12)
