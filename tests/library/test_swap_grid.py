"""The runs of a seed-swap figure: which, in which order, under which label."""

from __future__ import annotations

import pytest

from goodseed.errors import GoodSeedError
from goodseed.grid import arrange
from goodseed.noise.swap import Swap
from goodseed.noise.swap_grid import MOST_RUNS, Run, plan_grid


def test_a_row_goes_from_the_first_seed_to_the_second() -> None:
    assert plan_grid("7", "9", "0.75, 50 %, 0") == [
        Run(7, 7, 0.0, 7, "7 to 9 | first seed alone"),
        Run(7, 9, 0.75, 7, "7 to 9 | swap at 75 %"),
        Run(7, 9, 0.5, 7, "7 to 9 | swap at 50 %"),
        Run(7, 9, 0.0, 7, "7 to 9 | swap at 0 %"),
        Run(7, 7, 0.0, 9, "7 to 9 | second seed's first noise"),
        Run(9, 9, 0.0, 9, "7 to 9 | second seed alone"),
    ]


def test_each_reference_column_can_be_left_out() -> None:
    whole = plan_grid("7", "9", "0.5")
    for place, name in ((0, "alone"), (2, "first_noise"), (3, "other_alone")):
        assert plan_grid("7", "9", "0.5", **{name: False}) == [*whole[:place], *whole[place + 1 :]]


@pytest.mark.parametrize(
    ("seeds", "others", "pairs"),
    [
        ("0-2", "100-102", [(0, 100), (1, 101), (2, 102)]),
        ("5, 1", "9, 8", [(5, 9), (1, 8)]),
        ("0-2", "9", [(0, 9), (1, 9), (2, 9)]),
        ("9", "0-1", [(9, 0), (9, 1)]),
        ("18446744073709551615", "0", [(2**64 - 1, 0)]),
    ],
)
def test_seeds_make_pairs(seeds: str, others: str, pairs: list[tuple[int, int]]) -> None:
    runs = plan_grid(seeds, others, "0.5", alone=False, first_noise=False, other_alone=False)
    assert [(run.seed, run.swap_seed) for run in runs] == pairs


def test_the_labels_make_a_full_table_in_the_order_of_the_runs() -> None:
    runs = plan_grid("0-2", "100-102", "0.5, 0")
    arrangement = arrange([run.label for run in runs])
    assert arrangement.rows == ("0 to 100", "1 to 101", "2 to 102")
    assert arrangement.places == tuple(divmod(place, 5) for place in range(15))


def test_every_fraction_is_one_that_the_sampler_takes() -> None:
    runs = plan_grid("0", "1", "0, .333, 100%")
    assert [Swap(run.swap_at, "fraction", run.swap_seed).step(12) for run in runs[1:4]] == [0, 4, 12]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("", "1", "0"), "is no seed"),
        (("0-2", "5-6", "0"), "swap_seeds: 2 for 3 seeds"),
        (("0", "1", "1.5"), "fractions: '1.5' is no fraction"),
        (("0", "1", "-0.1"), "is no fraction"),
        (("0", "1", "0.5,,0"), "'' is no fraction"),
        (("0", "1", "150 %"), "is no fraction"),
        (("0", "1", "nan"), "is no fraction"),
        (("0", "1", "0.5, 50%"), "stands twice"),
        (("0", "1", "9" * 5000), "is no fraction"),
        (("0-999999", "5", "0"), f"runs; ask for 1 to {MOST_RUNS}"),
        (("0", "1", "", False, False, False), "the grid has 0 runs"),
    ],
)
def test_what_makes_no_grid_is_refused_in_one_short_line(given: tuple[object, ...], message: str) -> None:
    with pytest.raises(GoodSeedError, match=message) as caught:
        plan_grid(*given)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)
