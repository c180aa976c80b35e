"""Sees what each sampling starts from, what it is asked for and what comes out, and changes nothing of it.

`observe` places a wrapper in a MODEL; it goes with the model into every sampler, guider and clone. It draws no random
numbers and touches no tensor. What it sees is kept by prompt and node, see goodseed/provenance/memory.py.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy.sd import CLIP
from torch import Tensor

from goodseed.provenance.memory import Memory, owner
from goodseed.provenance.numerics import numerics_now
from goodseed.provenance.recipe import signatures
from goodseed.provenance.selection import Selection

from .adapters import adapters_of
from .queue import current_place, running_prompt
from .sampling import add_output, arguments, of_sampler, run_before
from .schedule import schedule_of

Run = dict[str, Any]

_KEY = "goodseed.observe"

_runs: Memory[Run] = Memory()
_texts: Memory[str] = Memory(2048)
_selections: Memory[Selection] = Memory()
_numbers = itertools.count()
_drafts = threading.local()


def observe(model: ModelPatcher, clip: CLIP | None = None) -> ModelPatcher:
    """Return a clone of a MODEL whose samplings are seen; of `clip`, where given, the LoRAs' strengths are noted."""
    model = model.clone()
    if not model.get_wrappers(WrappersMP.OUTER_SAMPLE, _KEY):
        observer = _Observer(adapters_of(clip.patcher) if clip is not None else [])
        model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, _KEY, observer.around_sampling)
        model.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, _KEY, observer.around_sampler)
    return model


def runs_of(prompt_id: str, nodes: Mapping[str, Any]) -> list[Run]:
    """Return the samplings that a recipe's nodes did, in the order they ran, also those that came from the cache.

    Each has `list_index`, its place in the list that its node ran over, and the node's key in this recipe.
    """
    found = []
    for key, signature in signatures(nodes).items():
        for runs in _runs.find(prompt_id, key, signature).values():
            found += [{**run, "node": key} for run in runs]
    return sorted(found, key=lambda run: run["number"])


def texts_of(prompt_id: str, nodes: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the texts that a recipe's nodes were seen to encode, by node, in order, each once."""
    found = {}
    for key, signature in signatures(nodes).items():
        seen = [text for texts in _texts.find(prompt_id, key, signature).values() for text in texts]
        if seen:
            found[key] = list(dict.fromkeys(seen))
    return found


def selections_of(prompt_id: str, nodes: Mapping[str, Any]) -> dict[str, Selection]:
    """Return what a recipe's nodes that choose among images chose last, by node."""
    found = {}
    for key, signature in signatures(nodes).items():
        for seen in _selections.find(prompt_id, key, signature).values():
            found[key] = seen[-1]
    return found


def note_selection(selection: Selection) -> None:
    """Note which images the running node hands on; records of images below it rest on that."""
    place = current_place()
    if place is not None:
        prompt = running_prompt(place[0])
        _selections.add(place[0], owner(place[1], prompt), place[2], prompt, selection)


def note_text(text: str) -> None:
    """Note that the running node encodes a text; the guarded CLIP calls this."""
    place = current_place()
    if place is not None:
        prompt = running_prompt(place[0])
        _texts.add(place[0], owner(place[1], prompt), place[2], prompt, text)


def note_nondeterministic(operations: Iterable[str]) -> None:
    """Note operations without a deterministic form that torch named while the running node sampled."""
    place = current_place()
    if place is not None:
        runs = _runs.find(place[0], owner(place[1], running_prompt(place[0])), "").get(place[2] or 0, [])
        if runs:
            runs[-1]["nondeterministic"] = sorted({*runs[-1]["nondeterministic"], *operations})


class _Observer:
    """The wrappers of one guarded MODEL."""

    def __init__(self, clip_adapters: list[dict[str, Any]]) -> None:
        self.clip_adapters = clip_adapters

    def around_sampling(self, executor: Any, *args: Any, **kwargs: Any) -> Any:
        """OUTER_SAMPLE: note what goes in and what comes out of one sampling."""
        place = current_place()
        if place is None:  # not run by a node
            return executor(*args, **kwargs)
        given = arguments(args, kwargs)
        run = run_before(executor.class_obj, given)
        sigmas = given["sigmas"].detach().cpu().float().clone()
        stack = _stack()
        stack.append(run)
        try:
            output = executor(*args, **kwargs)
        finally:
            stack.pop()
        add_output(run, output)
        self._keep(run, executor.class_obj, sigmas, place)
        return output

    def around_sampler(self, executor: Any, *args: Any, **kwargs: Any) -> Any:
        """SAMPLER_SAMPLE, inside all wrappers of OUTER_SAMPLE: note sampler and torch's flags as they are used."""
        stack = _stack()
        if stack:
            stack[-1].update(of_sampler(executor.class_obj), numerics=numerics_now())
        return executor(*args, **kwargs)

    def _keep(self, run: Run, guider: Any, sigmas: Tensor, place: tuple[str, str, int | None]) -> None:
        prompt_id, node_id, list_index = place
        prompt = running_prompt(prompt_id)
        key = owner(node_id, prompt)
        model_sampling = guider.model_patcher.get_model_object("model_sampling")
        _runs.add(
            prompt_id,
            key,
            list_index,
            prompt,
            {
                "node": key,
                "number": next(_numbers),
                "list_index": list_index or 0,
                **run,
                **schedule_of(sigmas, model_sampling, run["sampler"]["value"], prompt, key),
                "sigmas": sigmas.tolist(),
                "clip_adapters": self.clip_adapters,
                "nondeterministic": [],
            },
        )


def _stack() -> list[Run]:
    """Return the samplings that this thread is in; a sampler may sample within its own."""
    if not hasattr(_drafts, "stack"):
        _drafts.stack = []
    stack: list[Run] = _drafts.stack
    return stack
