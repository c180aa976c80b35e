"""Prompts compared by code point: every change has a name and a place, also one that no screen shows."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.provenance.diff.prompts import describe, edits

LETTERS = "ab ,.(:1)éñ\u0301\u0303\u200b\u200d\u2019'\n\t\u00a0𝓍"


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (
            "the fish's eyes", "the fish\u2019s eyes",
            "U+2019 RIGHT SINGLE QUOTATION MARK where U+0027 APOSTROPHE, character 9",
        ),
        (
            "a café", "a cafe\u0301",
            "the same text in another Unicode form: NFC in A, NFD in B; U+0065 LATIN SMALL LETTER E, "
            "U+0301 COMBINING ACUTE ACCENT where U+00E9 LATIN SMALL LETTER E WITH ACUTE, character 6",
        ),
        ("a ball", "a ball ", "U+0020 SPACE only in B, character 7; blanks at the end, which cannot be seen"),
        (
            "a\u200bball", "aball",
            "U+200B ZERO WIDTH SPACE only in A, character 2; none of this can be seen on a screen",
        ),
        (
            "a ball", "a\u00a0ball",
            "U+00A0 NO-BREAK SPACE where U+0020 SPACE, character 2; none of this can be seen on a screen",
        ),
        ("a\nb", "a\r\nb", "U+000D CARRIAGE RETURN only in B, character 2; none of this can be seen on a screen"),
        ("red", "r\u0435d", "U+0435 CYRILLIC SMALL LETTER IE where U+0065 LATIN SMALL LETTER E, character 2"),
        ("a red ball, wet", "a blue ball, wet", "“blue” where “red”, character 3"),
        ("a ball", "a ball on grass", "“ on grass” only in B, character 7"),
        ("", "x", "“x” only in B, character 1"),
        ("😀 face", "😁 face", "U+1F601 GRINNING FACE WITH SMILING EYES where U+1F600 GRINNING FACE, character 1"),
    ],
)  # fmt: skip
def test_a_change_is_named_with_its_place(a: str, b: str, said: str) -> None:
    assert describe(a, b) == said


def test_many_changes_are_counted() -> None:
    assert describe("a b c d e f g", "a1 b1 c1 d1 e1 f1 g1").endswith("and 3 more places")


@given(st.text(LETTERS, max_size=60), st.text(LETTERS, max_size=60))
@settings(max_examples=300, deadline=None)
def test_the_edits_turn_one_text_into_the_other(a: str, b: str) -> None:
    text = list(a)
    for edit in reversed(edits(a, b)):
        place = edit.character_a - 1
        assert a[place : place + len(edit.a)] == edit.a
        assert b[edit.character_b - 1 : edit.character_b - 1 + len(edit.b)] == edit.b
        text[place : place + len(edit.a)] = edit.b
    assert "".join(text) == b


@given(st.text("aéñöABC ", min_size=1, max_size=40).filter(lambda text: not text.isascii()))
@settings(max_examples=100, deadline=None)
def test_another_unicode_form_of_a_text_is_said_to_be_that(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert describe(composed, decomposed).startswith("the same text in another Unicode form: NFC in A, NFD in B; ")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("a " * 500_000 + "x", "b " * 500_000),
        ("x" * 1_000_000, "x" * 999_999 + "y"),
        ("ab" * 200, "ba" * 150),
        (" ".join(["a" * 200 + "!"] * 190), " ".join(["a" * 201 + "?"] * 190)),
        ("é" * 1_000_000, "e\u0301" * 1_000_000),
    ],
)
def test_prompts_of_a_megabyte_take_less_than_a_second(a: str, b: str) -> None:
    start = time.process_time()
    assert describe(a, b)
    assert time.process_time() - start < 1
