"""Pictures for the panel: a small PNG with a record, as the saver writes it, and changed copies of both."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from goodseed.panel.picture import Picture, Source, load
from goodseed.provenance.embed import Options, embed, graph_texts
from goodseed.provenance.recipe import recipe_of
from tests.library.record_maker import PROMPT, sample_record

Graph = dict[str, Any]
SIDE = 32


def pixels(seed: int = 0, channels: int = 3, side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, channels), dtype=np.uint8)


def graph(*changes: tuple[str, str, Any]) -> Graph:
    """Return the graph of `record_maker` with inputs of its nodes changed: (node, input, value)."""
    changed = copy.deepcopy(PROMPT)
    for key, name, value in changes:
        changed[key]["inputs"][name] = value
    return changed


def data(prompt: Graph | None = None, image: np.ndarray | None = None, **changes: Any) -> bytes:
    """Return a PNG with the record of a graph; `changes` are those of `sample_record`."""
    prompt = prompt if prompt is not None else PROMPT
    record = sample_record(recipe=recipe_of(prompt, "9"), **changes)
    image = pixels() if image is None else image
    return embed(image, "png", record, graph_texts(prompt, {"workflow": {"nodes": []}}), Options()).data


def picture(
    prompt: Graph | None = None, image: np.ndarray | None = None, name: str = "a.png", **changes: Any
) -> Picture:
    return load(Source(name, data(prompt, image, **changes)))


def stock(prompt: Mapping[str, Any], image: np.ndarray | None = None, name: str = "stock.png") -> Picture:
    """Return a picture with ComfyUI's graph alone."""
    image = pixels() if image is None else image
    return load(Source(name, embed(image, "png", None, graph_texts(prompt, {}), Options()).data))


def plain(image: np.ndarray | None = None, name: str = "plain.png") -> Picture:
    """Return a picture that says nothing of itself."""
    image = pixels() if image is None else image
    return load(Source(name, embed(image, "png", None, {}, Options()).data))
