"""Puts a record together from a recipe, the model files in it, and what was observed of its samplings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from goodseed.provenance.adapters import adapters_in, matched, plain_adapter
from goodseed.provenance.asked import asked_of_sampler
from goodseed.provenance.recipe import Recipe, above_model, in_order, prompts_in, sampling_nodes
from goodseed.provenance.record import (
    GRAPH,
    OBSERVED,
    SCHEMA,
    VERSION,
    Known,
    Record,
    known,
    tuple_sha256,
    unknown,
)

Run = dict[str, Any]
Model = Mapping[str, Any]

_NOTES = ("number", "list_index", "numerics", "clip_adapters", "model_identity")
"""What an observed run holds beside what the record keeps of it."""
_WHOLE_MODELS = ("checkpoints", "diffusion_models", "unet", "unet_gguf", "diffusers")


def build_record(
    recipe: Recipe,
    runs: Sequence[Run],
    models: Sequence[Model],
    texts: Mapping[str, Sequence[str]],
    environment: Mapping[str, Known],
    decoded: Mapping[str, Any] | None,
    batch: tuple[int, int],
) -> Record:
    """Return the record of one image, without its pixels.

    `runs` are those that the image depends on, in order, with their adapters' files found; `texts` are what text
    encoders were seen to read, by node; `batch` is the image's place among those saved together, and their number.
    """
    key = last_sampler(recipe, runs)
    last = next((run for run in reversed(runs) if run["node"] == key), None)
    prompts = prompts_of(recipe, key, texts)
    values = _tuple(recipe, key, last, models, prompts)
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "tuple": values,
        "tuple_sha256": tuple_sha256(values),
        "prompts": prompts,
        "models": [dict(model) for model in models],
        "recipe": recipe,
        "runs": [{name: value for name, value in run.items() if name not in _NOTES} for run in runs],
        "decoded": decoded,
        "environment": dict(environment),
        "pixels": None,
        "batch": {"index": batch[0], "size": batch[1]},
    }


def runs_of_item(runs: Iterable[Run], list_index: int, index: int, size: int) -> list[Run]:
    """Return the runs that item `index` of `size` images depends on, each with `item`, the image's place in its batch.

    A node that ran over a list has one run for each of its places. Where the images come from the same place of the
    list, it is that run; where the runs' batches together are the images, it is the one that holds the item. Where
    neither says, all are kept and `item` is null.
    """
    nodes: dict[str, dict[int, list[Run]]] = {}
    for run in runs:
        nodes.setdefault(run["node"], {}).setdefault(run["list_index"], []).append(run)
    chosen: list[Run] = []
    for places in nodes.values():
        chosen += _of_item(places, list_index, index, size)
    return sorted(chosen, key=lambda run: run["number"])


def last_sampler(recipe: Recipe, runs: Iterable[Run]) -> str | None:
    """Return the node that samples last on the way to the saver; None in a graph that does not sample."""
    sampling = {*sampling_nodes(recipe), *(run["node"] for run in runs)}
    return next((key for key in reversed(in_order(recipe)) if key in sampling), None)


def prompts_of(recipe: Recipe, key: str | None, texts: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return the texts of a recipe; those that text encoders were seen to read take the place of their parts.

    `role` is that for the sampler `key`.
    """
    found: list[dict[str, Any]] = []
    for prompt in prompts_in(recipe, key, texts):
        seen = texts.get(prompt["encoder"])
        if not seen:
            found.append(_prompt(prompt, prompt["text"], GRAPH, whole=prompt["whole"]))
        elif not any(prior["encoder"] == prompt["encoder"] for prior in found):
            found += [_prompt({**prompt, "node": prompt["encoder"]}, text, OBSERVED, whole=True) for text in seen]
    return found


def _prompt(prompt: Mapping[str, Any], text: str, how: str, whole: bool) -> dict[str, Any]:
    sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return {
        "role": prompt["role"], "text": text, "sha256": sha256, "known": how, "node": prompt["node"],
        "encoder": prompt["encoder"], "whole": whole,
    }  # fmt: skip


def _of_item(places: Mapping[int, list[Run]], list_index: int, index: int, size: int) -> list[Run]:
    saved_as_list = list_index in places and (list_index > 0 or not _fills(places, size))
    if len(places) == 1 or saved_as_list:
        runs = places.get(list_index, next(iter(places.values())))
        return [{**run, "item": index if run["batch_size"] == size else None} for run in runs]
    if _fills(places, size):
        left = index
        for place in sorted(places):
            batch = places[place][-1]["batch_size"]
            if left < batch:
                return [{**run, "item": left} for run in places[place]]
            left -= batch
    return [{**run, "item": None} for runs in places.values() for run in runs]


def _fills(places: Mapping[int, list[Run]], size: int) -> bool:
    return sum(int(runs[-1]["batch_size"]) for runs in places.values()) == size


def _tuple(
    recipe: Recipe,
    key: str | None,
    run: Run | None,
    models: Sequence[Model],
    prompts: Sequence[Mapping[str, Any]],
) -> dict[str, Known]:
    asked = asked_of_sampler(recipe["nodes"], key) if key is not None else {}
    values: dict[str, Known] = {"model": _model(recipe, key, run, models)}
    for name in ("seed", "sampler", "scheduler", "steps", "cfg", "denoise", "width", "height"):
        if run is not None:
            values[name] = dict(run[name])
        elif name in asked and asked[name].literal:
            values[name] = known(asked[name].value, GRAPH)
        else:
            values[name] = unknown()
    values["prompt_sha256"] = _only_prompt(prompts, "positive")
    values["negative_sha256"] = _only_prompt(prompts, "negative")
    values["adapters"] = _adapters(recipe, key, run, models)
    return values


def _model(recipe: Recipe, key: str | None, run: Run | None, models: Sequence[Model]) -> Known:
    """Return the hash of the model that sampled; unknown where several were merged."""
    if run is not None and run.get("model_identity"):
        return known(run["model_identity"]["sha256"], OBSERVED)
    path = above_model(recipe, key) if key is not None else []
    found = {model["sha256"]["value"] for model in models if model["node"] in path and model["role"] in _WHOLE_MODELS}
    return known(found.pop(), GRAPH) if len(found) == 1 and None not in found else unknown()


def _only_prompt(prompts: Sequence[Mapping[str, Any]], role: str) -> Known:
    """Return the hash of the text in a role, where it is one and whole."""
    texts = [prompt for prompt in prompts if prompt["role"] == role]
    if len({text["sha256"] for text in texts}) != 1 or not texts[0]["whole"]:
        return unknown()
    return known(texts[0]["sha256"], texts[0]["known"])


def _adapters(recipe: Recipe, key: str | None, run: Run | None, models: Sequence[Model]) -> Known:
    path = above_model(recipe, key) if key is not None else []
    listed = adapters_in(recipe, path, models)
    if run is None:
        return known([plain_adapter(adapter) for adapter in listed], GRAPH) if key is not None else unknown()
    return known(matched(run, listed), OBSERVED)
