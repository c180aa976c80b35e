"""The recipe of an image: the nodes of the executed graph that it depends on, with their literal inputs."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from goodseed.canonical import canonical_json

Node = dict[str, Any]
Recipe = dict[str, Any]

_POSITIVE = ("positive", "conditioning", "cond", "cond1", "cond2")
_NOISE = ("seed", "noise_seed", "noise", "guider")


def recipe_of(prompt: Mapping[str, Any], saver_id: str) -> Recipe:
    """Return the saver and all nodes above it of a prompt in API format.

    Each node is kept once, however many ways lead to it; a graph with a cycle or with links to nodes that it has not
    is copied as it is.
    """
    nodes: dict[str, Node] = {}
    waiting = [str(saver_id)]
    while waiting:
        key = waiting.pop()
        source = prompt.get(key)
        if key in nodes or not isinstance(source, Mapping):
            continue
        nodes[key] = node_of(source)
        waiting += [link[0] for link in links_of(nodes[key]).values()]
    return {"saver": str(saver_id), "nodes": nodes}


def node_of(source: Mapping[str, Any]) -> Node:
    """Return a node of a prompt in API format as a recipe keeps it."""
    inputs = source.get("inputs")
    return {
        "class_type": str(source.get("class_type")),
        "title": _title(source),
        "inputs": {str(name): _stored(value) for name, value in inputs.items()} if isinstance(inputs, Mapping) else {},
    }


def prompt_of(recipe: Mapping[str, Any]) -> dict[str, Node]:
    """Return the prompt in API format that a recipe was taken from, without the nodes that it did not need."""
    prompt: dict[str, Node] = {}
    for key, node in recipe["nodes"].items():
        prompt[key] = {
            "class_type": node["class_type"],
            "inputs": {name: _restored(value) for name, value in node["inputs"].items()},
        }
        if node.get("title") is not None:
            prompt[key]["_meta"] = {"title": node["title"]}
    return prompt


def link_of(value: Any) -> tuple[str, int] | None:
    """Return node and output slot that an input of a recipe is linked to, or None for a literal."""
    if isinstance(value, dict) and value.keys() == {"link"}:
        key, slot = value["link"]
        return str(key), int(slot)
    return None


def literal_of(value: Any) -> Any:
    """Return the literal value of an input of a recipe that is no link."""
    return value["literal"] if isinstance(value, dict) and value.keys() == {"literal"} else value


def texts_in(literal: Any) -> Iterator[str]:
    """Yield the texts in a literal value; some nodes keep several settings in one input."""
    if isinstance(literal, str):
        yield literal
    elif isinstance(literal, (dict, list)):
        for inner in literal.values() if isinstance(literal, dict) else literal:
            yield from texts_in(inner)


def links_of(node: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Return the linked inputs of a recipe's node: name → (node, slot)."""
    found = ((name, link_of(value)) for name, value in node["inputs"].items())
    return {name: link for name, link in found if link is not None}


def in_order(recipe: Mapping[str, Any]) -> list[str]:
    """Return the nodes' keys, each after the nodes that it takes inputs from; cycles are cut where they close."""
    return _ordered(recipe["nodes"], [recipe["saver"]])


def signatures(nodes: Mapping[str, Any]) -> dict[str, str]:
    """Return a hash for each of a recipe's nodes: of it and all nodes above it, whatever their ids and titles."""
    found: dict[str, str] = {}
    for key in _ordered(nodes, nodes):
        inputs = dict(nodes[key]["inputs"])
        for name, (source, slot) in links_of(nodes[key]).items():
            inputs[name] = {"link": [found.get(source, ""), slot]}
        text = canonical_json([nodes[key]["class_type"], inputs])
        found[key] = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return found


def signature(prompt: Mapping[str, Any], key: str) -> str:
    """Return the signature of a node of a prompt in API format."""
    return signatures(recipe_of(prompt, key)["nodes"]).get(key, "")


def _ordered(nodes: Mapping[str, Any], ends: Iterable[str]) -> list[str]:
    """Return the ends and all nodes above them, each after those that it takes inputs from."""
    done: dict[str, None] = {}
    entered: set[str] = set()
    for end in ends:
        waiting = [end]
        while waiting:
            key = waiting[-1]
            if key not in nodes or key in done:
                waiting.pop()
            elif key in entered:
                done[key] = None
                waiting.pop()
            else:
                entered.add(key)
                links = links_of(nodes[key])
                waiting += [links[name][0] for name in sorted(links, reverse=True) if links[name][0] not in entered]
    return list(done)


def above(recipe: Mapping[str, Any], key: str) -> set[str]:
    """Return a node and all nodes above it."""
    return set(in_order({"saver": key, "nodes": recipe["nodes"]}))


def sampling_nodes(recipe: Mapping[str, Any]) -> list[str]:
    """Return the nodes that look as if they sample, in the order of the graph: a latent goes in, and noise or a guider.

    Judged by the names of inputs, so that samplers of other packs are found as well; the observed runs know better.
    """
    nodes = recipe["nodes"]
    return [
        key
        for key in in_order(recipe)
        if "latent_image" in nodes[key]["inputs"] and any(name in nodes[key]["inputs"] for name in _NOISE)
    ]


