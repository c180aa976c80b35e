"""Which noise a graph draws from the seeds that one of its nodes gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from goodseed.determinism import known
from goodseed.determinism.graph import Graph, Node

SEED_NOISE = "GoodSeedNoise"

_SEED_INPUTS = (*known.SEED_INPUTS, "initial_seed")
_SETTINGS = {"spec": "comfy", "drawn_in": "float32", "card": ""}


@dataclass(frozen=True)
class Use:
    """A noise spec, and what it is drawn in: comfy says neither dtype nor card, cpu no card. "" is the default card."""

    spec: str = "comfy"
    dtype: str = "float32"
    card: str = ""


def noise_uses(prompt: Mapping[str, Any], key: str, noise: tuple[int, Use] | None = None) -> list[Use | None]:
    """Return the noise that the seeds of node `key` turn into in a prompt in API format, each kind once.

    Those of Seed Noise nodes that take the seed, with None for one whose settings come from other nodes; that of
    ComfyUI where the seed goes elsewhere, or nowhere. `noise` is an output of the node that is noise already.
    """
    found: list[Use | None] = []
    for node in Graph(prompt):
        for name, output in node.taken_from(key):
            if noise is not None and output == noise[0]:
                found.append(noise[1])
            elif node.kind == SEED_NOISE and name == "seed":
                found.append(_drawn_by(node))
            elif name in _SEED_INPUTS:
                found.append(Use())
    return list(dict.fromkeys(found)) or [Use()]


def _drawn_by(node: Node) -> Use | None:
    spec, dtype, card = (node.inputs.get(name, default) for name, default in _SETTINGS.items())
    if not (isinstance(spec, str) and isinstance(dtype, str) and isinstance(card, str)):
        return None
    return Use() if spec == "comfy" else Use(spec, dtype, card if spec == "cuda" else "")
