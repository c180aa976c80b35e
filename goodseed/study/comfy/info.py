"""What a bank says of a workflow: observed where the server has the Good Seed pack, else as far as the graph says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goodseed.errors import RecordError, ServerError, StudyError
from goodseed.noise import NoiseSpec, initial_noise, noise_fingerprint
from goodseed.provenance.asked import asked_in_prompt
from goodseed.provenance.fingerprint import fingerprint
from goodseed.provenance.paths import shown
from goodseed.provenance.recipe import above_model, is_prompt_link, link_of, literal_of, recipe_of
from goodseed.provenance.record import parse_json
from goodseed.provenance.stock import record_of_graph
from goodseed.provenance.verify.client import Report, Server
from goodseed.provenance.verify.rerun import CHECK, PREVIEW
from goodseed.study.comfy.pictures import decoded
from goodseed.study.comfy.workflow import SHOW, Graph, Workflow

Info = dict[str, Any]

_GUARD = "goodseed_guard"
_RECORDS = "goodseed_records"
_WHOLE = ("checkpoints", "diffusion_models", "unet", "unet_gguf", "diffusers")
_LATENTS = {"EmptyLatentImage": 4, "EmptySD3LatentImage": 16, "EmptyHunyuanLatentVideo": 0}
"""ComfyUI's nodes of empty latents, downscaled by 8, with their channels; 0: not one picture's latent."""
_DEMO = "GoodSeedDemoModel"
_APART = 32.0
"""Levels of 255: pictures that are farther apart on the mean are taken for different ones, not for other rounding."""


@dataclass(frozen=True)
class Probe:
    """One run of the workflow with seed 0: what it gave, and what was observed of it."""

    graph: Graph
    record: Mapping[str, Any] | None
    version: str
    picture: np.ndarray
    """uint8 [H, W, 3]."""

    @property
    def width(self) -> int:
        return int(self.picture.shape[1])

    @property
    def height(self) -> int:
        return int(self.picture.shape[0])


def probe(workflow: Workflow, prompt: str, server: Server, report: Report, limit: float = math.inf) -> Probe:
    """Run the workflow once, for its picture and, where the server has our pack, for its record.

    The picture passes through the server's temp folder. It may take `limit` seconds.

    Raises:
        ServerError: when the server is down, is no ComfyUI, refuses the workflow or fails in it.
        StudyError: when it gives none or several pictures.
    """
    version = version_of(server)
    show = CHECK if server.describe(CHECK) is not None else PREVIEW
    graph = workflow.filled(prompt, 0, show)
    if show == CHECK:
        _observe(graph, workflow.sampler)
    entry = server.run(graph, report, limit)
    outputs = entry.get("outputs")
    output = outputs.get(SHOW) if isinstance(outputs, dict) else None
    images = output.get("images") if isinstance(output, dict) else None
    if not isinstance(output, dict) or not isinstance(images, list) or len(images) != 1:
        count = len(images) if isinstance(images, list) else 0
        raise StudyError(f"{server.url}: the workflow gave {count} pictures for one seed; a study wants one a seed")
    picture = decoded(server.fetch(images[0]), server.url)
    records = output.get(_RECORDS)
    record = _record(records[0]) if isinstance(records, list) and records else None
    return Probe(graph, record, version, picture)


def check_alike(first: Probe, other: Probe, urls: tuple[str, str]) -> None:
    """Return if two servers, so called, make the same picture of seed 0 but for what their cards round.

    Raises:
        StudyError: when they have model files of one name and different content, or another picture came.
    """
    one, two = _contents(first), _contents(other)
    for name in (name for name in one if name in two and one[name] != two[name]):
        raise StudyError(
            f"{urls[1]}: its {shown(name)} has another content than at {urls[0]}; put the same file there, or leave "
            "that server out"
        )
    if first.picture.shape != other.picture.shape:
        sizes = " and ".join(f"{found.width}×{found.height}" for found in (other, first))
        raise StudyError(f"{urls[1]}: and {urls[0]} give pictures of {sizes}; a study has one resolution")
    apart = float(np.abs(first.picture.astype(np.int16) - other.picture).mean())
    if apart > _APART:
        raise StudyError(
            f"{urls[1]}: gives another picture of the same seed than {urls[0]} ({apart:.0f} levels of 255 apart); are "
            "its model files, packs and launch options the same? Mend that, or leave that server out"
        )


def _contents(found: Probe) -> dict[str, str]:
    """Return the hash of the tensors in each model file that the server has told."""
    models = (found.record or {}).get("models", [])
    return {str(one["name"]): str(known) for one in models if (known := one["tensors_sha256"].get("value"))}


def _observe(graph: Graph, sampler: str) -> None:
    """Put our Guard before the sampler, or before its guider: where it stands, a sampling is observed."""
    key = sampler
    for _ in range(len(graph)):
        inputs = graph[key]["inputs"] if key in graph else {}
        if is_prompt_link(inputs.get("model")):
            guard = {"model": inputs["model"], "mode": "warn", "portable_noise": False}
            graph[_GUARD] = {"class_type": "GoodSeedDeterminismGuard", "inputs": guard}
            inputs["model"] = [_GUARD, 0]
            return
        if not is_prompt_link(inputs.get("guider")):
            return
        key = str(inputs["guider"][0])


def version_of(server: Server) -> str:
    """Return the version of the ComfyUI that answers."""
    return str(server.check()["system"].get("comfyui_version") or "unknown")


def check_version(server: Server, info: Mapping[str, Any]) -> None:
    """Return if the server runs the version that the study was planned with.

    Raises:
        ServerError: when it does not answer.
        StudyError: when it runs another one.
    """
    version, planned = version_of(server), info["comfyui"]["version"]
    if version != planned:
        raise StudyError(f"{server.url}: runs ComfyUI {version}, the study {planned}; use the same, or leave it out")


def info_of(workflow: Workflow, found: Probe) -> Info:
    """Return the parts of a bank's info that a generator describes.

    Raises:
        StudyError: when the shape of the latent is not known, or its noise is not ComfyUI's own.
    """
    record = found.record or record_of_graph(found.graph) or {}
    noise, how = _noise(workflow, found)
    models = [model for model in record.get("models", []) if isinstance(model, dict)]
    recipe = recipe_of(found.graph, SHOW)
    path = above_model(recipe, workflow.sampler)
    whole = next((model for model in models if model["role"] in _WHOLE and model["node"] in path), None)
    whole = whole or next((model for model in models if model["role"] in _WHOLE), None)
    if whole is None:
        raise StudyError(
            "workflow: which model it samples with is not known; load it with one of ComfyUI's own loaders"
        )
    family = "goodseed-demo" if recipe["nodes"][whole["node"]]["class_type"] == _DEMO else "unknown"
    asked = asked_in_prompt(found.graph, workflow.sampler)
    values: dict[str, Any] = {name: one.value for name, one in asked.items() if one.value is not None}
    return {
        "model": _file(whole, family),
        "vae": _file(_first(models, ("vae",)) or whole, family),
        "text_encoder": _file(_first(models, ("text_encoders", "clip")) or whole, family),
        "adapters": _adapters(record, models),
        "noise": {**noise.as_dict(), "fingerprint": noise_fingerprint(initial_noise(0, noise))},
        "sampling": {
            "sampler": str(values.get("sampler", "unknown")),
            "scheduler": str(values.get("scheduler", "unknown")),
            "steps": int(values.get("steps", 1)),
            "cfg": float(values.get("cfg", 1.0)),
            "shift": _shift(recipe, path),
            "denoise": float(values.get("denoise", 1.0)),
            "negative_prompt": workflow.negative,
            "width": found.width,
            "height": found.height,
        },
        "comfyui": {
            "version": found.version,
            "workflow_sha256": workflow.sha256,
            "seed": [str(place) for place in workflow.seed],
            "prompt": [str(place) for place in workflow.prompt],
            "known": how,
            "models": [_listed(model) for model in models],
        },
    }


def _noise(workflow: Workflow, found: Probe) -> tuple[NoiseSpec, str]:
    """Return the noise spec and how it is known: observed, or from the graph."""
    observed = _observed_noise(workflow, found.record) if found.record is not None else None
    if observed is not None:
        digest, seen = observed
        spec = NoiseSpec(seen)
        drawn = initial_noise(0, spec)
        if digest not in (fingerprint(drawn)["sha256"], fingerprint(drawn[None])["sha256"]):
            raise StudyError(
                "workflow: seed 0 gives other initial noise than ComfyUI's own draw; "
                "give the sampler its seed alone, without a node that draws noise another way"
            )
        return spec, "observed"
    shape = _latent_shape(found)
    if shape is None:
        raise StudyError(
            "workflow: the shape of its latent is not known from the graph; install the Good Seed pack on the server, "
            "which observes it"
        )
    return NoiseSpec(shape), "graph"


def _observed_noise(workflow: Workflow, record: Mapping[str, Any] | None) -> tuple[str, tuple[int, ...]] | None:
    """Return hash and shape, without the batch, of the noise that the sampler began with.

    Models of videos that paint pictures as well, such as Qwen-Image, have an axis of 1 in it for the frame.
    """
    runs = [run for run in (record or {}).get("runs", []) if run.get("node") == workflow.sampler]
    for run in runs[:1]:
        items = (run.get("item_stages") or {}).get("initial_noise")
        batch = (run.get("stages") or {}).get("initial_noise")
        one = items[0] if isinstance(items, list) and items else batch
        if not isinstance(one, dict):
            return None
        shape = tuple(int(size) for size in one.get("shape", ()))
        shape = shape[1:] if one is batch else shape
        if len(shape) >= 3:
            return str(one["sha256"]), shape
    return None


def _latent_shape(found: Probe) -> tuple[int, int, int] | None:
    nodes = [node for node in found.graph.values() if "latent" in node["class_type"].lower()]
    empty = [node for node in nodes if node["class_type"] in _LATENTS]
    if len(empty) != 1 or len(nodes) != 1 or not _LATENTS[empty[0]["class_type"]]:
        return None
    width, height = (empty[0]["inputs"].get(name) for name in ("width", "height"))
    if not isinstance(width, int) or not isinstance(height, int):
        return None
    return _LATENTS[empty[0]["class_type"]], height // 8, width // 8


def _first(models: Iterable[Mapping[str, Any]], roles: tuple[str, ...]) -> Mapping[str, Any] | None:
    return next((model for model in models if model["role"] in roles), None)


def _file(model: Mapping[str, Any], family: str) -> dict[str, str]:
    return {**_listed(model), "family": family}


def _listed(model: Mapping[str, Any]) -> dict[str, str]:
    """Return a model file's name and hashes; a hash that is not known is empty."""
    return {
        "file": _file_name(model["name"]),
        "sha256": str(model["sha256"].get("value") or ""),
        "tensors_sha256": str(model["tensors_sha256"].get("value") or ""),
    }


def _file_name(name: Any) -> str:
    """Return a model file's name without the folders in it."""
    return str(name).replace("\\", "/").rpartition("/")[2]


def _adapters(record: Mapping[str, Any], models: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    known = record.get("tuple", {}).get("adapters", {}).get("value")
    if isinstance(known, list):
        return [
            {
                **adapter,
                "file": _file_name(adapter.get("name") or "unknown"),
                "sha256": str(adapter.get("sha256") or ""),
            }
            for adapter in known
        ]
    return [_listed(model) for model in models if model["role"] == "loras"]


def _shift(recipe: Mapping[str, Any], path: Iterable[str]) -> float | None:
    for key in path:
        value = recipe["nodes"][key]["inputs"].get("shift")
        if link_of(value) is None and isinstance(literal_of(value), (int, float)):
            return float(literal_of(value))
    return None


def _record(text: Any) -> Mapping[str, Any] | None:
    try:
        record = parse_json(text, "record") if isinstance(text, str) else None
    except RecordError as error:
        raise ServerError(
            f"record: cannot be read ({shown(str(error), 200)}); update the Good Seed pack there"
        ) from error
    return record if isinstance(record, dict) else None
