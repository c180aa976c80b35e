"""Diverse seeds: farthest point sampling equals its definition, and the sets it gives are varied."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.banks import diverse, farthest_point_sampling, make_bank, pick, similarity
from goodseed.errors import ChoiceError, SeedError
from tests.library.bank_maker import make_test_bank, sound_info, sound_tensors

GRID = 64
"""Features in the cases are multiples of 1/64 within ±2, so that float64 distances are exact."""


def by_definition(rows: list[list[int]], n: int, start: int) -> list[int]:
    """Equation 1 in whole numbers: the row farthest from its nearest chosen one; of equals the first."""
    chosen = [start]
    while len(chosen) < n:
        best, best_distance = -1, -1
        for candidate, row in enumerate(rows):
            if candidate in chosen:
                continue
            distance = min(sum((a - b) ** 2 for a, b in zip(row, rows[other], strict=True)) for other in chosen)
            if distance > best_distance:
                best, best_distance = candidate, distance
        chosen.append(best)
    return chosen


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[list[int]], int, int]:
    count, width = draw(st.integers(1, 14)), draw(st.integers(1, 5))
    # A coarse grid has many ties and copies of rows, a fine one few.
    reach = draw(st.sampled_from([1, 3, 127]))
    values = draw(st.binary(min_size=count * width, max_size=count * width))
    whole = [value % (2 * reach + 1) - reach for value in values]
    rows = [whole[first : first + width] for first in range(0, count * width, width)]
    return rows, draw(st.integers(1, count)), draw(st.integers(0, count - 1))


@settings(max_examples=300, deadline=None)
@given(cases())
def test_farthest_point_sampling_equals_brute_force(case: tuple[list[list[int]], int, int]) -> None:
    rows, n, start = case
    features = np.array(rows, dtype=np.float32).reshape(len(rows), -1) / GRID
    assert farthest_point_sampling(features, n, start) == by_definition(rows, n, start)


def test_more_rows_than_one_block_holds_are_sampled_as_one_table() -> None:
    rows = np.random.default_rng(0).integers(-1000, 1000, (700, 200))  # 140,000 values
    assert farthest_point_sampling(rows / GRID, 5, 699) == by_definition(rows.tolist(), 5, 699)


def test_a_torch_tensor_gives_what_its_numbers_give() -> None:
    features = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    assert farthest_point_sampling(features, 6, 7) == farthest_point_sampling(features.numpy(), 6, 7)


def test_large_offsets_do_not_drown_the_differences() -> None:
    # In |a|²−2ab+|b|² with float32 these rows would all be one.
    features = np.array([[4096.0], [4096.25], [4097.0], [4096.5]], dtype=np.float32)
    assert farthest_point_sampling(features, 3, 0) == [0, 2, 3]


@pytest.mark.parametrize(
    ("features", "n", "start"),
    [
        (np.zeros((3, 2)), 4, 0),
        (np.zeros((3, 2)), 0, 0),
        (np.zeros((3, 2)), 2, 3),
        (np.zeros((3, 2)), 2, -1),
        (np.zeros(3), 2, 0),
        (np.array([[0.0], [np.nan]]), 2, 0),
        (np.array([[np.nan], [0.0]]), 2, 0),
        (np.array([[0.0], [np.inf]]), 2, 0),
    ],
)
def test_sampling_refuses_what_it_cannot_answer(features: np.ndarray, n: int, start: int) -> None:
    with pytest.raises(ChoiceError):
        farthest_point_sampling(features, n, start)


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 5), st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32))
def test_similarity_is_the_mean_cosine_of_pairs_averaged_over_prompts(c: int, p: int, d: int, seed: int) -> None:
    features = np.random.default_rng(seed).standard_normal((c, p, d))
    cosines = [
        features[i, q] @ features[j, q] / np.linalg.norm(features[i, q]) / np.linalg.norm(features[j, q])
        for q in range(p)
        for i in range(c)
        for j in range(i)
    ]
    assert similarity(features) == pytest.approx(np.mean(cosines), abs=1e-12)


def test_similarity_of_copies_is_one_and_of_nothing_zero() -> None:
    one = np.random.default_rng(0).standard_normal((1, 3, 4))
    assert similarity(np.repeat(one, 4, axis=0)) == pytest.approx(1)
    assert similarity(np.zeros((4, 3, 2))) == 0
    with pytest.raises(ChoiceError, match="similarity"):
        similarity(one)


def test_diverse_seeds_are_sampled_from_the_banks_features_start_first() -> None:
    bank = make_test_bank()
    for by in ("style", "composition"):
        expected = farthest_point_sampling(bank.tensors[f"feature.{by}"], 5, 17)
        assert diverse(bank, by, n=5, start=17).seeds == expected  # seed i stands at position i


def test_seeds_not_positions_are_returned_also_above_2_63() -> None:
    tensors = sound_tensors(10)
    expected = diverse(make_bank(tensors, sound_info()), n=3, start=4).seeds
    seeds = [2**64 - 1 - i for i in range(10)]
    tensors["seeds"] = np.array(seeds, dtype=np.uint64).view(np.int64)
    found = diverse(make_bank(tensors, sound_info()), n=3, start=seeds[4]).seeds
    assert found == [seeds[position] for position in expected]


def test_both_weighs_style_and_composition_alike_whatever_their_units() -> None:
    tensors = sound_tensors()
    before = diverse(make_bank(tensors, sound_info()), "both", n=6, start=0).seeds
    tensors["feature.style"] = tensors["feature.style"] * np.float32(1024)
    assert diverse(make_bank(tensors, sound_info()), "both", n=6, start=0).seeds == before


def test_the_start_is_drawn_by_the_random_state_alone() -> None:
    bank = make_test_bank()
    np.random.seed(1)
    first = [diverse(bank, random_state=state).seeds[0] for state in range(30)]
    np.random.seed(2)
    assert [diverse(bank, random_state=state).seeds[0] for state in range(30)] == first
    assert len(set(first)) > 10


def test_within_golden_all_seeds_are_golden() -> None:
    bank = make_test_bank(80)
    golden = set(pick(bank, "paper", k=80).seeds)
    found = diverse(bank, n=4, within="golden")
    assert set(found.seeds) <= golden
    assert found.settings["rule"] == "paper"
    best_quarter = set(pick(bank, "rank-sum", k=20).seeds)
    assert set(diverse(bank, n=4, within="golden", rule="rank-sum").seeds) <= best_quarter


def test_planted_groups_are_each_met_once_and_the_evidence_says_so() -> None:
    tensors = sound_tensors()
    groups = np.arange(40) % 4
    corners = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float32)[groups]
    tensors["feature.style"] = np.tile(corners, (1, 4))
    tensors["heldout.feature.style"] = np.tile(corners, (1, 2))
    choice = diverse(make_bank(tensors, sound_info()), "style", n=4, start=5)
    assert sorted(seed % 4 for seed in choice.seeds) == [0, 1, 2, 3]
    measured = choice.evidence["similarity"]["style"]
    assert measured["prompts"] == "held_out"
    assert measured["similarity"] == pytest.approx(-1 / 3)
    assert measured["similarity"] < measured["random"]


def test_evidence_without_held_out_features_says_that_it_is_from_the_selection_prompts() -> None:
    assert diverse(make_test_bank(), "composition").evidence["similarity"]["composition"]["prompts"] == "selection"


def test_one_seed_is_a_set_without_similarity() -> None:
    choice = diverse(make_test_bank(), n=1, start=3)
    assert (choice.seeds, choice.evidence, choice.notes) == ([3], {}, [])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"by": "colour"}, ChoiceError, "by 'colour': the bank holds the features composition, style"),
        ({"n": 41}, ChoiceError, "n 41: the bank holds 40 seeds"),
        ({"n": 0}, ChoiceError, "n 0"),
        ({"start": 40}, ChoiceError, "start 40: is not among the 40 seeds that the bank holds"),
        ({"start": -1}, SeedError, "start: -1 is outside"),
        ({"start": 2**64}, SeedError, "start: 18446744073709551616 is outside"),
        ({"within": "best"}, ChoiceError, "within 'best': is none of all, golden"),
        ({"within": "golden", "rule": "best"}, ChoiceError, "rule 'best'"),
        ({"within": "golden", "n": 30}, ChoiceError, "n 30: rule paper calls golden [0-9]+ seeds"),
        ({"within": "golden", "start": 0}, ChoiceError, "start 0: is not among the [0-9]+ seeds that rule paper"),
    ],
)
def test_what_a_bank_cannot_answer_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        diverse(make_test_bank(), **arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("by", ["style", "both"])
def test_a_bank_without_features_says_how_to_get_some(by: str) -> None:
    tensors = {name: table for name, table in sound_tensors().items() if "feature." not in name}
    bank = make_bank(tensors, sound_info() | {"features": {}}, "test")
    with pytest.raises(ChoiceError, match=f"by '{by}': the bank holds no features; measure some with goodseed study"):
        diverse(bank, by)
