"""What is patched onto a model: LoRAs with their strengths, and the names of everything else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

_OURS = "goodseed"
_QUIET = ("registered_hooks", "to_load_options", "multigpu_clones", "transformer_options")


def adapters_of(model: ModelPatcher) -> list[dict[str, Any]]:
    """Return the LoRAs and other weight patches on a MODEL or on a CLIP's patcher, in the order they were added.

    Each has its strength, the number of weights that it changes, and a probe: dtype, shape and hash of its smallest
    tensor, by which its file is found. All weights patched by one load of a LoRA share one set of loaded keys
    (comfy/lora.py, load_lora).
    """
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for patches in model.patches.values():
        for strength, patch, strength_of_weight, *_ in patches:
            loaded = getattr(patch, "loaded_keys", None)
            which = (id(loaded) if loaded is not None else None, float(strength), float(strength_of_weight))
            group = groups.setdefault(which, {"strength_model": float(strength), "keys": 0, "smallest": None})
            group["keys"] += 1
            for tensor in _tensors(patch):
                if group["smallest"] is None or tensor.numel() < group["smallest"].numel():
                    group["smallest"] = tensor
    return [
        {
            "kind": "weights",
            "strength_model": group["strength_model"],
            "keys": group["keys"],
            "probe": _probe(group["smallest"]),
        }
        for group in groups.values()
    ]


def controls_of(conds: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return the ControlNets of a sampling's conditioning, each once: strength and the share of steps they act on."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for entries in conds.values():
        for entry in entries:
            control = entry.get("control")
            while control is not None:
                start, end = control.timestep_percent_range
                about = (type(control).__name__, float(control.strength), float(start), float(end))
                found[about] = {
                    "kind": about[0],
                    "strength_model": about[1],
                    "start": about[2],
                    "end": about[3],
                    "keys": 0,
                    "probe": None,
                }
                control = control.previous_controlnet
    return list(found.values())


def patch_names(model: ModelPatcher, options: Mapping[str, Any]) -> list[str]:
    """Return names of what changes a model's sampling besides its weights: functions, wrappers, replaced objects."""
    names = [f"{key}: {_name(value)}" for key, value in model.object_patches.items()]
    for key, value in options.items():
        if key not in _QUIET:
            names += [f"{key}: {name}" for name in _names(value)]
    transformer = options.get("transformer_options", {})
    for part in ("patches", "patches_replace", "wrappers", "callbacks"):
        for key, value in transformer.get(part, {}).items():
            inner = value.items() if isinstance(value, Mapping) else [("", value)]
            kept = [content for name, content in inner if not str(name).startswith(_OURS)]
            names += [f"{part}.{key}: {name}" for content in kept for name in _names(content)]
    if model.hook_patches:
        names.append("hooks")
    return sorted(names)


def _tensors(patch: Any) -> Iterator[Tensor]:
    """Yield the tensors of a patch: a weight adapter, or a tuple such as ("diff", (tensor,))."""
    content = getattr(patch, "weights", patch)
    waiting = [content]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Tensor):
            yield part
        elif isinstance(part, (tuple, list)):
            waiting += reversed(part)


def _probe(tensor: Tensor | None) -> dict[str, Any] | None:
    if tensor is None:
        return None
    data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def _names(value: Any) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [name for inner in value for name in _names(inner)]
    if isinstance(value, Mapping):
        return [name for inner in value.values() for name in _names(inner)]
    return [_name(value)]


def _name(value: Any) -> str:
    """Return the name of a function or of an object's class, never an address in memory."""
    if isinstance(value, (bool, int, float, str)) or value is None:
        return repr(value)
    name = getattr(value, "__qualname__", None) or type(value).__qualname__
    shift = getattr(value, "shift", None)
    return f"{name} (shift {shift:g})" if isinstance(shift, (int, float)) else str(name)