def above_model(recipe: Mapping[str, Any], key: str) -> list[str]:
    """Return the nodes that the model of sampler `key` comes through, from the sampler up."""
    nodes = recipe["nodes"]
    found: dict[str, None] = {}
    waiting = [key]
    while waiting:
        here = waiting.pop()
        if here in found or here not in nodes:
            continue
        found[here] = None
        waiting += [link[0] for name, link in links_of(nodes[here]).items() if name.startswith(("model", "guider"))]
    return list(found)


def prompts_in(
    recipe: Mapping[str, Any], sampler: str | None = None, encoders: Container[str] = ()
) -> list[dict[str, Any]]:
    """Return the texts that text encoders of the recipe read: role, text, node, encoder, and whether they are whole.

    `role` is positive or negative where the encoder's conditioning reaches the sampler (by default any) in that role
    alone; positive also where nothing else does, since many graphs make their negative conditioning of the positive, by
    ConditioningZeroOut or, where nothing is guided, as it is; else other. `whole` is false where the text comes by
    link: it may be a part of what was encoded, or no part. `encoders` are nodes that encode text though their inputs do
    not show it; their text is empty where it is not known.
    """
    nodes = recipe["nodes"]
    roles: dict[str, set[str]] = {}
    for key in sampling_nodes(recipe) if sampler is None else [sampler]:
        positive, negative = (_encoders(nodes, key, role, encoders) for role in ("positive", "negative"))
        if positive <= negative:
            negative = negative - positive
        for role, reached in (("positive", positive), ("negative", negative)):
            for encoder in reached:
                roles.setdefault(encoder, set()).add(role)
    found: list[dict[str, Any]] = []
    for key in in_order(recipe):
        if is_encoder(nodes[key]) or key in encoders:
            known = roles.get(key, set())
            role = next(iter(known)) if len(known) == 1 else "other"
            texts = list(_texts(nodes, key)) or [{"text": "", "node": key, "input": "", "whole": False}]
            found += [{"role": role, "encoder": key, **text} for text in texts]
    return found


def is_encoder(node: Mapping[str, Any]) -> bool:
    """Say whether a node turns text into conditioning: a text encoder goes in by link, and a text."""
    inputs = node["inputs"]
    return any(name.startswith("clip") for name in links_of(node)) and any(_is_text(name) for name in inputs)


def _is_text(name: str) -> bool:
    lower = name.lower()
    return any(lower == word or lower.startswith(f"{word}_") for word in ("text", "prompt", "tags", "lyrics")) or (
        lower in ("clip_l", "clip_g", "t5xxl", "llama", "qwen25_7b", "bert", "mt5xl", "string")
    )


def _encoders(nodes: Mapping[str, Node], start: str, role: str, encoders: Container[str]) -> set[str]:
    """Return the text encoders whose conditioning reaches a sampler in a role."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(start, role)]
    while waiting:
        key, role = waiting.pop()
        if (key, role) in seen or key not in nodes:
            continue
        seen.add((key, role))
        node = nodes[key]
        if is_encoder(node) or (key in encoders and key != start):
            found.add(key)
            continue
        waiting += _conditioning_above(node, role)
    return found


def _conditioning_above(node: Node, role: str) -> list[tuple[str, str]]:
    """Return which nodes to ask next for the conditioning that `node` uses, or hands on, in `role`."""
    links = links_of(node)
    if "positive" in links or "negative" in links:
        names = ["negative"] if role == "negative" else [name for name in links if name in _POSITIVE]
    elif "guider" in links:
        names = ["guider"]
    elif "negative" not in links and any(name in _POSITIVE for name in links) and _is_guider(node):
        names = [name for name in links if name in _POSITIVE] if role == "positive" else []
    else:
        names = [name for name in links if "cond" in name.lower()]
    return [(links[name][0], role) for name in names if name in links]


def _is_guider(node: Node) -> bool:
    return "model" in links_of(node)


def _texts(nodes: Mapping[str, Node], encoder: str) -> Iterator[dict[str, Any]]:
    for name, value in nodes[encoder]["inputs"].items():
        if not _is_text(name):
            continue
        link = link_of(value)
        if link is None:
            text = literal_of(value)
            if isinstance(text, str):
                yield {"text": text, "node": encoder, "input": name, "whole": True}
        elif link[0] in nodes:
            yield from _texts_above(nodes, link[0])


def _texts_above(nodes: Mapping[str, Node], key: str) -> Iterator[dict[str, Any]]:
    """Yield every literal text of a node and of the nodes above it."""
    for above_key in in_order({"saver": key, "nodes": nodes}):
        for name, value in nodes[above_key]["inputs"].items():
            text = literal_of(value)
            if link_of(value) is None and isinstance(text, str):
                yield {"text": text, "node": above_key, "input": name, "whole": False}


def _title(node: Mapping[str, Any]) -> str | None:
    meta = node.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    return title if isinstance(title, str) else None


def _stored(value: Any) -> Any:
    if is_prompt_link(value):
        return {"link": [value[0], int(value[1])]}
    if isinstance(value, dict) and value.keys() in ({"link"}, {"literal"}):
        return {"literal": _finite(value)}
    return _finite(value)


def _restored(value: Any) -> Any:
    link = link_of(value)
    return list(link) if link is not None else literal_of(value)


def is_prompt_link(value: Any) -> bool:
    """Say whether an input of a prompt in API format is a link, as comfy_execution/graph_utils.py does."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], (int, float))
        and math.isfinite(value[1])
    )


def _finite(value: Any) -> Any:
    """Return a literal with the numbers that JSON has not as their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value
