"""Pictures with holes for the demo model to fill: drawn scenes, each with a mask over its object."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from goodseed.demo.scenes import Scene, draw_scene
from goodseed.demo.words import MODIFIERS, OBJECTS, Caption
from goodseed.study.interfaces import InpaintPair

LICENCE = "CC0-1.0"
GROW = 8
"""Pixels that a mask is grown by on each side: one cell of the latent, so that nothing of the object's edge is left."""

TASKS = {
    "removal": "the object is taken away: the prompt is 'clear background'",
    "completion": "the object is drawn again: the prompt is its name",
}
CLEAR = "clear background"
"""The paper's prompt. To the demo model both are unknown words, and it has met unknown words beside those it knows."""

_SEED = 17


def inpaint_pairs(count: int) -> tuple[tuple[InpaintPair, ...], tuple[InpaintPair, ...]]:
    """Return `count` pairs to choose seeds on and as many held out; a longer list begins with the shorter one."""
    first, second = (tuple(_pair(half, index) for index in range(count)) for half in (0, 1))
    return first, second


def _pair(half: int, index: int) -> InpaintPair:
    scene = _scene(half, index)
    grown = Image.fromarray(scene.mask).convert("L").filter(ImageFilter.MaxFilter(2 * GROW + 1))
    return InpaintPair(
        name=f"{'selection' if half == 0 else 'held-out'} {index}",
        image=scene.image,
        mask=(np.asarray(grown) > 0).astype(np.float32),
        prompts={"removal": CLEAR, "completion": Caption(scene.caption.object).text},
    )


def _scene(half: int, index: int) -> Scene:
    """Draw a scene without writing and border, in colour; every second object is big, so that words find room."""
    modifiers = ["big"] if index % 2 else [modifier for modifier in MODIFIERS if modifier != "small"]
    name = OBJECTS[(index + index // len(OBJECTS)) % len(OBJECTS)]  # big in one round, not in the next
    for attempt in range(1000):
        rng = np.random.default_rng([_SEED, half, index, attempt])
        scene = draw_scene(Caption(name, modifiers[int(rng.integers(len(modifiers)))]), rng)
        if not (scene.word or scene.border or scene.gray):
            return scene
    raise AssertionError("every scene of 1,000 has writing, a border or no colour")
