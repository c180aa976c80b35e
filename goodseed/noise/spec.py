"""Noise specs: what turns a seed into a tensor."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

import torch

from goodseed.seeds import check_seed


@dataclass(frozen=True)
class NoiseSpec:
    """How a seed becomes initial noise.

    `comfy` is what ComfyUI's `comfy.sample.prepare_noise` does for a batch of one: a CPU generator,
    one `torch.randn` over the latent's shape.
    """

    shape: tuple[int, ...]
    name: str = "comfy"
    device: str = "cpu"
    dtype: str = "float32"
    batch: int = 1

    def as_dict(self) -> dict[str, object]:
        return {**asdict(self), "shape": list(self.shape)}


def initial_noise(seed: int, spec: NoiseSpec) -> torch.Tensor:
    """Draw the noise of one seed: float32 [*spec.shape], without touching the global random state."""
    generator = torch.Generator(device="cpu").manual_seed(check_seed(seed))
    return torch.randn((1, *spec.shape), generator=generator, dtype=torch.float32, device="cpu")[0]


def noise_fingerprint(noise: torch.Tensor) -> str:
    """Return the SHA-256 of a noise tensor's little-endian float32 bytes, in hexadecimal."""
    return hashlib.sha256(noise.detach().cpu().contiguous().numpy().astype("<f4").tobytes()).hexdigest()
