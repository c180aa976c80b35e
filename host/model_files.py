"""The model files that a graph names, and their hashes."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import folder_paths

from goodseed.demo import weights
from goodseed.provenance.hashing import HashCache, safetensors_header
from goodseed.provenance.recipe import link_of, literal_of, node_of, texts_in
from goodseed.provenance.record import GRAPH, known, unknown

_USUAL = {
    "ckpt_name": "checkpoints", "unet_name": "diffusion_models", "lora_name": "loras", "vae_name": "vae",
    "control_net_name": "controlnet", "style_model_name": "style_models", "gligen_name": "gligen",
    "hypernetwork_name": "hypernetworks",
}  # fmt: skip
"""The category that an input of this name lists, where a file of the same name lies in several."""
_EMBEDDING = re.compile(r"embedding:([^\s,():\[\]]+)")
_LONGEST = 1024
_MOST_PROBED = 256 << 20
_DEMO = {"denoiser": "diffusion_models", "text_encoder": "text_encoders", "autoencoder": "vae"}
_DEMO_NODE = "GoodSeedDemoModel"


@dataclass(frozen=True)
class ModelFile:
    """A file that an input of a node names."""

    role: str
    name: str
    path: Path
    node: str
    input: str


def models_of(recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the model files of a recipe as a record keeps them, waiting for hashes that are not known yet.

    A file that cannot be read is listed with unknown hashes.
    """
    return [_described(file) for file in model_files(recipe["nodes"])]


def models_known(recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the same at once: hashes that are not known yet are unknown, and made in the background."""
    return [_described(file, wait=False) for file in model_files(recipe["nodes"])]


def prefetch(prompt: Mapping[str, Any]) -> None:
    """Start to hash the model files of a prompt in API format, in the background."""
    for file in model_files({key: node_of(node) for key, node in prompt.items()}):
        try:
            hash_cache().start(file.path)
        except OSError as error:
            logging.warning("Good Seed: %s: cannot be read (%s); its hash is left out", file.name, error.strerror)


def model_files(nodes: Mapping[str, Any]) -> list[ModelFile]:
    """Return the files of ComfyUI's model folders that literal inputs of nodes name, and the demo model's."""
    found: list[ModelFile] = []
    for key, node in nodes.items():
        if node["class_type"] == _DEMO_NODE:
            found += _demo_files(key, node["inputs"])
        for name, value in node["inputs"].items():
            texts = texts_in(literal_of(value)) if link_of(value) is None else ()
            for text in texts:
                found += [ModelFile(role, file, path, key, name) for role, file, path in _files(name, text)]
    return found


def _demo_files(key: str, inputs: Mapping[str, Any]) -> Iterator[ModelFile]:
    """Yield the files of the demo model's variant; of all where a wire names it, since the graph does not say which."""
    given = inputs.get("variant", weights.TEXT_TO_IMAGE)
    variants = weights.VARIANTS if link_of(given) is not None else [str(literal_of(given))]
    for name, role in dict.fromkeys((weights.name_of(part, v), role) for v in variants for part, role in _DEMO.items()):
        path = weights.weights_path(name)
        yield ModelFile(role, path.name, path, key, "")


@cache
def hash_cache() -> HashCache:
    """Return the hashes known to this ComfyUI; kept beside its users' folders, out of reach of its routes."""
    return HashCache(Path(folder_paths.get_user_directory()) / "__goodseed")


def holds_tensor(path: Path, probe: Mapping[str, Any]) -> bool:
    """Say whether a safetensors file has a tensor of the dtype, shape and hash of a probe (host/adapters.py)."""
    with open(path, "rb", buffering=0) as file:
        start, entries = safetensors_header(file)
        left = _MOST_PROBED
        for entry in entries.values():
            first, last = entry["data_offsets"]
            if entry["shape"] != probe["shape"] or entry["dtype"] != _short(probe["dtype"]) or left < last - first:
                continue
            left -= last - first
            file.seek(start + first)
            if hashlib.sha256(file.read(last - first)).hexdigest() == probe["sha256"]:
                return True
    return False


def _files(name: str, text: str) -> Iterator[tuple[str, str, Path]]:
    """Yield category, name and path of the file that an input's text names, or of the embeddings in it."""
    for embedding in _EMBEDDING.findall(text):
        for ending in ("", ".safetensors", ".pt", ".bin"):
            if path := _path("embeddings", embedding + ending):
                yield "embeddings", plain_name(embedding + ending), path
                break
    if not text or len(text) > _LONGEST:
        return
    ending = os.path.splitext(text)[1].lower()
    usual = _USUAL.get(name)
    roles = [usual] if usual in folder_paths.folder_names_and_paths else []
    roles += [role for role in folder_paths.folder_names_and_paths if role not in roles]
    for role in roles:
        if ending and ending in folder_paths.folder_names_and_paths[role][1] and (path := _path(role, text)):
            yield role, plain_name(text), path
            return


def _path(role: str, name: str) -> Path | None:
    path = folder_paths.get_full_path(role, name)
    return Path(path) if path and os.path.isfile(path) else None


def plain_name(name: str) -> str:
    """Return a file's name below its category's folder, with / and without a way up or a drive."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..") and ":" not in part]
    return "/".join(parts)


def _described(file: ModelFile, wait: bool = True) -> dict[str, Any]:
    described: dict[str, Any] = {"role": file.role, "name": file.name, "node": file.node, "input": file.input}
    try:
        size = file.path.stat().st_size
        coming = hash_cache().start(file.path)
        if not wait and not coming.done():
            return {**described, "size": size, "sha256": unknown(), "tensors_sha256": unknown()}
        hashes = coming.result()
    except OSError as error:
        logging.warning("Good Seed: %s: cannot be read (%s); its hash is left out", file.name, error.strerror or error)
        return {**described, "size": None, "sha256": unknown(), "tensors_sha256": unknown()}
    tensors = known(hashes.tensors_sha256, GRAPH) if hashes.tensors_sha256 else unknown()
    return {**described, "size": size, "sha256": known(hashes.sha256, GRAPH), "tensors_sha256": tensors}


def _short(dtype: str) -> str:
    """Return a torch dtype's name as safetensors writes it."""
    return {
        "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
        "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL", "float8_e4m3fn": "F8_E4M3",
        "float8_e5m2": "F8_E5M2",
    }.get(dtype, dtype)  # fmt: skip
