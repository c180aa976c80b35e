"""Claims: a swap lies where its text says, and what is no swap is refused in one line."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goodseed.determinism import known
from goodseed.errors import GoodSeedError, SeedError, SwapError
from goodseed.noise.swap import MOST_STEPS, Swap, make_plan, parse_swaps
from goodseed.noise.swap_report import NOISY, Told, obstacle
from goodseed.seeds import MAX_SEED

seeds = st.integers(0, MAX_SEED)
swaps = st.one_of(
    st.builds(Swap, st.integers(0, MOST_STEPS).map(float), st.just("step"), seeds),
    st.builds(Swap, st.integers(0, 1000).map(lambda part: part / 1000), st.just("fraction"), seeds),
)


@given(st.lists(swaps, min_size=1, max_size=5))
def test_a_text_gives_its_swaps_back(asked: list[Swap]) -> None:
    found = parse_swaps(format_swaps(asked))
    assert [(swap.unit, swap.seed) for swap in found] == [(swap.unit, swap.seed) for swap in asked]
    assert [swap.at for swap in found] == pytest.approx([swap.at for swap in asked])
    assert [swap.step(1000) for swap in found] == [swap.step(1000) for swap in asked]


@given(st.text(alphabet="0123456789:%,.- \nxe", max_size=30))
def test_any_text_is_swaps_or_one_line(text: str) -> None:
    try:
        found = parse_swaps(text)
    except GoodSeedError as error:
        complaint = str(error)
    else:
        complaint = ""
        assert all(0 <= swap.step(MOST_STEPS) <= MOST_STEPS for swap in found)
    assert "\n" not in complaint


@pytest.mark.parametrize(
    "text", ["", ",", "5", "5:", ":5", "5: -1", "-5: 1", "5 6: 1", "101%: 1", "10001: 1", "5.5: 1", "5: 1,", "nan: 1"]
)
def test_what_is_no_swap_is_refused(text: str) -> None:
    with pytest.raises(SwapError):
        parse_swaps(text)


@pytest.mark.parametrize(
    ("at", "unit"),
    [(-1, "step"), (2.5, "step"), (10001, "step"), (float("nan"), "step"), (float("inf"), "step"), (-0.1, "fraction"),
     (1.01, "fraction"), (float("nan"), "fraction"), (0.5, "percent")],
)  # fmt: skip
def test_a_swap_at_no_step_is_refused(at: float, unit: str) -> None:
    with pytest.raises(SwapError):
        Swap(at, unit, 1)


def test_seeds_are_those_of_comfyui() -> None:
    assert parse_swaps(f"1: {MAX_SEED}")[0].seed == MAX_SEED
    for seed in (-1, MAX_SEED + 1):
        with pytest.raises(SeedError):
            Swap(1, "step", seed)
    with pytest.raises(SeedError):
        parse_swaps(f"1: {MAX_SEED + 1}")


@given(st.integers(0, 100), st.integers(1, 2000))
def test_a_fraction_is_the_nearest_step_halves_up(percent: int, steps: int) -> None:
    exact = Fraction(percent, 100) * steps
    assert Swap(percent / 100, "fraction", 0).step(steps) == (2 * exact + 1) // 2


@given(st.dictionaries(st.integers(0, 30), seeds, max_size=5), st.integers(0, 10), st.integers(0, 40), seeds)
def test_each_step_has_the_seed_of_the_last_swap_before_it(
    at: dict[int, int], start: int, place: int, first: int
) -> None:
    plan = make_plan([Swap(step, "step", seed) for step, seed in at.items()], 30, start)
    before = [step for step in sorted(at) if step <= start + place]
    assert plan.seed_at(place, first) == (at[before[-1]] if before else first)
    assert plan.seed_at(place, first) in plan.seeds(first)
    assert plan.seeds(first)[0] == first


def test_two_swaps_at_one_step_are_refused() -> None:
    with pytest.raises(SwapError, match="two seeds from step 5 on, 1 and 2"):
        make_plan(parse_swaps("5: 1, 50%: 2"), 10)


def test_the_groups_of_samplers_do_not_overlap_and_every_sibling_has_step_noise() -> None:
    assert not NOISY & known.QUIET_SAMPLERS
    assert known.STOCHASTIC_SIBLINGS.keys() <= known.QUIET_SAMPLERS
    assert {name for names in known.STOCHASTIC_SIBLINGS.values() for name in names} <= NOISY


def test_an_obstacle_names_only_samplers_that_are_offered() -> None:
    offered = {"euler_ancestral", "dpm_2_ancestral"}
    assert obstacle("heun", True, {}, offered).endswith("Sample with dpm_2_ancestral to swap.")
    assert obstacle("uni_pc", True, {}, offered).endswith("Sample with euler_ancestral to swap.")
    assert not obstacle("euler_ancestral", True, {"eta": 0.5}, offered)
    assert not obstacle("lcm", True, {"s_noise": 0, "s_noise_end": 1}, offered)


def test_a_swap_where_no_noise_was_drawn_is_said_to_have_no_effect() -> None:
    plan = make_plan(parse_swaps("2: 7, 5: 8"), 8)
    told = Told("sa_solver", 8, plan, seed=1, draws={2: 1, 3: 1, 4: 1})
    assert list(told.lines()) == [
        "sa_solver, steps 0 to 7.",
        "Step noise: seed 1 from step 0, seed 7 from step 2, seed 8 from step 5.",
        "No noise was added from step 5 to 7: the swap has no effect.",
    ]


def format_swaps(swaps: Iterable[Swap]) -> str:
    """Return a text from which `parse_swaps` gives the swaps back."""
    return ", ".join(
        f"{swap.at * 100:.15g}%: {swap.seed}" if swap.unit == "fraction" else f"{int(swap.at)}: {swap.seed}"
        for swap in swaps
    )
