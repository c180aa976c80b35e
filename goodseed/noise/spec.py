"""Noise specs: what turns a seed into a tensor."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

import torch

from goodseed.errors import NoiseError
from goodseed.noise.cards import DEFAULT_CARD, card_named
from goodseed.noise.streams import SPECS, step_stream
from goodseed.seeds import check_seed

DTYPES = ("float32", "float16", "bfloat16")


@dataclass(frozen=True)
class NoiseSpec:
    """How a seed becomes initial noise for a latent batch of `batch` items of `shape`, in one draw.

    `comfy` is what ComfyUI's `comfy.sample.prepare_noise` does: a CPU generator, one `torch.randn` over the latent's
    shape. `cpu` is the same in every version: drawn in float32, then rounded to `dtype`. `cuda` is what a generator on
    the CUDA card named `card` gives, as diffusers and A1111 draw on a GPU; the card matters for large draws only, see
    `goodseed.noise.cards`. `dtype` is what the tool draws in: diffusers that of the model (often float16), A1111
    float32.
    """

    shape: tuple[int, ...]
    name: str = "comfy"
    device: str = "cpu"
    dtype: str = "float32"
    batch: int = 1
    card: str | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the spec as a bank keeps it; `card` is there for a spec that has one."""
        spec = {**asdict(self), "shape": list(self.shape)}
        return spec if self.card is not None else {key: value for key, value in spec.items() if key != "card"}


def cpu_spec(shape: tuple[int, ...], dtype: str = "float32", batch: int = 1) -> NoiseSpec:
    return NoiseSpec(shape, "cpu", "cpu", dtype, batch)


def cuda_spec(
    shape: tuple[int, ...], card: str = DEFAULT_CARD.name, dtype: str = "float32", batch: int = 1
) -> NoiseSpec:
    return NoiseSpec(shape, "cuda", "cuda", dtype, batch, card_named(card).name)


def initial_noise(seed: int, spec: NoiseSpec) -> torch.Tensor:
    """Draw the noise of one seed: float32 [*spec.shape], without touching the global random state.

    Of a batch it is the first item. `comfy` is always drawn in float32, which is what ComfyUI 0.33 does.

    Raises:
        SeedError: for a seed that ComfyUI does not take.
        NoiseError: for an unknown spec, card or dtype.
    """
    shape = (spec.batch, *spec.shape)
    if spec.name == "comfy":
        generator = torch.Generator(device="cpu").manual_seed(check_seed(seed))
        return torch.randn(shape, generator=generator, dtype=torch.float32, device="cpu")[0]
    if spec.name not in SPECS:
        raise NoiseError(f"noise: spec '{spec.name[:40]}' is not known; use one of comfy, {', '.join(SPECS)}")
    card = card_named(spec.card) if spec.card is not None else DEFAULT_CARD
    return step_stream(seed, spec.name, card).randn(shape, dtype_named(spec.dtype))[0].float()


def dtype_named(name: str) -> torch.dtype:
    """Return the dtype that a noise spec calls `name`.

    Raises:
        NoiseError: for a dtype that noise is not drawn in.
    """
    if name not in DTYPES:
        raise NoiseError(f"noise: dtype '{name[:40]}' cannot be drawn; use one of {', '.join(DTYPES)}")
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def noise_fingerprint(noise: torch.Tensor) -> str:
    """Return the SHA-256 of a noise tensor's little-endian float32 bytes, in hexadecimal."""
    return hashlib.sha256(noise.detach().cpu().contiguous().numpy().astype("<f4").tobytes()).hexdigest()
