"""Seeds are read as users write them; what is no seed is named."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.errors import SeedError
from goodseed.seeds import MAX_SEED, check_seed, first_repeated, parse_seeds


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("7", [7]),
        ("0-3", [0, 1, 2, 3]),
        ("5,1, 3-4", [5, 1, 3, 4]),
        ("18446744073709551615", [2**64 - 1]),
        ("18446744073709551614-18446744073709551615", [2**64 - 2, 2**64 - 1]),
        ("0007", [7]),
    ],
)
def test_lists_and_ranges_are_read_in_their_order(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@settings(deadline=None)
@given(st.lists(st.integers(0, MAX_SEED), min_size=1, unique=True))
def test_any_seeds_that_comfyui_takes_can_be_listed(seeds: list[int]) -> None:
    assert parse_seeds(",".join(map(str, seeds))) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no seed"),
        ("1,,2", "'' is no seed"),
        ("-1", "'-1' is no seed"),
        ("1.5", "'1.5' is no seed"),
        ("0x10", "no seed"),
        ("18446744073709551616", "outside 0…18446744073709551615"),
        ("0-18446744073709551616", "outside"),
        ("9" * 5000, "is no seed"),
        ("3-1", "the range 3-1 runs backwards; write 1-3"),
        ("1,2,1", "seed 1 is named twice"),
        ("0-3,2", "seed 2 is named twice"),
        ("0-1000000", "more than 1000000 seeds"),
        ("0-18446744073709551615", "more than 1000000 seeds"),
    ],
)
def test_what_is_no_list_of_seeds_is_refused_in_one_short_line(text: str, message: str) -> None:
    with pytest.raises(SeedError, match=message) as caught:
        parse_seeds(text)
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_outside_comfyuis_range_is_refused_with_its_place(seed: int) -> None:
    with pytest.raises(SeedError, match=f"start: {seed} is outside"):
        check_seed(seed, "start")


def test_the_first_repeated_seed_is_found() -> None:
    assert first_repeated([3, 1, 2, 1, 3]) == 1
