"""What ComfyUI adds to the environment of an image: its version, how it was started, and the packs in the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import comfy.cli_args
import comfy.ldm.modules.attention
import comfy.model_management
import comfyui_version
import folder_paths

import goodseed
import nodes
from goodseed.provenance.environment import environment_of, machine, pack_version, threads
from goodseed.provenance.numerics import numerics_now
from goodseed.provenance.record import Known

_NUMERIC_FLAGS = (
    "force_fp32", "force_fp16", "fp32_unet", "fp64_unet", "bf16_unet", "fp16_unet", "fp8_e4m3fn_unet", "fp8_e5m2_unet",
    "fp8_e8m0fnu_unet", "fp16_vae", "fp32_vae", "bf16_vae", "cpu_vae", "fp8_e4m3fn_text_enc", "fp8_e5m2_text_enc",
    "fp16_text_enc", "fp32_text_enc", "bf16_text_enc", "fp16_intermediates", "force_channels_last", "directml",
    "supports_fp8_compute", "use_split_cross_attention", "use_quad_cross_attention", "use_pytorch_cross_attention",
    "use_sage_attention", "use_flash_attention", "use_ck_attention", "enable_triton_backend", "disable_xformers",
    "force_upcast_attention", "dont_upcast_attention", "gpu_only", "highvram", "normalvram", "lowvram", "novram", "cpu",
    "enable_dynamic_vram", "disable_dynamic_vram", "disable_cuda_graphs", "force_non_blocking", "deterministic", "fast",
)  # fmt: skip
"""Arguments of ComfyUI that change the bits of a picture (comfy/cli_args.py); others, such as paths, are left out."""


def environment(recipe: Mapping[str, Any], run: Mapping[str, Any] | None) -> dict[str, Known]:
    """Return the environment of an image; torch's flags are those of `run`, its last sampling, where it was seen."""
    management = comfy.model_management
    numerics = run["numerics"] if run is not None and "numerics" in run else numerics_now()
    model = {"unet": run["dtype"]} if run is not None else {}
    return environment_of(
        {
            "comfyui": comfyui_version.__version__,
            **machine(),
            "threads": threads(),
            "attention": comfy.ldm.modules.attention.optimized_attention.__name__,
            "vram_mode": management.vram_state.name,
            "text_encoder_device": str(management.text_encoder_device()),
            "precision": {**numerics["precision"], **model, "vae": str(management.vae_dtype()).removeprefix("torch.")},
            "deterministic": numerics["deterministic"],
            "launch_flags": launch_flags(),
            "packs": packs({node["class_type"] for node in recipe["nodes"].values()}),
        }
    )


def launch_flags() -> list[str]:
    """Return the numeric arguments that ComfyUI was started with, as they are typed."""
    found = []
    for name in _NUMERIC_FLAGS:
        value = getattr(comfy.cli_args.args, name, None)
        if value is None or value is False or (isinstance(value, (set, list)) and not value):
            continue
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, (set, list)):
            flag += " " + " ".join(sorted(str(getattr(part, "value", part)) for part in value))
        elif value is not True:
            flag += f" {value}"
        found.append(flag)
    return found


def packs(class_types: Iterable[str]) -> list[dict[str, Any]]:
    """Return name, version and commit of each pack that has one of the nodes; ComfyUI's own nodes have none."""
    found: dict[str, dict[str, Any]] = {}
    for class_type in class_types:
        module = getattr(nodes.NODE_CLASS_MAPPINGS.get(class_type), "RELATIVE_PYTHON_MODULE", "") or ""
        if not module.startswith("custom_nodes."):
            continue
        name = module.removeprefix("custom_nodes.")
        for root in folder_paths.get_folder_paths("custom_nodes"):
            if (folder := Path(root) / name).is_dir() or (folder := Path(root) / f"{name}.py").is_file():
                found[name] = dict(pack_version(folder))
                break
        if class_type.startswith("GoodSeed") and name in found:
            found[name] = {**found[name], "version": goodseed.__version__}
    return [found[name] for name in sorted(found)]
