"""What counts as text, and how much of it is the prompt's own."""

from __future__ import annotations

import pytest

from goodseed.inpaint import Word, mimicry
from goodseed.inpaint.words import SCORE, strength
from tests.library.ink_maker import rectangle


@pytest.mark.parametrize(
    ("text", "score", "counts"),
    [
        ("A", 0.9, True), ("A", 0.89, False), ("sale", 0.66, True), ("sale", 0.64, False),
        ("a whole line of text", 0.46, True), ("I", 1.0, False), ("O", 1.0, False), ("10", 0.9, True),
        ("C", 1.0, False), ("0000", 1.0, False), ("Q", 0.9, True), ("0001", 0.9, True),
        ("•—", 1.0, False), ("水", 0.9, True), ("一", 1.0, False), ("花园", 0.66, True), ("水", 0.89, False),
        ("DO0C", 0.89, False), ("2024", 0.66, True), ("mmmmm", 1.0, False), ("mmm", 0.9, True),
    ],
)  # fmt: skip
def test_what_counts_as_text(text: str, score: float, counts: bool) -> None:
    assert (strength(Word(rectangle(0, 0, 1, 1), text, score)) >= SCORE) is counts


@pytest.mark.parametrize(
    ("texts", "prompt", "expected"),
    [
        (["clear background"], "Clear Background", 1.0),
        (["clearbackground"], "clear background", 1.0),
        (["cleer backgroud"], "clear background", 1.0),
        (["sale"], "clear background", 0.0),
        (["clear", "sale2"], "a clear sky", 0.5),
        (["花园"], "美丽的花园", 1.0),
        ([], "clear", 0.0),
        (["clear"], "", 0.0),
    ],
)
def test_mimicry_is_the_share_of_letters_that_are_the_prompts(texts: list[str], prompt: str, expected: float) -> None:
    assert mimicry(texts, prompt) == pytest.approx(expected)
