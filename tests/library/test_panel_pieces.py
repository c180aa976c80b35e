"""Pieces of two texts: put together they are the texts, and what nobody sees in them has its name."""

from __future__ import annotations

import unicodedata
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from goodseed.panel.pieces import CHANGED, KEPT_CHANGED, KEPT_SAME, ONLY_A, ONLY_B, SAME, Piece, pieces, shortened
from goodseed.provenance.diff import prompts

LETTERS = st.sampled_from([*"ab ,()\n", "é", "e", "\u0301", "\u0308", "\u00a0", "\u200b", "\ufe0f", "日", "🌅", "\t"])
TEXTS = st.text(LETTERS, max_size=40) | st.text(max_size=20)
WORDS = st.lists(st.sampled_from(["a", "red", "blue", "ball", "on", "\u00a0", "the", "hill", "sky,"]), max_size=9).map(
    " ".join
)


def together(found: list[Piece]) -> tuple[str, str]:
    return "".join(piece.a for piece in found), "".join(piece.b for piece in found)


@settings(max_examples=400, deadline=None)
@given(TEXTS | WORDS, TEXTS | WORDS, st.sampled_from([0, 3, 400]))
def test_pieces_put_together_are_the_two_texts(a: str, b: str, most_aligned: int) -> None:
    with mock.patch.object(prompts, "MOST_ALIGNED", most_aligned):  # longer texts are held together by single words
        found = pieces(a, b)
    assert together(found) == (a, b)
    for piece in found:
        match piece.kind:
            case "same":
                assert piece.a == piece.b != ""
                assert piece.names == ()
            case "only-a":
                assert piece.a
                assert not piece.b
            case "only-b":
                assert piece.b
                assert not piece.a
            case _:
                assert piece.a
                assert piece.b
                assert piece.a != piece.b


@settings(max_examples=200, deadline=None)
@given(st.text(LETTERS, max_size=40), st.integers(0, 40), LETTERS)
def test_one_letter_put_in_is_found_and_what_is_invisible_is_named(text: str, place: int, letter: str) -> None:
    changed = text[:place] + letter + text[place:]
    found = [piece for piece in pieces(text, changed) if piece.kind != SAME]
    assert found
    assert all(len(piece.b) - len(piece.a) <= 6 for piece in found)
    if letter in "\u00a0\u200b\ufe0f\t":
        code = f"U+{ord(letter):04X}"
        assert any(name.startswith(code) for piece in found for name in piece.names)


def test_a_no_break_space_stands_alone_with_its_name() -> None:
    assert pieces("a red ball", "a red\u00a0ball") == [
        Piece(SAME, "a red", "a red"),
        Piece(CHANGED, " ", "\u00a0", ("U+0020 SPACE", "U+00A0 NO-BREAK SPACE")),
        Piece(SAME, "ball", "ball"),
    ]


def test_words_are_pieces_and_their_letters_are_not_named() -> None:
    assert pieces("a red ball", "a blue ball here") == [
        Piece(SAME, "a ", "a "),
        Piece(CHANGED, "red", "blue"),
        Piece(SAME, " ball", " ball"),
        Piece(ONLY_B, "", " here"),
    ]
    assert pieces("a red ball", "a ball")[1].kind == ONLY_A


def test_forms_of_unicode_are_named_with_the_letter_that_carries_the_mark() -> None:
    a = "caf\u00e9 noir"
    changed = [piece for piece in pieces(a, unicodedata.normalize("NFD", a)) if piece.kind != SAME]
    assert [(piece.a, piece.b) for piece in changed] == [("\u00e9", "e\u0301")]
    assert "U+0301 COMBINING ACUTE ACCENT" in changed[0].names


def test_equal_texts_are_one_piece_and_empty_ones_none() -> None:
    assert pieces("a", "a") == [Piece(SAME, "a", "a")]
    assert pieces("", "") == []


def test_long_pieces_keep_both_ends() -> None:
    same, other = "x" * 5000, "y" * 50_000
    first, second = shortened(pieces(f"{same} a", f"{same} {other}"))
    assert first.cut
    assert second.cut
    assert len(first.a) == KEPT_SAME + 1
    assert len(second.b) == KEPT_CHANGED + 1
    assert (first.a[:3], first.a[-3:], first.a.count("…")) == ("xxx", "xx ", 1)
    short = pieces("a b", "a c")
    assert shortened(short) == short


def test_changes_far_apart_in_a_long_text_are_two_places() -> None:
    words = [f"word{number}" for number in range(3000)]
    a = " ".join(words)
    b = " ".join(["another" if number in (100, 2900) else word for number, word in enumerate(words)])
    changed = [piece for piece in pieces(a, b) if piece.kind != SAME]
    assert [(piece.a, piece.b) for piece in changed] == [("word100", "another"), ("word2900", "another")]
