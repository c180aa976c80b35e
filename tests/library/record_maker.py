"""A sound record of a small picture, and changed copies of it."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import numpy as np

from goodseed.provenance.fingerprint import fingerprint, pixels_of
from goodseed.provenance.recipe import recipe_of
from goodseed.provenance.record import SCHEMA, VERSION, known, tuple_sha256, unknown

PROMPT = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["7", 0], "seed": 42, "steps": 2, "cfg": 7.5, "sampler_name": "euler", "scheduler": "simple",
            "positive": ["5", 0], "negative": ["6", 0], "latent_image": ["2", 0], "denoise": 1.0,
        },
        "_meta": {"title": "KSampler"},
    },
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "base/model.safetensors"}},
    "2": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
    "5": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["7", 1], "text": "a red ball"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["7", 1], "text": "blurry"}},
    "7": {
        "class_type": "LoraLoader",
        "inputs": {
            "model": ["1", 0], "clip": ["1", 1], "lora_name": "soft.safetensors", "strength_model": 0.8,
            "strength_clip": 1.0,
        },
    },
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["1", 2]}},
    "9": {"class_type": "GoodSeedProvenanceSaver", "inputs": {"images": ["8", 0], "filename_prefix": "ComfyUI"}},
}  # fmt: skip
"""A graph in API format: checkpoint and LoRA, one KSampler."""


def sample_record(**changes: Any) -> dict[str, Any]:
    """Return a sound record. A change names a part by its path, with __ for each step, and gives its new value.

    `sample_record(runs__0__seed__value=7)`; the tuple's hash is made again unless it is itself changed.
    """
    record = _record()
    for path, value in changes.items():
        *steps, last = path.split("__")
        part: Any = record
        for step in steps:
            part = part[int(step)] if isinstance(part, list) else part[step]
        part[int(last) if isinstance(part, list) else last] = value
    if "tuple_sha256" not in changes:
        record["tuple_sha256"] = tuple_sha256(record["tuple"])
    return record


def input_file(node: str, name: str, content: str, file: str = "cat.png") -> dict[str, Any]:
    """Return what a record says of a picture that an input names."""
    digest = known(sha256(content), "graph")
    return {"node": node, "input": name, "file": file, "folder": "input", "sha256": digest}


def tensor(name: str, *shape: int) -> np.ndarray:
    """Return a fixed float32 tensor for a name."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def observed(value: Any) -> dict[str, Any]:
    return known(value, "observed")


def _record() -> dict[str, Any]:
    adapters = [
        {"name": "soft.safetensors", "sha256": sha256("soft"), "strength_model": 0.8, "strength_clip": 1.0}
    ]  # fmt: skip
    values = {
        "model": known(sha256("model"), "graph"),
        "seed": observed(42), "sampler": observed("euler"), "scheduler": observed("simple"), "steps": observed(2),
        "cfg": observed(7.5), "denoise": observed(1.0), "width": observed(64), "height": observed(64),
        "prompt_sha256": known(sha256("a red ball"), "graph"), "negative_sha256": known(sha256("blurry"), "graph"),
        "adapters": observed(adapters),
    }  # fmt: skip
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "tuple": values,
        "tuple_sha256": tuple_sha256(values),
        "prompts": [
            {"role": role, "text": text, "sha256": sha256(text), "known": "graph", "node": node}
            for role, text, node in (("positive", "a red ball", "5"), ("negative", "blurry", "6"))
        ],
        "models": [
            _model("checkpoints", "base/model.safetensors", "model", "1", "ckpt_name"),
            _model("loras", "soft.safetensors", "soft", "7", "lora_name"),
        ],
        "recipe": recipe_of(PROMPT, "9"),
        "runs": [_run()],
        "decoded": fingerprint(tensor("decoded", 64, 64, 3)),
        "environment": _environment(),
        "pixels": pixels_of(np.clip(tensor("pixels", 64, 64, 3) * 40 + 128, 0, 255).astype(np.uint8)),
        "batch": {"index": 0, "size": 1},
    }


def _model(role: str, name: str, content: str, node: str, name_of_input: str) -> dict[str, Any]:
    return {
        "role": role, "name": name, "size": 1000, "sha256": known(sha256(content), "graph"),
        "tensors_sha256": known(sha256(f"{content} tensors"), "graph"), "node": node, "input": name_of_input,
    }  # fmt: skip


def _run() -> dict[str, Any]:
    sigmas = [14.6146, 1.8, 0.0]
    noise, latent = tensor("noise", 1, 4, 8, 8), tensor("latent", 1, 4, 8, 8)
    return copy.deepcopy(
        {
            "node": "3", "seed": observed(42), "steps": observed(2), "sampler": observed("euler"),
            "sampler_options": observed({}), "scheduler": observed("simple"), "sigmas": sigmas, "cfg": observed(7.5),
            "guider": observed("CFGGuider"), "denoise": observed(1.0), "width": observed(64), "height": observed(64),
            "batch_size": 1, "batch_index": None, "dtype": "float32", "device": "cpu",
            "adapters": [
                {
                    "strength_model": 0.8, "keys": 12, "sha256": sha256("soft"), "name": "soft.safetensors",
                    "known": "observed",
                }
            ],
            "patches": [],
            "stages": {
                "conditioning": fingerprint(tensor("conditioning", 1, 77, 768)),
                "initial_noise": fingerprint(noise),
                "sigmas": fingerprint(np.array(sigmas, dtype=np.float32)),
                "output_latent": fingerprint(latent),
            },
            "item_stages": {"initial_noise": [fingerprint(noise[0])], "output_latent": [fingerprint(latent[0])]},
            "nondeterministic": [],
        }
    )  # fmt: skip


def _environment() -> dict[str, Any]:
    values: dict[str, Any] = {
        "comfyui": "0.33.0", "python": "3.11.7", "torch": "2.11.0", "cuda": None, "cudnn": None, "gpu": None,
        "driver": None, "os": "Linux x86_64", "attention": "attention_sub_quad", "vram_mode": "DISABLED",
        "text_encoder_device": "cpu",
        "precision": {
            "matmul_allow_tf32": False, "cudnn_allow_tf32": True, "float32_matmul_precision": "highest",
            "fp16_accumulation": False, "unet": "float32",
        },
        "deterministic": {
            "algorithms": False, "warn_only": False, "cudnn_deterministic": False, "cudnn_benchmark": False,
            "cublas_workspace_config": ":4096:8",
        },
        "launch_flags": ["--cpu"],
        "packs": [{"name": "good-seed", "version": "0.1.0", "commit": None}],
    }  # fmt: skip
    return {name: observed(value) if value is not None else unknown() for name, value in values.items()}
