"""The text that A1111's web UI writes into its images (modules/processing.py, create_infotext), made from a record.

Civitai and most readers of metadata understand it. Hashes are AutoV2: the first ten digits of a file's SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_SAMPLERS = {
    "euler": "Euler", "euler_ancestral": "Euler a", "heun": "Heun", "lms": "LMS", "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a", "dpm_fast": "DPM fast", "dpm_adaptive": "DPM adaptive",
    "dpmpp_2s_ancestral": "DPM++ 2S a", "dpmpp_sde": "DPM++ SDE", "dpmpp_sde_gpu": "DPM++ SDE",
    "dpmpp_2m": "DPM++ 2M", "dpmpp_2m_sde": "DPM++ 2M SDE", "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
    "dpmpp_3m_sde": "DPM++ 3M SDE", "dpmpp_3m_sde_gpu": "DPM++ 3M SDE", "ddim": "DDIM", "uni_pc": "UniPC", "lcm": "LCM",
}  # fmt: skip
_SCHEDULERS = {
    "normal": "Normal", "karras": "Karras", "exponential": "Exponential", "sgm_uniform": "SGM Uniform",
    "simple": "Simple", "ddim_uniform": "DDIM", "beta": "Beta", "kl_optimal": "KL Optimal",
}  # fmt: skip


def parameters_text(record: Mapping[str, Any]) -> str | None:
    """Return a record as A1111's text, or None where the sampler, the seed or the steps are unknown."""
    values = {name: entry["value"] for name, entry in record["tuple"].items()}
    if any(values[name] is None for name in ("sampler", "seed", "steps")):
        return None
    models = {role: [m for m in record["models"] if m["role"] == role] for role in ("checkpoints", "loras")}
    fields: dict[str, Any] = {
        "Steps": values["steps"],
        "Sampler": _SAMPLERS.get(values["sampler"], values["sampler"]),
        "Schedule type": _SCHEDULERS.get(values["scheduler"], values["scheduler"]),
        "CFG scale": values["cfg"],
        "Seed": values["seed"],
        "Size": f"{values['width']}x{values['height']}" if values["width"] and values["height"] else None,
    }
    for model in models["checkpoints"][:1]:
        fields["Model hash"] = _short(model)
        fields["Model"] = _stem(model["name"])
    if values["denoise"] not in (None, 1, 1.0):
        fields["Denoising strength"] = values["denoise"]
    hashes = [f"{_stem(model['name'])}: {_short(model)}" for model in models["loras"] if _short(model)]
    fields["Lora hashes"] = ", ".join(hashes) or None
    version = record["environment"].get("comfyui", {}).get("value")
    fields["Version"] = f"ComfyUI {version}" if version else "ComfyUI"
    last = ", ".join(f"{name}: {_quoted(value)}" for name, value in fields.items() if value is not None)
    positive, negative = (_prompt(record, role) for role in ("positive", "negative"))
    return "\n".join([positive, *([f"Negative prompt: {negative}"] if negative else []), last])


def _prompt(record: Mapping[str, Any], role: str) -> str:
    return "\n".join(prompt["text"] for prompt in record["prompts"] if prompt["role"] == role)


def _short(model: Mapping[str, Any]) -> str | None:
    value = model["sha256"]["value"]
    return value[:10] if value else None


def _stem(name: str) -> str:
    """Return a model's name without folders and ending; readers stumble over backslashes."""
    return name.replace("\\", "/").rpartition("/")[2].rpartition(".")[0] or name


def _quoted(value: Any) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(mark in text for mark in ",:\n") else text
