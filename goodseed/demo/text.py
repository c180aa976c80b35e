"""From a prompt to tokens: one token a word of the demo model's world."""

from __future__ import annotations

import re

from goodseed.demo.words import BACKGROUNDS, MODIFIERS, OBJECTS

CONTEXT_LENGTH = 16
PAD, BEGIN, UNKNOWN = 0, 1, 2

_OTHER_WORDS = sorted({word for phrase in BACKGROUNDS.values() for word in phrase.split()} | {"a", "an"})
VOCABULARY = ("<pad>", "<begin>", "<unknown>", *OBJECTS, *(m for m in MODIFIERS if m), *_OTHER_WORDS)
_NUMBERS = {word: number for number, word in enumerate(VOCABULARY)}
_WORD = re.compile(r"\w+")


def word_tokens(text: str) -> list[int]:
    """Return a token for each word of `text`, of any length; unknown words give the token of the unknown."""
    return [_NUMBERS.get(word, UNKNOWN) for word in _WORD.findall(text.lower())]


def tokenize(text: str) -> list[int]:
    """Return `CONTEXT_LENGTH` tokens: begin, the first 15 words, padding."""
    tokens = [BEGIN, *word_tokens(text)][:CONTEXT_LENGTH]
    return tokens + [PAD] * (CONTEXT_LENGTH - len(tokens))
