"""The inpainting part of a study: pairs of a picture and a hole, the tasks, and what reads the text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goodseed.canonical import canonical_json
from goodseed.errors import StudyError
from goodseed.prompts import check_prompt
from goodseed.study.interfaces import Generator, InpaintPair, Inpaints
from goodseed.study.registry import make_reader

INPAINT_SETS = ("inpaint_selection", "inpaint_held_out")
"""The sets of pairs, by the names of their shards' folders: to choose seeds on, and held out."""

TEXT_SHARE = "text_share"
PAIRS = 40
"""Pairs of a study unless another number is asked for; half of them are held out."""

CANNOT_INPAINT = "inpaint: this generator cannot fill holes; it lacks inpaint or inpaint_pairs"


@dataclass(frozen=True)
class PairSet:
    """Pairs by name, the prompts of each task, and the SHA-256 of pictures, masks and prompts."""

    names: tuple[str, ...]
    prompts: Mapping[str, tuple[str, ...]]
    sha256: str


@dataclass(frozen=True)
class Inpainting:
    """What a study does besides: each seed × pair × task, measured by the share of the hole that is text."""

    reader: str
    reader_info: Mapping[str, Any]
    about: str
    licence: str
    tasks: Mapping[str, str]
    """Name → what it asks for."""
    selection: PairSet
    held_out: PairSet

    def pairs(self, cell_set: str) -> PairSet:
        return self.selection if cell_set == INPAINT_SETS[0] else self.held_out

    def cells(self, cell_set: str) -> tuple[str, ...]:
        """Return a name for each task × pair of a set, the tasks' one after the other."""
        return tuple(f"{task}, {name}" for task in self.tasks for name in self.pairs(cell_set).names)

    def as_dict(self) -> dict[str, Any]:
        return {
            "reader": self.reader,
            "reader_info": dict(self.reader_info),
            "about": self.about,
            "licence": self.licence,
            "tasks": [[name, about] for name, about in self.tasks.items()],  # their order is that of the cells
            "selection": _set_as_dict(self.selection),
            "held_out": _set_as_dict(self.held_out),
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Inpainting:
        return Inpainting(
            reader=str(data["reader"]),
            reader_info=dict(data["reader_info"]),
            about=str(data["about"]),
            licence=str(data["licence"]),
            tasks={str(name): str(about) for name, about in data["tasks"]},
            selection=_set_from_dict(data["selection"]),
            held_out=_set_from_dict(data["held_out"]),
        )


def plan_inpainting(maker: Generator, reader: str, pairs: int = PAIRS) -> Inpainting:
    """Plan the inpainting of `pairs` pairs, half of them held out, read by the reader of this name.

    Raises:
        StudyError: for a generator that cannot inpaint, too few pairs, and pairs that cannot be used.
        MissingExtraError: when what the reader needs is not installed.
    """
    if not isinstance(maker, Inpaints):
        raise StudyError(CANNOT_INPAINT)
    if pairs < 4 or pairs % 2:
        raise StudyError(f"pairs: {pairs} cannot be split in two sets; give an even number, 4 or more")
    info = maker.describe_inpainting()
    selection, held_out = (_pair_set(found, info["tasks"], pairs // 2) for found in maker.inpaint_pairs(pairs // 2))
    return Inpainting(
        reader=reader,
        reader_info=make_reader(reader).describe(),
        about=str(info["about"]),
        licence=str(info["licence"]),
        tasks=dict(info["tasks"]),
        selection=selection,
        held_out=held_out,
    )


def _pair_set(pairs: Sequence[InpaintPair], tasks: Mapping[str, str], count: int) -> PairSet:
    digest = hashlib.sha256()
    if len(pairs) != count:
        raise StudyError(f"pairs: the generator gave {len(pairs)} where {count} were asked for")
    for pair in pairs:
        kinds = (str(pair.image.dtype), str(pair.mask.dtype))
        if kinds != ("uint8", "float32") or pair.image.shape != (*pair.mask.shape, 3) or not pair.mask.any():
            raise StudyError(f"pair {pair.name}: needs a picture uint8 [H, W, 3], a mask float32 [H, W], not empty")
        if set(pair.prompts) != set(tasks):
            raise StudyError(f"pair {pair.name}: has prompts for {sorted(pair.prompts)}, the tasks are {sorted(tasks)}")
        prompts = {task: check_prompt(prompt, f"pair {pair.name}") for task, prompt in pair.prompts.items()}
        digest.update(canonical_json([pair.name, list(pair.mask.shape), prompts]).encode())
        digest.update(np.ascontiguousarray(pair.image).tobytes())
        digest.update(np.ascontiguousarray(pair.mask, "<f4").tobytes())
    prompts_by_task = {task: tuple(pair.prompts[task] for pair in pairs) for task in tasks}
    return PairSet(tuple(pair.name for pair in pairs), prompts_by_task, digest.hexdigest())


def _set_as_dict(pairs: PairSet) -> dict[str, Any]:
    prompts = {task: list(texts) for task, texts in pairs.prompts.items()}
    return {"names": list(pairs.names), "prompts": prompts, "sha256": pairs.sha256}


def _set_from_dict(data: Mapping[str, Any]) -> PairSet:
    prompts = {str(task): tuple(map(str, texts)) for task, texts in data["prompts"].items()}
    return PairSet(tuple(map(str, data["names"])), prompts, str(data["sha256"]))
