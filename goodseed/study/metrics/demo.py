"""The demo model's judge in the roles of the other metrics: offline, for pictures of the demo model's world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from goodseed.demo.judge import DemoJudge
from goodseed.study.interfaces import Measurements

_ENTRIES = {
    "score": ("metrics", "score"),
    "fid": ("metrics", "fid"),
    "style": ("features", "style"),
    "composition": ("features", "composition"),
}


class DemoRole:
    """One of the things that the demo judge measures, or all of them.

    Args:
        role: score, fid, style, composition or traits; nothing for all.
    """

    def __init__(self, role: str = "") -> None:
        self.role = role
        self._judge = DemoJudge()

    def describe(self) -> dict[str, Any]:
        """Return the role's entries, as the demo judge describes them."""
        about = self._judge.describe()
        reference = {"reference": about["reference"]} if self.role in ("", "fid") else {}
        if not self.role:
            return about
        if self.role == "traits":
            return {"traits": about["traits"]}
        kind, name = _ENTRIES[self.role]
        return {**reference, kind: {name: about[kind][name]}}

    def check_prompt(self, prompt: str) -> None:
        """Return if `prompt` can be judged.

        Raises:
            PromptError: when it names no object of the demo model's world.
        """
        self._judge.check_prompt(prompt)

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Measure pictures uint8 [B, 128, 128, 3] made from `prompt`."""
        found = self._judge.measure(images, prompt)
        if not self.role:
            return found
        return Measurements(
            metrics=dict(found.metrics) if self.role == "score" else {},
            traits=dict(found.traits) if self.role == "traits" else {},
            quality=found.quality if self.role == "fid" else None,
            style=found.style if self.role == "style" else None,
            composition=found.composition if self.role == "composition" else None,
        )

    def reference(self, prompts: Sequence[str]) -> np.ndarray:
        """Return the features float32 [1536, 64] of scenes drawn from `prompts`."""
        return self._judge.reference(prompts)
