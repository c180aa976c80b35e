"""The reports as plain text: no marks are left, and nothing that they say is lost."""

from __future__ import annotations

import re

import pytest

from goodseed.banks import diverse, pick
from goodseed.banks.summary import diverse_summary, golden_note, golden_summary
from goodseed.determinism.audit import Finding
from goodseed.determinism.report import Report
from goodseed.plain import plain
from tests.library.bank_maker import make_test_bank


def reports() -> dict[str, str]:
    bank = make_test_bank()
    found = [
        Finding("batch", "6", "Empty Latent (node 6): 4 items start from one draw.", "Keep batch_size."),
        Finding("random-seed", "7", "a|b (node 7): another seed.", "Set it to fixed."),
    ]
    return {
        "picker": golden_summary(bank, pick(bank, "paper", 3), 0, ["It does not fit."]),
        "diverse": diverse_summary(bank, diverse(bank, "both", 4)),
        "guard": str(Report("warn", guarded=["model"], findings=found)).replace("a|b", "a\\|b"),
        "off": str(Report("off")),
    }


@pytest.mark.parametrize("name", reports())
def test_no_mark_is_left_and_no_word_is_lost(name: str) -> None:
    markdown = reports()[name]
    text = plain(markdown)
    assert "**" not in text
    assert "|---" not in text
    assert set(re.findall(r"[\w.]*\w", markdown)) <= set(re.findall(r"[\w.]*\w", text)) | {
        "metric",
        "cause",
        "what",
        "fix",
    }


def test_a_row_of_numbers_keeps_its_heads_and_a_row_of_sentences_does_not() -> None:
    texts = {name: plain(markdown) for name, markdown in reports().items()}
    assert re.search(
        r"^- score \(higher is better\): selection prompts: \S+, place: \d+ of 40, held-out", texts["picker"], re.M
    )
    assert "- batch: Empty Latent (node 6): 4 items start from one draw. Keep batch_size." in texts["guard"]
    assert "- random-seed: a|b (node 7): another seed. Set it to fixed." in texts["guard"]


@pytest.mark.parametrize("text", ["", "plain", "2 * 3 ** 4", "a | b", "|", "| alone |", "|---|", "**open"])
def test_text_that_is_no_report_stays_as_it_is(text: str) -> None:
    assert plain(text) in (text, "")


def test_the_note_of_a_pick_names_the_seed_its_places_and_what_is_wrong() -> None:
    bank = make_test_bank()
    choice = pick(bank, "score", 3)
    first, second, *warnings = golden_note(bank, choice, 1, ["It does not fit."]).splitlines()
    assert first == f"Seed {choice.seeds[1]}: golden seed 2 of 3 by score, bank test"
    assert "score 2" in second
    assert warnings == ["It does not fit."]
