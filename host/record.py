"""Records of the images that a node saves."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import folder_paths
from torch import Tensor

from goodseed.provenance.adapters import adapters_in, named
from goodseed.provenance.build import build_record, last_sampler
from goodseed.provenance.fingerprint import fingerprint
from goodseed.provenance.recipe import above_model, recipe_of
from goodseed.provenance.selection import Place, runs_of_image

from .environment import environment
from .input_files import inputs_of
from .model_files import holds_tensor, models_of
from .observe import runs_of, selections_of, texts_of
from .queue import current_place

_THREADS = 2


def records_for(
    images: Tensor, prompt: Mapping[str, Any], saver_node_id: str, extra: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return one record for each of the images [B, H, W, C] that the running node saves; `pixels` is still null.

    `prompt` is the hidden input of that name. `extra` is added to each record at its top level.
    """
    place = current_place()
    prompt_id, list_index = (place[0], place[2] or 0) if place is not None else ("", 0)
    recipe = recipe_of(prompt, saver_node_id)
    runs = runs_of(prompt_id, recipe["nodes"])
    models, inputs = models_of(recipe), inputs_of(recipe)
    for run in runs:
        listed = adapters_in(recipe, above_model(recipe, run["node"]), models)
        run["adapters"] = named(run["adapters"], listed, _holds)
    texts, selections = texts_of(prompt_id, recipe["nodes"]), selections_of(prompt_id, recipe["nodes"])
    with ThreadPoolExecutor(_THREADS) as pool:
        decoded = list(pool.map(fingerprint, images))
    records = []
    for index in range(len(decoded)):
        chosen = runs_of_image(recipe, runs, selections, Place(list_index, index, len(decoded)))
        key = last_sampler(recipe, chosen)
        last = next((run for run in reversed(chosen) if run["node"] == key), None)
        made = build_record(
            recipe, chosen, models, texts, environment(recipe, last), decoded[index], (index, len(decoded))
        )  # fmt: skip
        records.append({**made, "inputs": inputs, **(extra or {})})
    return records


def _holds(name: str, probe: Mapping[str, Any]) -> bool:
    """Say whether the LoRA file of a name has the tensor of a probe."""
    path = folder_paths.get_full_path("loras", name)
    try:
        return path is not None and holds_tensor(Path(path), probe)
    except OSError as error:
        logging.warning("Good Seed: %s: cannot be read (%s); its use is not confirmed", name, error.strerror or error)
        return False
