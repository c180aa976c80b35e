"""Loading networks: of transformers from a folder, of others from a checkpoint."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from goodseed.errors import WeightsError
from goodseed.study.metrics.images import device
from goodseed.study.metrics.weights import check_loaded


def pretrained(kind: Any, folder: Path) -> Any:
    """Return a network of transformers with the weights of a folder, in float32 on the device; nothing is fetched.

    Weights that the network has no use for (CLIP's text encoder, where images are read) are left out.

    Raises:
        WeightsError: when the folder holds something else, or weights are missing from it.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        network, found = kind.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise WeightsError(_unfit(folder, error)) from error
    check_loaded(folder, sorted(found["missing_keys"]))
    return network.float().to(device()).eval().requires_grad_(False)


def read_checkpoint(path: Path) -> Mapping[str, torch.Tensor]:
    """Return the weights by name in a file of torch, also where they stand under `state_dict`.

    Raises:
        WeightsError: when it is none; objects other than tensors are never made.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError) as error:
        raise WeightsError(_unfit(path, error)) from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise WeightsError(f"{path}: holds no weights by name; remove it, and it is fetched again")
    return state


def filled(network: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path) -> torch.nn.Module:
    """Return a network filled with weights, in float32 on the device, for reading only.

    Raises:
        WeightsError: when weights are missing, left over or of another shape.
    """
    try:
        lacking, more = network.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise WeightsError(_unfit(path, error)) from error
    check_loaded(path, lacking, more)
    return network.float().to(device()).eval().requires_grad_(False)


def _unfit(path: Path, error: Exception) -> str:
    why = " ".join(str(error).split())[:160]
    return f"{path}: cannot be loaded ({why}); remove it, and it is fetched again"
