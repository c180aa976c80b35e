"""A small bank with planted effects: seed i's quality rises with i, and its images are borders above half."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from goodseed.banks import Bank, make_bank

SELECTION = [f"a {colour} box" for colour in ("red", "green", "blue", "gray")]
HELD_OUT = [f"a {colour} ball" for colour in ("red", "green")]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sound_info() -> dict[str, Any]:
    weights = {role: _weights(role) for role in ("denoiser", "autoencoder", "text_encoder")}
    judged = {"version": "1", "weights_sha256": sha("judge"), "about": "a test"}
    return {
        "schema": 1,
        "model": weights["denoiser"],
        "vae": weights["autoencoder"],
        "text_encoder": weights["text_encoder"],
        "adapters": [],
        "noise": {
            "name": "comfy",
            "device": "cpu",
            "dtype": "float32",
            "batch": 1,
            "shape": [4, 16, 16],
            "fingerprint": sha("noise"),
        },
        "sampling": {
            "sampler": "euler",
            "scheduler": "simple",
            "steps": 16,
            "cfg": 3.0,
            "shift": 1.0,
            "denoise": 1.0,
            "negative_prompt": "",
            "width": 128,
            "height": 128,
        },
        "prompts": {"selection": _prompts(SELECTION), "held_out": _prompts(HELD_OUT)},
        "reference": {
            name: {"what": "drawn scenes", "sha256": sha(name), "count": 20} for name in ("selection", "held_out")
        },
        "metrics": {
            "score": {**judged, "direction": "higher", "per": "image"},
            "fid": {**judged, "direction": "lower", "per": "seed"},
        },
        "traits": {"border": dict(judged)},
        "features": {
            "style": {**judged, "prompts": 4, "per_prompt": 2, "names": ["pc1", "pc2"]},
            "composition": {**judged, "prompts": 4, "per_prompt": 3, "names": ["x", "y", "size"]},
        },
        "design": {"kind": "exhaustive", "images": 240},
        "reliability": {"icc": {"score": {"value": 0.3, "low": 0.2, "high": 0.4}}},
        "software": {"goodseed": "0.1.0"},
    }


def sound_tensors(count: int = 40, random_state: int = 0) -> dict[str, np.ndarray]:
    """Return a sound bank's tensors for seeds 0…count-1."""
    random = np.random.default_rng(random_state)
    quality = np.arange(count, dtype=np.float32)
    tensors: dict[str, np.ndarray] = {
        "seeds": np.arange(count, dtype=np.int64),
        "trait.border": (np.arange(count) >= count // 2).astype(np.float32) * np.float32(0.75),
        "feature.style": random.standard_normal((count, 8)).astype(np.float32),
        "feature.composition": random.random((count, 12)).astype(np.float32),
        "heldout.feature.style": random.standard_normal((count, 4)).astype(np.float32),
    }
    for which, images in (("metric", 4), ("heldout", 2)):
        for name, sign in (("score", 1), ("fid", -1)):
            noise = random.standard_normal(count).astype(np.float32)
            tensors[f"{which}.{name}.mean"] = sign * quality + 3 * noise
            tensors[f"{which}.{name}.stderr"] = np.full(count, 0.5, dtype=np.float32)
            tensors[f"{which}.{name}.n"] = np.full(count, images, dtype=np.int32)
    return tensors


def inpaint_info() -> dict[str, Any]:
    """Return what a bank says of an inpainting part, and its reliability."""
    pairs = {"sha256": sha("pairs"), "count": 4, "licence": "CC0-1.0"}
    interval = {"value": 0.3, "low": 0.2, "high": 0.4}
    chance = {"chance": 0.0, "chance_low": -0.3, "chance_high": 0.3}
    gain = {"golden": 0.01, "all": 0.05, "gain": 0.04, "low": 0.02, "high": 0.06, "k": 2}
    return {
        "about": "a test",
        "tasks": {"removal": {"about": "away"}, "completion": {"about": "again"}},
        "pairs": {"selection": pairs, "held_out": {**pairs, "sha256": sha("other pairs")}},
        "reader": {"name": "red", "version": "1"},
        "images": 640,
        "reliability": {
            task: {"icc": interval, "rank_correlation": {**interval, **chance}, "gain": gain}
            for task in ("removal", "completion")
        },
    }


def inpaint_tensors(count: int = 40, random_state: int = 1) -> dict[str, np.ndarray]:
    """Return shares of text: in removal they rise with the seed, the first quarter has none; in completion chance."""
    random = np.random.default_rng(random_state)
    shares = {
        "removal": np.clip(np.arange(count) - count // 4, 0, None) / count,
        "completion": 0.1 * random.permutation(count) / count,
    }
    tensors: dict[str, np.ndarray] = {}
    for task, share in shares.items():
        for prefix in ("inpaint", "heldout.inpaint"):
            tensors[f"{prefix}.{task}.text_share"] = share.astype(np.float32)
            tensors[f"{prefix}.{task}.stderr"] = np.full(count, 0.01, np.float32)
            tensors[f"{prefix}.{task}.n"] = np.full(count, 4, np.int32)
    return tensors


def with_inpainting(
    tensors: dict[str, np.ndarray], info: dict[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return a bank's parts with an inpainting part added."""
    inpaint = inpaint_info()
    reliability = {**info["reliability"], "inpaint": inpaint.pop("reliability")}
    info = {**info, "inpaint": inpaint, "reliability": reliability}
    return {**tensors, **inpaint_tensors(len(tensors["seeds"]))}, info


def make_inpaint_bank(count: int = 40) -> Bank:
    return make_bank(*with_inpainting(sound_tensors(count), sound_info()), "test")


def make_test_bank(count: int = 40, random_state: int = 0, name: str = "test") -> Bank:
    return make_bank(sound_tensors(count, random_state), sound_info(), name)


def _weights(role: str) -> dict[str, str]:
    return {
        "file": f"{role}.safetensors",
        "sha256": sha(f"{role} file"),
        "tensors_sha256": sha(f"{role} tensors"),
        "family": "goodseed-test",
    }


def _prompts(texts: list[str]) -> dict[str, Any]:
    return {
        "sha256": sha("\n".join(texts)),
        "count": len(texts),
        "order": "as in the file",
        "licence": "CC0-1.0",
        "texts": texts,
    }
