"""What pictures a pipeline is asked for, and where it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from goodseed.errors import StudyError
from goodseed.noise import NoiseSpec
from goodseed.noise.spec import DTYPES

BATCH = 4
"""Pictures made at once, where nothing else is asked for."""


@dataclass(frozen=True)
class Settings:
    """All that decides about a picture besides the pipeline, its prompt and its seed."""

    steps: int
    guidance: float
    width: int
    height: int
    negative: str
    dtype: str
    variant: str
    batch: int
    noise: NoiseSpec

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "noise": self.noise.as_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        noise = dict(values["noise"])
        return cls(**{**values, "noise": NoiseSpec(**{**noise, "shape": tuple(noise["shape"])})})


def dtype_of(name: str) -> torch.dtype:
    """Return the dtype called so.

    Raises:
        StudyError: for another than float32, float16 and bfloat16.
    """
    if name not in DTYPES:
        raise StudyError(f"dtype: '{name[:40]}' is none; use one of {', '.join(DTYPES)}")
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def default_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def check_device(name: str) -> torch.device:
    """Return the device called so.

    Raises:
        StudyError: when it is none, or not there.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise StudyError(f"device: '{name[:40]}' is none; use cpu, cuda, cuda:1 or mps") from error
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count == 0:
            raise StudyError(
                f"device: {name} is asked for, and torch {torch.__version__} sees no GPU; use --device cpu"
            )
        if device.index is not None and device.index >= count:
            raise StudyError(f"device: {name} is not there; the last of {count} is cuda:{count - 1}")
    elif device.type == "mps" and not torch.backends.mps.is_available():
        raise StudyError("device: mps is asked for, and torch cannot use it here; use --device cpu")
    elif device.type not in ("cpu", "mps"):
        raise StudyError(f"device: '{name[:40]}' is none that pipelines run on here; use cpu, cuda, cuda:1 or mps")
    return device


def device_name(device: torch.device) -> str:
    """Return what decides about a device's arithmetic: a GPU's model, or cpu."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
