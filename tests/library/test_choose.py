"""Golden seeds follow their rule on the selection prompts; what speaks for them comes from the held-out ones."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.banks import Bank, Choice, make_bank, pick
from goodseed.errors import ChoiceError
from tests.library.bank_maker import make_test_bank, sound_info, sound_tensors


def bank_of(score: list[float], fid: list[float]) -> Bank:
    """Return a bank with these selection means: score is better high, fid better low."""
    tensors = sound_tensors(len(score))
    tensors["metric.score.mean"] = np.array(score, dtype=np.float32)
    tensors["metric.fid.mean"] = np.array(fid, dtype=np.float32)
    tensors["trait.border"][:] = 0
    return make_bank(tensors, sound_info())


few_values = st.integers(1, 14).flatmap(
    lambda size: st.tuples(*[st.lists(st.integers(0, 6), min_size=size, max_size=size)] * 2)
)


@settings(max_examples=100, deadline=None)
@given(few_values)
def test_the_paper_rule_is_the_intersection_of_the_top_lists(values: tuple[list[int], list[int]]) -> None:
    score, fid = values
    bank = bank_of(list(map(float, score)), list(map(float, fid)))
    size = len(score)
    for top in range(1, size + 1):
        best_score = set(sorted(range(size), key=lambda i: (-score[i], i))[:top])
        best_fid = set(sorted(range(size), key=lambda i: (fid[i], i))[:top])
        both = best_score & best_fid
        if both:
            assert set(pick(bank, "paper", k=size, top=top).seeds) == both
        else:
            with pytest.raises(ChoiceError, match="no seed stands in every list"):
                pick(bank, "paper", k=size, top=top)


@settings(max_examples=100, deadline=None)
@given(few_values)
def test_pareto_goes_front_by_front_of_seeds_that_none_beats(values: tuple[list[int], list[int]]) -> None:
    score, fid = values
    size = len(score)
    chosen = pick(bank_of(list(map(float, score)), list(map(float, fid))), "pareto", k=size).seeds
    left = set(range(size))
    fronts = []
    while left:
        beaten = {
            i
            for i, j in itertools.permutations(left, 2)
            if score[j] >= score[i] and fid[j] <= fid[i] and (score[j], fid[j]) != (score[i], fid[i])
        }
        fronts.append(left - beaten)
        left = beaten
    position = 0
    for front in fronts:
        assert set(chosen[position : position + len(front)]) == front
        position += len(front)


@settings(max_examples=100, deadline=None)
@given(few_values)
def test_rank_sum_orders_by_the_sum_of_both_ranks_and_then_by_position(values: tuple[list[int], list[int]]) -> None:
    score, fid = values
    size = len(score)
    sums = [sum(s > score[i] for s in score) + sum(f < fid[i] for f in fid) for i in range(size)]
    chosen = pick(bank_of(list(map(float, score)), list(map(float, fid))), "rank-sum", k=size).seeds
    assert chosen == sorted(range(size), key=lambda i: (sums[i], i))


def test_a_metrics_name_is_a_rule_that_knows_its_direction() -> None:
    bank = bank_of([1, 3, 2, 3], [9, 7, 8, 6])
    assert pick(bank, "score", k=4).seeds == [1, 3, 2, 0]
    assert pick(bank, "fid", k=4).seeds == [3, 1, 2, 0]
    assert pick(bank, "score", k=2, worst=True).seeds == [0, 2]


@pytest.mark.parametrize("rule", ["paper", "rank-sum", "pareto", "score", "fid"])
def test_golden_seeds_are_better_and_inferior_ones_worse_on_the_held_out_prompts(rule: str) -> None:
    bank = make_test_bank(200)
    for worst, sign in ((False, 1), (True, -1)):
        choice = pick(bank, rule, k=20, worst=worst)
        for name in ("score", "fid"):
            gain = choice.evidence["held_out"][name]
            assert sign * gain["gain"] > 0
            assert gain["low"] < gain["gain"] < gain["high"]


@pytest.mark.parametrize("rule", ["paper", "rank-sum", "pareto", "score"])
def test_a_smaller_k_gives_the_beginning_of_a_larger_one(rule: str) -> None:
    bank = make_test_bank(60)
    most = pick(bank, rule, k=60).seeds
    for k in range(1, len(most) + 1):
        assert pick(bank, rule, k=k).seeds == most[:k]


@pytest.mark.parametrize("rule", ["paper", "rank-sum", "pareto", "score"])
def test_the_held_out_prompts_have_no_part_in_the_choice(rule: str) -> None:
    tensors = sound_tensors(60)
    chosen = pick(make_bank(tensors, sound_info()), rule).seeds
    for name in tensors:
        if name.startswith("heldout.") and name.endswith(".mean"):
            tensors[name] = -tensors[name]
    assert pick(make_bank(tensors, sound_info()), rule).seeds == chosen


@given(st.integers(1, 40), st.sampled_from(["rank-sum", "pareto", "score"]))
@settings(max_examples=30, deadline=None)
def test_seeds_with_a_trait_to_avoid_are_left_out_and_the_others_keep_their_order(k: int, rule: str) -> None:
    bank = make_test_bank()  # the upper half has borders in 75 % of its images
    if k > 20:
        with pytest.raises(ChoiceError, match="the traits to avoid leave 20 seeds"):
            pick(bank, rule, k=k, avoid=["border"])
        return
    without = pick(bank, rule, k=k, avoid=["border"])
    assert all(seed < 20 for seed in without.seeds)
    assert without.settings["avoid"] == {"border": 0.5}
    if rule != "pareto":
        assert without.seeds == [seed for seed in pick(bank, rule, k=40).seeds if seed < 20][:k]
    assert pick(bank, rule, k=k, avoid={"border": 0.75}).seeds == pick(bank, rule, k=k).seeds


def test_the_default_list_is_a_quarter_of_the_seeds_and_its_overlap_stands_beside_chance() -> None:
    choice = pick(make_test_bank(1024), "paper", k=5)
    assert choice.settings["top"] == 256
    overlap = choice.evidence["overlap"]
    assert (overlap["chance"], overlap["chance_low"], overlap["chance_high"]) == (64, 52, 76)
    assert overlap["both"] > 200


def test_lists_that_share_no_more_than_chance_are_called_so() -> None:
    random = np.random.default_rng(3)
    bank = bank_of(list(random.random(200)), list(random.random(200)))
    choice = pick(bank, "paper", k=3)
    assert any("no more than chance" in note for note in choice.notes)


def test_fewer_golden_seeds_than_asked_for_is_said_and_none_is_filled_in() -> None:
    bank = bank_of([4, 3, 2, 1, 0, 0, 0, 0], [0, 9, 8, 7, 6, 5, 4, 3])
    choice = pick(bank, "paper", k=3)
    assert choice.seeds == [0]
    assert choice.notes[0] == "Only 1 seeds stand in every list's top 2; 3 were asked for."


def test_no_sure_effect_of_the_seed_is_said() -> None:
    info = sound_info()
    info["reliability"]["icc"]["score"] = {"value": 0.01, "low": -0.01, "high": 0.03}
    notes = pick(make_bank(sound_tensors(), info)).notes
    assert any("no sure effect of the seed on score" in note for note in notes)
    assert not any("no sure effect" in note for note in pick(make_test_bank()).notes)


def test_a_gain_that_cannot_be_told_from_none_is_said() -> None:
    tensors = sound_tensors()
    tensors["heldout.score.mean"][:] = np.tile([0, 1], 20)
    tensors["heldout.score.stderr"][:] = 5
    notes = pick(make_bank(tensors, sound_info()), "fid").notes
    assert notes == ["On the held-out prompts the gain in score cannot be told from none."]


def test_a_bank_with_one_metric_picks_by_it() -> None:
    info = sound_info()
    del info["metrics"]["fid"]
    tensors = {name: array for name, array in sound_tensors().items() if ".fid." not in name}
    bank = make_bank(tensors, info)
    assert pick(bank, "paper", k=5).seeds == pick(bank, "score", k=5).seeds
    assert "overlap" not in pick(bank, "paper", k=5).evidence


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"rule": "best"},
            r"rule 'best': there is none of this name; give paper, rank-sum, pareto, clean, or .*\(fid, score\)",
        ),
        ({"k": 41}, "k 41: the bank holds 40 seeds"),
        ({"k": 0}, "k 0: the bank holds 40 seeds; give k in 1…40"),
        ({"k": -1}, "k -1"),
        ({"top": 41}, "top 41: the bank holds 40 seeds"),
        ({"top": 0}, "top 0"),
        ({"avoid": ["sky"]}, "avoid 'sky': the bank holds the traits border"),
        ({"avoid": "sky"}, "avoid 'sky'"),
        ({"avoid": {"border": 1.5}}, "avoid 'border': the limit 1.5 is no share"),
        ({"avoid": {"border": float("nan")}}, "avoid 'border': the limit nan is no share"),
        ({"avoid": {"border": 0.5}, "k": 21}, "k 21: the traits to avoid leave 20 seeds"),
    ],
)
def test_what_a_bank_cannot_answer_is_refused_in_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ChoiceError, match=message) as caught:
        pick(make_test_bank(), **arguments)
    assert "\n" not in str(caught.value)


def test_when_every_seed_has_the_trait_the_limit_is_to_blame() -> None:
    tensors = sound_tensors()
    tensors["trait.border"][:] = 1
    with pytest.raises(ChoiceError, match="every seed of the bank exceeds the limits"):
        pick(make_bank(tensors, sound_info()), avoid=["border"])


def test_a_bank_without_metrics_has_no_golden_seeds() -> None:
    info = {**sound_info(), "metrics": {}}
    tensors = {name: a for name, a in sound_tensors().items() if ".fid." not in name and ".score." not in name}
    with pytest.raises(ChoiceError, match="the bank holds no metric"):
        pick(make_bank(tensors, info))


def test_a_choice_as_a_dict_holds_seeds_rule_bank_and_evidence() -> None:
    choice = pick(make_test_bank(), k=2)
    assert isinstance(choice, Choice)
    found = choice.as_dict()
    assert found["seeds"] == choice.seeds
    assert found["bank"] == make_test_bank().id
    assert found["rule"] == "paper"
    assert set(found["scores"]) == {"fid", "score"}
    assert all(type(seed) is int for seed in found["seeds"])
