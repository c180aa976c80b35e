"""What a graph asks of a sampler: the values at its inputs, or at those of the nodes that make its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goodseed.provenance.recipe import link_of, links_of, literal_of, recipe_of

NAMES = ("seed", "sampler", "scheduler", "steps", "cfg", "denoise", "width", "height")
_INPUTS = {
    "seed": (("seed", "noise_seed"), ("noise",)),
    "sampler": (("sampler_name",), ("sampler",)),
    "scheduler": (("scheduler",), ("sigmas",)),
    "steps": (("steps",), ("sigmas",)),
    "denoise": (("denoise",), ("sigmas",)),
    "cfg": (("cfg",), ("guider",)),
    "width": (("width",), ("latent_image",)),
    "height": (("height",), ("latent_image",)),
}
"""For each value, what inputs are called that hold it, and the links above which to look for them."""
_FARTHEST = 16


@dataclass(frozen=True)
class Asked:
    """A value that a graph asks for; `literal` is false where it comes by link and so may be another at run time."""

    value: Any = None
    literal: bool = False


def asked_of_sampler(nodes: Mapping[str, Any], key: str) -> dict[str, Asked]:
    """Return what a recipe's nodes ask of the sampler `key`, by name; of what they do not say, an empty `Asked`."""
    asked = {name: _asked(nodes, key, *_INPUTS[name]) for name in NAMES}
    if asked["scheduler"] == Asked() and (maker := _maker(nodes, key, "sigmas")) is not None:
        asked["scheduler"] = Asked(nodes[maker]["class_type"], literal=True)  # such as KarrasScheduler
    return asked


def asked_in_prompt(prompt: Mapping[str, Any], key: str) -> dict[str, Asked]:
    """Return what a prompt in API format asks of its sampler `key`."""
    return asked_of_sampler(recipe_of(prompt, key)["nodes"], key)


def resolved(nodes: Mapping[str, Any], key: str, name: str) -> Asked:
    """Return the value at a node's input: the literal, or that of the only literal above its link.

    The latter is what a primitive node hands on; whether the node does is for an observation to confirm.
    """
    value = nodes[key]["inputs"].get(name)
    literal = True
    for _ in range(_FARTHEST):
        link = link_of(value)
        if link is None:
            return Asked(literal_of(value), literal) if value is not None else Asked()
        literal = False
        if link[0] not in nodes:
            return Asked()
        inputs = {name: inner for name, inner in nodes[link[0]]["inputs"].items() if name != "control_after_generate"}
        if len(inputs) != 1:
            return Asked()
        value = next(iter(inputs.values()))
    return Asked()


def _asked(nodes: Mapping[str, Any], key: str, names: Sequence[str], links: Sequence[str]) -> Asked:
    for node in (key, *(maker for link in links if (maker := _maker(nodes, key, link, names)) is not None)):
        for name in names:
            if node in nodes and name in nodes[node]["inputs"]:
                return resolved(nodes, node, name)
    return Asked()


def _maker(nodes: Mapping[str, Any], key: str, kind: str, names: Sequence[str] = ()) -> str | None:
    """Return the node that makes an input of a kind: the first upwards with an input in `names`, or the topmost."""
    if key not in nodes:
        return None
    link = links_of(nodes[key]).get(kind)
    for _ in range(_FARTHEST):
        if link is None or link[0] not in nodes:
            return None
        node = nodes[link[0]]
        following = [inner for name, inner in links_of(node).items() if name.startswith(kind)]
        if any(name in node["inputs"] for name in names) or not (following or names):
            return link[0]
        link = following[0] if following else None
    return None
