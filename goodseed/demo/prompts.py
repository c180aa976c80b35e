"""The demo model's two prompt sets: one to select seeds on, one held out. They share no prompt."""

from __future__ import annotations

import numpy as np

from goodseed.demo.words import MODIFIERS, OBJECTS, Caption
from goodseed.prompts import PromptSet

LICENCE = "CC0-1.0"
COUNT = 12
"""Prompts in each default set; `prompt_set` makes longer ones that begin with the same prompts."""


def prompt_set(half: int, count: int = COUNT) -> PromptSet:
    """Return `count` (at most 78) prompts of half 0 or 1 of all object-modifier pairs, in a fixed mixed order.

    Neighbouring prompts name different objects, so that a short set still covers the world evenly.
    """
    order = np.random.default_rng(7).permuted(np.arange(len(MODIFIERS)))
    prompts = []
    for turn in range(len(MODIFIERS)):
        for place, name in enumerate(OBJECTS):
            if (turn + place) % 2 == half:
                prompts.append(Caption(name, MODIFIERS[order[(turn + 5 * place) % len(MODIFIERS)]]).text)
    return PromptSet(tuple(prompts[:count]), LICENCE)


SELECTION = prompt_set(0)
HELD_OUT = prompt_set(1)
