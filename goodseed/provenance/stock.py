"""Images of ComfyUI without a record of ours: what the graph in them says, by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from goodseed.provenance.build import build_record, last_sampler
from goodseed.provenance.recipe import Recipe, link_of, links_of, literal_of, recipe_of
from goodseed.provenance.record import TUPLE, Record, tuple_sha256, unknown

MOST_NODES = 3000
"""Larger graphs are left alone: what is looked for takes the square of their size at worst."""
MOST_SAVERS = 16
_PICTURES = ("images", "image")
_MODELS = {
    "ckpt_name": "checkpoints", "unet_name": "diffusion_models", "lora_name": "loras", "vae_name": "vae",
    "clip_name": "text_encoders", "clip_name1": "text_encoders", "clip_name2": "text_encoders",
    "clip_name3": "text_encoders", "control_net_name": "controlnet",
}  # fmt: skip
"""Inputs of ComfyUI's own loaders (nodes.py) and the folders that their files lie in."""


def record_of_graph(prompt: Mapping[str, Any], saver: str | None = None) -> Record | None:
    """Return the record of a prompt in API format, or None when no node in it saves a picture.

    Without `saver`, nothing says which of several savers wrote the picture; where they differ, their values are
    unknown.
    """
    recipes = [recipe_of(prompt, key) for key in ([saver] if saver is not None else savers_of(prompt)[:MOST_SAVERS])]
    if not recipes:
        return None
    recipe = max(recipes, key=lambda one: len(one["nodes"]))
    record = build_record(recipe, [], list(_models(recipe)), {}, {}, None, (0, 1))
    record |= {"source": "comfyui", "batch": None}
    if len({last_sampler(one, []) for one in recipes}) > 1:
        record["tuple"] = dict.fromkeys(TUPLE, unknown())
        record["tuple_sha256"] = tuple_sha256(record["tuple"])
    return record


def savers_of(prompt: Mapping[str, Any]) -> list[str]:
    """Return the nodes that take a picture and that nothing is linked to."""
    nodes = {key: recipe_of({key: prompt[key]}, key)["nodes"].get(key) for key in prompt}
    used = {link[0] for node in nodes.values() if node is not None for link in links_of(node).values()}
    return [
        key
        for key, node in nodes.items()
        if node is not None and key not in used and any(name in _PICTURES for name in links_of(node))
    ]


def _models(recipe: Recipe) -> Iterator[dict[str, Any]]:
    """Yield the model files that ComfyUI's loaders in the recipe name; their content is unknown."""
    for key, node in recipe["nodes"].items():
        for name, value in node["inputs"].items():
            file = literal_of(value)
            if name in _MODELS and link_of(value) is None and isinstance(file, str):
                yield {
                    "role": _MODELS[name], "name": file, "size": None, "sha256": unknown(),
                    "tensors_sha256": unknown(), "node": key, "input": name,
                }  # fmt: skip
