"""What one metric is made of, and several of them as one judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from goodseed.errors import StudyError
from goodseed.study.interfaces import ChecksPrompts, Measurements

KINDS = ("metrics", "traits", "features")


class Part(Protocol):
    """Measures one thing, or a few that come of one network; its weights are loaded by the first `measure`."""

    def describe(self) -> dict[str, Any]:
        """Return entries of the parts `metrics`, `traits` and `features` of a bank's info.

        Raises:
            WeightsError: when weights are neither here nor to be had.
            MissingExtraError: when a package is not installed.
        """
        ...

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Measure images of one prompt, uint8 [B, H, W, 3], each by itself."""
        ...


class SetPart(Part, Protocol):
    """A part whose metric is one number for a seed's set of images: a distance to a reference."""

    keeps: tuple[str, ...]
    """The arrays that `summarize` gives: `mu` and `sigma`, or `rows`."""
    width: int
    """Features of a picture."""

    def summarize(self, batches: Iterator[list[np.ndarray]]) -> dict[str, np.ndarray]:
        """Return what is needed of a reference's images, uint8 [H, W, 3] each."""
        ...


@runtime_checkable
class HasReference(Protocol):
    """A part that brings real images of its own."""

    def reference(self, prompts: Sequence[str]) -> np.ndarray:
        """Return quality features float32 [N, d] of real images of these prompts."""
        ...


class CombinedJudge:
    """Several parts as one judge.

    Raises:
        StudyError: by `describe`, when two of them measure something of the same name.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self.parts = dict(parts)

    def describe(self) -> dict[str, Any]:
        """Return the parts' entries side by side."""
        found: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        makers: dict[tuple[str, str], str] = {}
        more: dict[str, Any] = {}
        for name, part in self.parts.items():
            about = part.describe()
            more |= {key: value for key, value in about.items() if key not in KINDS}
            for kind in KINDS:
                for entry, value in about.get(kind, {}).items():
                    other = makers.setdefault((kind, entry), name)
                    if other != name:
                        raise StudyError(f"metrics: {other} and {name} both measure {entry}; choose one of them")
                    found[kind][entry] = value
        return {**more, **found}

    def check_prompt(self, prompt: str) -> None:
        """Return if every part can use `prompt`.

        Raises:
            PromptError: otherwise.
        """
        for part in self.parts.values():
            if isinstance(part, ChecksPrompts):
                part.check_prompt(prompt)

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Measure images of one prompt by every part: uint8 [B, H, W, 3]."""
        metrics: dict[str, np.ndarray] = {}
        traits: dict[str, np.ndarray] = {}
        sets: dict[str, np.ndarray] = {}
        vectors: dict[str, np.ndarray] = {}
        for part in self.parts.values():
            found = part.measure(images, prompt)
            metrics |= found.metrics
            traits |= found.traits
            sets |= found.sets
            named = {"quality": found.quality, "style": found.style, "composition": found.composition}
            vectors |= {name: values for name, values in named.items() if values is not None}
        return Measurements(metrics, traits, sets=sets, **vectors)

    def reference(self, prompts: Sequence[str]) -> np.ndarray:
        """Return the quality features of the part that has a reference of its own."""
        for part in self.parts.values():
            if isinstance(part, HasReference):
                return part.reference(prompts)
        raise StudyError(f"metrics: none of {', '.join(self.parts)} has real images of its own")
