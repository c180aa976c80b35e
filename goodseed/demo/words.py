"""The words of the demo model's world: objects, modifiers, backgrounds, and the prompts made of them."""

from __future__ import annotations

from dataclasses import dataclass

OBJECTS = ("ball", "box", "tent", "star", "heart", "moon", "ring", "cross", "tree", "house", "fish", "flower")
COLOURS = {
    "red": (214, 44, 44),
    "orange": (242, 138, 24),
    "yellow": (246, 218, 60),
    "green": (46, 158, 66),
    "blue": (44, 92, 214),
    "purple": (138, 60, 176),
    "white": (246, 246, 242),
    "black": (30, 28, 34),
}
SIZES = ("small", "big")
PATTERNS = ("striped", "dotted")
MODIFIERS = ("", *COLOURS, *SIZES, *PATTERNS)
"""What may stand before the object; the empty one leaves colour, size and pattern to chance."""

BACKGROUNDS = {"plain": "on a plain", "gradient": "on a gradient", "stripes": "on stripes", "sky": "under the sky"}
"""Kinds of background and the phrase that asks for one."""


@dataclass(frozen=True)
class Caption:
    """What a prompt of the demo model's world says; `background` is empty where chance decides."""

    object: str
    modifier: str = ""
    background: str = ""

    @property
    def text(self) -> str:
        article = "an" if (self.modifier or self.object)[0] in "aeiou" else "a"
        words = [article, self.modifier, self.object, BACKGROUNDS.get(self.background, "")]
        return " ".join(word for word in words if word)


def read_caption(prompt: str) -> Caption | None:
    """Return what `prompt` says in the demo model's words, or None where it names no object.

    The last object and the last modifier named count; words of other worlds are passed over.
    """
    words = "".join(c if c.isalnum() else " " for c in prompt.lower()).split()
    objects = [word for word in words if word in OBJECTS]
    if not objects:
        return None
    modifiers = [word for word in words if word and word in MODIFIERS]
    backgrounds = [word for word in words if word in BACKGROUNDS]
    return Caption(objects[-1], modifiers[-1] if modifiers else "", backgrounds[-1] if backgrounds else "")
