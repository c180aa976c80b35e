"""The nodes' report, and traits to avoid as the nodes read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from goodseed.banks import diverse, pick
from goodseed.banks.format import make_bank, write_bank
from goodseed.banks.limits import parse_limits
from goodseed.banks.summary import diverse_summary, golden_summary
from goodseed.cli import run
from goodseed.errors import ChoiceError
from goodseed.figures import fixed
from tests.library.bank_maker import make_test_bank, sound_info, sound_tensors


def test_the_report_names_the_seeds_place_in_each_metric() -> None:
    bank = make_test_bank()
    choice = pick(bank, "score", 3)
    report = golden_summary(bank, choice, 1)
    order = sorted(range(40), key=lambda position: -bank.metric("score")[position])
    assert choice.seeds[1] == bank.seeds[order[1]]
    assert report.startswith(f"**Seed {choice.seeds[1]}**: golden seed 2 of 3 by score, bank test")
    assert f"| score (higher is better) | {bank.metric('score')[order[1]]:.4g} | 2 of 40 |" in report
    assert "240 images, euler, simple, 16 steps, cfg 3, 128×128 px." in report


def test_the_report_counts_the_chosen_seeds_as_people_do() -> None:
    bank = make_test_bank()
    one, three = (golden_summary(bank, pick(bank, "score", count), 0) for count in (1, 3))
    assert "\nThe chosen seed on prompts that played no part in choosing it:" in one
    assert "\nThe 3 chosen seeds on prompts that played no part in choosing them:" in three


def test_the_report_carries_every_note_warning_and_interval() -> None:
    bank = make_test_bank()
    for choice in (pick(bank, "paper", 20), pick(bank, "rank-sum", 4, worst=True)):
        report = golden_summary(bank, choice, 0, ["It does not fit."])
        assert "**Warning:** It does not fit." in report
        assert all(note in report for note in choice.notes)
        assert all(f"({gain['low']:.3g}…{gain['high']:.3g})" in report for gain in choice.evidence["held_out"].values())
        assert "ICC 0.300 (0.200…0.400)" in report


def test_a_gain_that_nothing_says_the_error_of_has_no_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of two prompts a Fréchet distance has no standard error; an interval of no width would call it exact."""
    tensors = sound_tensors()
    tensors["heldout.fid.stderr"][:] = 0
    bank = make_bank(tensors, sound_info(), "test")
    choice = pick(bank, "score", 3)
    known, unknown = (choice.evidence["held_out"][name] for name in ("score", "fid"))
    assert known["low"] < known["gain"] < known["high"]
    assert (unknown["low"], unknown["high"]) == (None, None)
    assert "The held-out prompts are too few to say how far the gain in fid may be off." in choice.notes
    assert f"better by {unknown['gain']:.3g} (no interval)" in golden_summary(bank, choice, 0)
    path = tmp_path / "test.safetensors"
    write_bank(bank, path)
    assert run(["pick", str(path), "--rule", "score", "-k", "3"]) == 0
    shown = " ".join(capsys.readouterr().err.split())
    assert f"{fixed(unknown['gain'], 3)} │" in shown


def test_the_report_of_a_diverse_choice_sets_it_beside_random_seeds() -> None:
    bank = make_test_bank()
    choice = diverse(bank, "both", 4, within="golden")
    report = diverse_summary(bank, choice)
    assert f"Seeds: {', '.join(str(seed) for seed in choice.seeds)}" in report
    assert "golden seeds (paper)" in report
    for name, found in choice.evidence["similarity"].items():
        assert f"similarity in {name}" in report
        assert f"{found['random_low']:.3f}…{found['random_high']:.3f}" in report


def test_traits_to_avoid_are_read_with_and_without_limits() -> None:
    assert parse_limits("") == parse_limits(" , ") == {}
    assert parse_limits("border, gray = 0.25,word=1") == {"border": 0.5, "gray": 0.25, "word": 1.0}


@pytest.mark.parametrize("text", ["border=", "border=much", "border=0.2=3"])
def test_a_limit_that_is_no_number_is_one_clear_line(text: str) -> None:
    with pytest.raises(ChoiceError, match=r"is no number; write TRAIT or TRAIT=0\.3$"):
        parse_limits(text)
