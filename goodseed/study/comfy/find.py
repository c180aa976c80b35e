"""Finding the inputs of a workflow that a seed and a prompt go into, where that is unambiguous."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goodseed.errors import StudyError
from goodseed.provenance.paths import shown
from goodseed.provenance.recipe import (
    Recipe,
    above,
    in_order,
    is_encoder,
    link_of,
    links_of,
    literal_of,
    prompts_in,
    sampling_nodes,
)

_SEEDS = ("seed", "noise_seed")
_FARTHEST = 16
_PROMPTS = ("text", "prompt", "caption", "positive")
"""What stands in the names of inputs that may take a prompt, where the node is no text encoder by its inputs."""


@dataclass(frozen=True)
class Input:
    """An input of a node, written NODE.INPUT."""

    node: str
    name: str

    def __str__(self) -> str:
        return f"{self.node}.{self.name}"

    @staticmethod
    def parse(text: str) -> Input:
        node, _, name = text.partition(".")  # names of inputs may have dots, numbers of nodes have none
        return Input(node, name)


def find_seed(recipe: Recipe, chosen: Sequence[str], where: str) -> tuple[Input, ...]:
    """Return the inputs that take the seed: the chosen ones, or that of the only sampler.

    Raises:
        StudyError: when there is none or more than one, or a chosen one is no number.
    """
    if chosen:
        return tuple(_chosen(recipe, text, int, "a whole number", where, "--seed-input") for text in chosen)
    samplers = sampling_nodes(recipe)
    found = {sampler: _seed_of(recipe, sampler) for sampler in samplers}
    seeds = {place for place in found.values() if place is not None}
    # A second sampler that adds no noise of its own may still draw step noise: only the user can tell.
    if len(samplers) == 1 and len(seeds) == 1:
        return (seeds.pop(),)
    candidates = _listed(recipe, sorted(seeds, key=str) or _literal_seeds(recipe))
    if len(samplers) > 1:
        many = f"{len(samplers)} samplers ({_listed_nodes(recipe, samplers)})"
        raise StudyError(
            f"{where}: has {many}; say with --seed-input which take the seed (it may be repeated): {candidates}"
        )
    hint = f"say which it is with --seed-input: {candidates}" if candidates else "a study needs one to change"
    raise StudyError(f"{where}: no seed input was found; {hint}")


def find_prompt(
    recipe: Recipe, seed: Sequence[Input], chosen: Sequence[str], where: str, role: str = "positive"
) -> tuple[Input, ...]:
    """Return the inputs that take the prompt: the chosen ones, or the texts of the only encoder in the role.

    Raises:
        StudyError: when there is none or more than one encoder, or a chosen input is no text.
    """
    if chosen:
        return tuple(_chosen(recipe, text, str, "a text", where, "--prompt-input") for text in chosen)
    sampler = sampler_of(recipe, seed)
    found = _texts(recipe, sampler, role)
    encoders = {prompt["encoder"] for prompt in found}
    places = tuple(dict.fromkeys(Input(prompt["node"], prompt["input"]) for prompt in found))
    linked = [prompt for prompt in found if not prompt["whole"]]
    # A second sampler with texts of its own, such as a refiner's, would go on with the workflow's prompt.
    others = [prompt for other in sampling_nodes(recipe) if other != sampler for prompt in _texts(recipe, other, role)]
    apart = {prompt["encoder"] for prompt in others} - encoders if found else set()
    if len(encoders) == 1 and not apart and not (linked and len(places) > 1):
        return places
    asks = "--prompt-input" if role == "positive" else "a workflow with one negative text, or leave --negative out"
    if not found:
        what = f"no {'prompt' if role == 'positive' else 'negative prompt'} input was found"
        candidates = _could_take_prompt(recipe, sampler)
        hint = f"say which it is with {asks}: {candidates}" if candidates else "a study needs one to change"
        raise StudyError(f"{where}: {what} (no text encoder leads to `{role}` of the sampler); {hint}")
    again = " (it may be repeated)" if apart and role == "positive" else ""
    candidates = _listed(recipe, dict.fromkeys([*places, *(Input(one["node"], one["input"]) for one in others)]))
    raise StudyError(
        f"{where}: several texts make up the {role} prompt; say with {asks} which to set{again}: {candidates}"
    )


def sampler_of(recipe: Recipe, seed: Sequence[Input]) -> str:
    """Return the node that samples with the seed; of several the first, whose noise the seed begins with.

    A second pass goes on from there, on a larger latent or without noise of its own. Empty where none is found.
    """
    nodes = {place.node for place in seed}
    samplers = sampling_nodes(recipe)
    own = [sampler for sampler in samplers if nodes & {sampler, *above(recipe, sampler)}]
    with_seed = [sampler for sampler in own if (place := _seed_of(recipe, sampler)) is not None and place in seed]
    return (with_seed or own or samplers or [""])[0]


def negative_of(recipe: Recipe, sampler: str) -> str:
    """Return the text of the negative prompt; empty where there is none, or where it is not one text."""
    texts = {prompt["text"] for prompt in prompts_in(recipe, sampler or None) if prompt["role"] == "negative"}
    return str(texts.pop()) if len(texts) == 1 else ""


def _texts(recipe: Recipe, sampler: str, role: str) -> list[dict[str, Any]]:
    """Return the texts that can be written into and that reach a sampler in a role."""
    return [prompt for prompt in _own_texts(recipe, sampler) if prompt["role"] == role]


def _own_texts(recipe: Recipe, sampler: str) -> list[dict[str, Any]]:
    """Return all texts of encoders that can be written into, with their role for a sampler."""
    return [prompt for prompt in prompts_in(recipe, sampler or None) if prompt["input"] and _is_own(prompt, recipe)]


def _without_negative(recipe: Recipe) -> Recipe:
    """Return a recipe whose nodes take nothing as negative."""
    nodes = {
        key: {**node, "inputs": {name: value for name, value in node["inputs"].items() if name != "negative"}}
        for key, node in recipe["nodes"].items()
    }
    return {**recipe, "nodes": nodes}


def _could_take_prompt(recipe: Recipe, sampler: str) -> str:
    """List the inputs that may take the prompt where no encoder shows it; the negative prompt last, and called so."""
    own = {Input(prompt["node"], prompt["input"]): prompt["role"] for prompt in _own_texts(recipe, sampler)}
    nodes = recipe["nodes"]
    named = [
        Input(key, name)
        for key in in_order({**_without_negative(recipe), "saver": sampler or recipe["saver"]})
        for name, value in nodes[key]["inputs"].items()
        if link_of(value) is None and isinstance(literal_of(value), str) and not _is_file(literal_of(value))
        if any(word in name.lower() for word in _PROMPTS) and "negative" not in name.lower()
    ]
    fit = dict.fromkeys([*named, *(place for place, role in own.items() if role != "negative")])
    negative = _listed(recipe, [place for place, role in own.items() if role == "negative" and place not in fit])
    return ", ".join(filter(None, [_listed(recipe, fit), negative and f"or, now the negative prompt, {negative}"]))


def _seed_of(recipe: Recipe, sampler: str) -> Input | None:
    """Return the literal seed of a sampler: its own, that of its noise node, or the one that a primitive hands on."""
    nodes = recipe["nodes"]
    key = sampler
    for _ in range(_FARTHEST):
        inputs = nodes[key]["inputs"]
        name = next((name for name in _SEEDS if name in inputs), None)
        link = links_of(nodes[key]).get("noise" if name is None else name)
        if name is not None and link is None:
            return Input(key, name) if _is_int(literal_of(inputs[name])) else None
        if link is None or link[0] not in nodes:
            return None
        key = link[0]
        if name is not None and not any(seed in nodes[key]["inputs"] for seed in _SEEDS):
            numbers = [name for name, value in nodes[key]["inputs"].items() if _is_int(literal_of(value))]
            return Input(key, numbers[0]) if len(numbers) == 1 and not links_of(nodes[key]) else None
    return None


def _literal_seeds(recipe: Recipe) -> list[Input]:
    return [
        Input(key, name)
        for key, node in recipe["nodes"].items()
        for name, value in node["inputs"].items()
        if "seed" in name.lower() and link_of(value) is None and _is_int(literal_of(value))
    ]


def _is_own(prompt: Mapping[str, Any], recipe: Recipe) -> bool:
    """Say whether a text is one to write into: a text encoder's own, or that of a node that hands on nothing else."""
    if prompt["whole"]:
        return True
    node = recipe["nodes"][prompt["node"]]
    return not is_encoder(node) and not any(_is_file(literal_of(value)) for value in node["inputs"].values())


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and value.lower().endswith((".safetensors", ".ckpt", ".pt", ".bin", ".gguf", ".sft"))


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _chosen(recipe: Recipe, text: str, kind: type, what: str, where: str, option: str) -> Input:
    place = Input.parse(text)
    node = recipe["nodes"].get(place.node)
    if node is None:
        known = _listed_nodes(recipe, recipe["nodes"])
        raise StudyError(
            f"{where}: {option} {shown(text)!a}: no node of that number makes the picture; there are {known}"
        )
    if place.name not in node["inputs"]:
        names = ", ".join(shown(name) for name in node["inputs"])
        raise StudyError(f"{where}: {option} {shown(text)!a}: node {place.node} has no such input; it has {names}")
    value = node["inputs"][place.name]
    if link_of(value) is not None:
        source = link_of(value)
        came = f" from node {source[0]}" if source else ""
        raise StudyError(f"{where}: {option} {shown(text)!a}: comes by a link{came}; name the input there")
    if not isinstance(literal_of(value), kind) or isinstance(literal_of(value), bool):
        raise StudyError(f"{where}: {option} {shown(text)!a}: is not {what}")
    return place


def _listed(recipe: Recipe, places: Iterable[Input]) -> str:
    return ", ".join(f"{place} ({shown(recipe['nodes'][place.node]['class_type'])})" for place in places)


def _listed_nodes(recipe: Recipe, keys: Iterable[str]) -> str:
    listed = [f"{shown(key)} ({shown(recipe['nodes'][key]['class_type'])})" for key in keys]
    return ", ".join(listed[:12]) + (", …" if len(listed) > 12 else "")
