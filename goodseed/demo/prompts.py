"""The demo model's two prompt sets: one to select seeds on, one held out. They share no prompt."""

from __future__ import annotations

import numpy as np

from goodseed.demo.words import BACKGROUNDS, MODIFIERS, OBJECTS, Caption
from goodseed.prompts import PromptSet

LICENCE = "CC0-1.0"
COUNT = 12
"""Prompts in each default set; `prompt_set` makes longer ones that begin with the same prompts."""

PAIRS = len(OBJECTS) * len(MODIFIERS) // 2
"""Pairs of an object and a modifier in each half: 78."""

ROUNDS = 1 + len(BACKGROUNDS)
"""How often each pair comes: without a background, then with each of them."""


def prompt_set(half: int, count: int = COUNT) -> PromptSet:
    """Return `count` (at most 390) prompts of half 0 or 1 of all object-modifier pairs, in a fixed mixed order.

    Neighbouring prompts name different objects, so that a short set still covers the world evenly. The first 78 leave
    the background to chance; then the same pairs come again in four rounds, in each with another background.
    """
    order = np.random.default_rng(7).permuted(np.arange(len(MODIFIERS)))
    pairs = [
        (name, MODIFIERS[order[(turn + 5 * place) % len(MODIFIERS)]])
        for turn in range(len(MODIFIERS))
        for place, name in enumerate(OBJECTS)
        if (turn + place) % 2 == half
    ]
    backgrounds = tuple(BACKGROUNDS)
    prompts = [Caption(name, modifier).text for name, modifier in pairs]
    for turn in range(len(backgrounds)):
        for place, (name, modifier) in enumerate(pairs):
            prompts.append(Caption(name, modifier, backgrounds[(place + turn) % len(backgrounds)]).text)
    return PromptSet(tuple(prompts[:count]), LICENCE)


SELECTION = prompt_set(0)
HELD_OUT = prompt_set(1)
