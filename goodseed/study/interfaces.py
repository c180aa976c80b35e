"""What a study asks of an image generator and of a judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt


class Generator(Protocol):
    """Makes images from a prompt and seeds, always the same image for the same prompt, seed and batch."""

    batch: int
    """How many seeds one call takes, fixed, so that results never depend on who computes what.

    A generator whose images take long may have `shard_images: int` besides: about how many images are kept in one
    file, and lost at most when a worker is stopped (64 without it).
    """

    def describe(self) -> dict[str, Any]:
        """Return the parts `model`, `vae`, `text_encoder`, `adapters`, `noise` and `sampling` of a bank's info."""
        ...

    def generate(self, prompt: str, seeds: Sequence[int]) -> np.ndarray:
        """Return one image a seed: uint8 [B, H, W, 3]."""
        ...


Call = tuple[str, tuple[int, ...]]
"""One call of `Generator.generate`: the prompt, and the seeds of one batch."""


@runtime_checkable
class Streams(Protocol):
    """A generator that begins images before they are asked for, so that it never waits while others are judged.

    Without it, each call of `generate` is the first that a generator hears of these images.
    """

    calls_ahead: int
    """How many calls it wants to know; where fewer are left of a shard, the worker asks for the next one."""

    def ahead(self, calls: Sequence[Call]) -> None:
        """Hear which calls of `generate` come next, in this order, and return at once. Told before each call.

        Nobody takes back what was announced, but a worker that has lost its shards announces others.
        """
        ...


@runtime_checkable
class Returns(Protocol):
    """A generator whose place, such as a server, may go and come back.

    Its `generate` raises PlaceLostError when that place has gone; others then do what it had begun.
    """

    def wait(self) -> None:
        """Return when the place is back.

        Raises:
            PlaceLostError: when it stayed away for as long as it may.
        """
        ...


@runtime_checkable
class Tells(Protocol):
    """A generator that has things to say while it works, such as that a server ran out of memory."""

    say: Callable[[str], None]
    """Set by the worker; takes one line."""


@runtime_checkable
class Closes(Protocol):
    """A generator that leaves something behind unless it is closed."""

    def close(self) -> None:
        """Withdraw what was begun; nothing is generated after it. Called once or twice, from any thread."""
        ...


@dataclass(frozen=True)
class Measurements:
    """What a judge says of B images; what it does not describe stays out."""

    metrics: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Name → float32 [B]."""
    traits: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Name → float32 [B], in 0…1."""
    quality: np.ndarray | None = None
    """float32 [B, d]: features for the Fréchet distance to the judge's own reference."""
    style: np.ndarray | None = None
    """float32 [B, e]: projected Gram features (paper section 3.2)."""
    composition: np.ndarray | None = None
    """float32 [B, 3 or 4]: the object's centroid x, centroid y and size, and its depth, each in 0…1."""
    sets: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Name → float32 [B, d]: other features, of which a metric per seed is made; the metric names them."""


class Judge(Protocol):
    """Measures images, each by itself: a measurement never depends on the other images of its call."""

    def describe(self) -> dict[str, Any]:
        """Return the parts `metrics`, `traits` and `features` of a bank's info.

        A metric with `"per": "seed"` is made of a seed's whole set of images: of the features that its entry
        `features` names, in `Measurements.sets`, where `distance` is frechet or mmd and `reference` says what to; of
        `quality` where it names none. Only metrics by name know how to read a reference (`--metrics`).
        """
        ...

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Measure images of one prompt: uint8 [B, H, W, 3]."""
        ...

    def reference(self, prompts: Sequence[str]) -> np.ndarray:
        """Return quality features of real images of these prompts: float32 [N, d], the same on every call.

        Asked only of a judge that measures `quality`.
        """
        ...


class SetDistance(Protocol):
    """How far a seed's set of images is from a reference set."""

    def per_prompt(self, features: np.ndarray) -> npt.NDArray[np.float64]:
        """Return what each prompt, or group of prompts, adds to each seed's distance: [S, n, d] → [S, g].

        Their mean over g is the distance, and they can be resampled over prompts as a metric of single images can.
        """
        ...


@dataclass(frozen=True, eq=False)
class InpaintPair:
    """A picture with a hole to fill."""

    name: str
    image: np.ndarray
    """uint8 [H, W, 3]."""
    mask: np.ndarray
    """float32 [H, W]: 1 in the hole, 0 elsewhere."""
    prompts: Mapping[str, str]
    """Task → prompt."""


@runtime_checkable
class Inpaints(Protocol):
    """A generator that can also fill holes."""

    def describe_inpainting(self) -> dict[str, Any]:
        """Return `about` (how holes are filled), `tasks` (name → what it asks for) and `licence` of the pictures."""
        ...

    def inpaint_pairs(self, count: int) -> tuple[Sequence[InpaintPair], Sequence[InpaintPair]]:
        """Return `count` pairs to choose seeds on and as many held out, the same on every call."""
        ...

    def inpaint(self, pair: InpaintPair, prompt: str, seeds: Sequence[int]) -> np.ndarray:
        """Return one picture a seed, the hole filled: uint8 [B, H, W, 3]."""
        ...


class TextReader(Protocol):
    """Says how much of a hole is covered by text, of each picture by itself."""

    def describe(self) -> dict[str, Any]:
        """Return at least `name` and `version`, as a bank's metadata holds them."""
        ...

    def shares(self, images: np.ndarray, pair: InpaintPair) -> np.ndarray:
        """Return the share 0…1 of the pair's mask under text that its picture did not have: float32 [B]."""
        ...


@runtime_checkable
class ChecksPrompts(Protocol):
    """A generator or a judge that cannot take every prompt says so before a study starts."""

    def check_prompt(self, prompt: str) -> None:
        """Return if `prompt` can be used.

        Raises:
            PromptError: otherwise.
        """
        ...
