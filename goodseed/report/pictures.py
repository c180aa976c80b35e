"""The pictures that a report shows: only the cells asked for, made again by the generator, kept small."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from goodseed.thumbnails import data_uri, small

if TYPE_CHECKING:
    from PIL.Image import Image

    from goodseed.banks.format import Bank
    from goodseed.study.interfaces import Generator

LIMIT = 250
"""The most pictures that one report makes."""

SIDE = 176
"""The longer side of an embedded picture, in pixels."""

Progress = Callable[[int, int], None]
"""Called with pictures done and pictures in all."""


class Pictures:
    """Pictures by (prompt, seed), made in batches of one prompt."""

    def __init__(self) -> None:
        self._wanted: dict[str, dict[int, None]] = {}
        self._made: dict[tuple[str, int], Image] = {}

    def __len__(self) -> int:
        return len(self._made)

    @property
    def wanted(self) -> int:
        return sum(len(seeds) for seeds in self._wanted.values())

    def want(self, prompt: str, seed: int) -> None:
        """Ask for one picture; passed over once `LIMIT` are asked for."""
        if self.wanted < LIMIT or seed in self._wanted.get(prompt, {}):
            self._wanted.setdefault(prompt, {})[seed] = None

    def make(self, generator: Generator, progress: Progress | None = None) -> None:
        """Make every wanted picture."""
        total, done = self.wanted, 0
        for prompt, wanted in self._wanted.items():
            seeds = list(wanted)
            for start in range(0, len(seeds), generator.batch):
                batch = seeds[start : start + generator.batch]
                images = np.asarray(generator.generate(prompt, batch))
                for seed, image in zip(batch, images, strict=True):
                    self._made[prompt, seed] = small(image, SIDE)
                done += len(batch)
                if progress is not None:
                    progress(done, total)

    def get(self, prompt: str, seed: int) -> Image | None:
        """Return one picture, or None where it was not made."""
        return self._made.get((prompt, seed))

    def uri(self, prompt: str, seed: int) -> str | None:
        """Return one picture as a data URI, or None where it was not made."""
        image = self.get(prompt, seed)
        return None if image is None else data_uri(image)


def why_not(bank: Bank, generator: Generator) -> str | None:
    """Return why `generator` cannot make this bank's pictures, in a sentence, or None where it can."""
    described = generator.describe()
    differing = [part for part in ("model", "vae", "text_encoder") if _differ(bank.info, described, part)]
    differing += [part for part in ("noise", "sampling") if bank.info.get(part) != described.get(part)]
    if not differing:
        return None
    return f"the generator at hand differs from the one measured in: {', '.join(differing).replace('_', ' ')}"


def _differ(info: Mapping[str, Any], described: Mapping[str, Any], part: str) -> bool:
    measured, present = info.get(part) or {}, described.get(part) or {}
    return bool(measured.get("tensors_sha256") != present.get("tensors_sha256"))
