"""The Guard around a MODEL, a CLIP and a VAE: arithmetic fixed while they compute, and pins held before sampling."""

from __future__ import annotations

import contextlib
import copy
import functools
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from goodseed.determinism import flags
from goodseed.determinism.ops import catching
from goodseed.determinism.pins import run_pins
from goodseed.determinism.randomness import random_state_kept
from goodseed.determinism.report import broken_line, not_exact
from goodseed.errors import PinError

from .observe import note_nondeterministic, note_text, observe
from .queue import current_place, running_prompt
from .sampling import arguments, run_before
from .schedule import schedule_of
from .show import tell_node
from .step_noise import portable

KEY = "goodseed.guard"


@dataclass(frozen=True)
class Guard:
    """What one Guard node is set to. `node` is its key in the graph, where its notes are shown."""

    mode: str
    portable_noise: bool = False
    record: Mapping[str, Any] | None = None
    node: str | None = None
    flags: Mapping[str, Any] = field(default_factory=lambda: dict(flags.DETERMINISTIC))

    def model(self, model: ModelPatcher, clip: Any = None) -> ModelPatcher:
        """Return a clone whose sampling is guarded and observed; a Guard above it is replaced."""
        guarded = model.clone()
        if above := guarded.get_wrappers(WrappersMP.OUTER_SAMPLE, KEY):
            above[:] = [self._sample]
        else:
            guarded.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, self._sample)
        return observe(guarded, clip)  # after the Guard and so inside it: what is seen is what is guarded

    def clip(self, clip: Any) -> Any:
        """Return a copy that encodes guarded, and whose clones do."""
        return _guarded(clip, _GuardedClip, self)

    def vae(self, vae: Any) -> Any:
        """Return a copy that encodes and decodes guarded."""
        return _guarded(vae, _GuardedVae, self)

    @contextlib.contextmanager
    def arithmetic(self, work: str) -> Iterator[list[str]]:
        """Fix torch's arithmetic; afterwards name the operations that have no deterministic form."""
        with flags.numerics(self.flags), catching() as operations:
            yield operations
        if operations:
            self.note(not_exact(operations, work))

    def note(self, text: str) -> None:
        """Tell the user, in the log and on the node."""
        logging.warning("Good Seed: Determinism Guard: %s", text)
        tell_node(text, self.node)

    def _sample(self, executor: Any, *args: Any, **kwargs: Any) -> Any:
        """OUTER_SAMPLE: the pins first, then the sampling, with the random state put back behind it."""
        with self.arithmetic("Sampling") as operations, random_state_kept():
            if self.record is not None:
                self._hold(self.record, executor.class_obj, arguments(args, kwargs))
            if self.portable_noise:
                args = tuple(map(portable, args))
            output = executor(*args, **kwargs)
            if operations:
                note_nondeterministic(operations)
        return output

    def _hold(self, record: Mapping[str, Any], guider: Any, given: Mapping[str, Any]) -> None:
        """Hold a sampling that is about to start against the record.

        Raises:
            PinError: in mode enforce, naming what is not as recorded.
        """
        broken = run_pins(record, _run_to_be(guider, given))
        if broken and self.mode == "enforce":
            raise PinError(broken_line(broken))
        if broken:
            self.note(f"not as recorded: {' '.join(str(pin) for pin in broken)}")


def _run_to_be(guider: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    run = run_before(guider, given)
    if (place := current_place()) is not None:
        prompt_id, node, _ = place
        model_sampling = guider.model_patcher.get_model_object("model_sampling")
        run |= schedule_of(given["sigmas"], model_sampling, run["sampler"]["value"], running_prompt(prompt_id), node)
    return run


class _GuardedClip:
    """Before a class of CLIP: text encoding, and the loading that goes before it, under the Guard."""

    guard: Guard

    def clone(self, *args: Any, **kwargs: Any) -> Any:
        return self.guard.clip(super().clone(*args, **kwargs))  # type: ignore[misc]

    def tokenize(self, text: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(text, str):
            note_text(text)
        return super().tokenize(text, *args, **kwargs)  # type: ignore[misc]

    def encode_from_tokens(self, *args: Any, **kwargs: Any) -> Any:
        with self.guard.arithmetic("Text encoding"):
            return super().encode_from_tokens(*args, **kwargs)  # type: ignore[misc]

    def encode_from_tokens_scheduled(self, *args: Any, **kwargs: Any) -> Any:
        with self.guard.arithmetic("Text encoding"):
            return super().encode_from_tokens_scheduled(*args, **kwargs)  # type: ignore[misc]


class _GuardedVae:
    """Before a class of VAE: encoding and decoding under the Guard, and a word when memory forces tiles."""

    guard: Guard
    tiles = 0

    def encode(self, *args: Any, **kwargs: Any) -> Any:
        with self.guard.arithmetic("Encoding"), self._whole("Encoding"):
            return super().encode(*args, **kwargs)  # type: ignore[misc]

    def decode(self, *args: Any, **kwargs: Any) -> Any:
        with self.guard.arithmetic("Decoding"), self._whole("Decoding"):
            return super().decode(*args, **kwargs)  # type: ignore[misc]

    def encode_tiled(self, *args: Any, **kwargs: Any) -> Any:
        with self.guard.arithmetic("Encoding"):
            return super().encode_tiled(*args, **kwargs)  # type: ignore[misc]

    def decode_tiled(self, *args: Any, **kwargs: Any) -> Any:
        with self.guard.arithmetic("Decoding"):
            return super().decode_tiled(*args, **kwargs)  # type: ignore[misc]

    def encode_tiled_(self, *args: Any, **kwargs: Any) -> Any:
        self.tiles += 1
        return super().encode_tiled_(*args, **kwargs)  # type: ignore[misc]

    def decode_tiled_(self, *args: Any, **kwargs: Any) -> Any:
        self.tiles += 1
        return super().decode_tiled_(*args, **kwargs)  # type: ignore[misc]

    def decode_tiled_3d(self, *args: Any, **kwargs: Any) -> Any:
        self.tiles += 1
        return super().decode_tiled_3d(*args, **kwargs)  # type: ignore[misc]

    @contextlib.contextmanager
    def _whole(self, work: str) -> Iterator[None]:
        before = self.tiles
        yield
        if self.tiles > before:
            self.guard.note(f"{work} ran out of memory and was done in tiles: other pixels than in one piece.")


def _guarded(thing: Any, mixin: type, guard: Guard) -> Any:
    """Return a shallow copy of a CLIP or VAE whose class has the mixin before it."""
    kind = type(thing)
    changed = copy.copy(thing)
    changed.__class__ = kind if issubclass(kind, mixin) else _class_with(mixin, kind)
    changed.guard = guard
    return changed


@functools.cache
def _class_with(mixin: type, kind: type) -> type:
    return type(f"Guarded{kind.__name__}", (mixin, kind), {})
