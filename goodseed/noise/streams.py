"""Streams of normals that do not depend on the machine: one for initial noise, or for the noise between steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from goodseed.errors import NoiseError
from goodseed.noise.cards import DEFAULT_CARD, Card
from goodseed.noise.cuda import CudaGenerator
from goodseed.seeds import check_seed

SPECS = ("cpu", "cuda")
NAMES = ("comfy", *SPECS)
"""All noise specs; the noise of comfy is the host's own."""
"""The noise specs that are streams. Spec comfy is not one: its step noise is the sampler's own."""


class NoiseStream(Protocol):
    """Normals, one draw after the other."""

    def randn(self, shape: Sequence[int], dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Return the next normals, [*shape] on the CPU: drawn in float32 and rounded to `dtype`."""
        ...


class CpuStream:
    """`torch.Generator("cpu")`, always drawn in float32."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator(device="cpu").manual_seed(check_seed(seed))

    def randn(self, shape: Sequence[int], dtype: torch.dtype = torch.float32) -> torch.Tensor:
        noise = torch.randn(tuple(shape), generator=self._generator, dtype=torch.float32, device="cpu")
        return noise.to(dtype)


def step_stream(seed: int, spec: str, card: Card = DEFAULT_CARD, *, after: Sequence[Sequence[int]] = ()) -> NoiseStream:
    """Return a new stream of `seed`: `cpu`, or `cuda` as `card` gives it.

    It begins at the beginning, as ComfyUI's own step noise does on a GPU. diffusers and A1111 go on with the generator
    that drew the initial noise: for them `after` is the shapes drawn before, batch included.

    Raises:
        SeedError: for a seed that ComfyUI does not take.
        NoiseError: for an unknown spec.
    """
    if spec == "cpu":
        stream: NoiseStream = CpuStream(seed)
    elif spec == "cuda":
        stream = CudaGenerator(seed, card)
    else:
        raise NoiseError(f"noise: spec '{spec[:40]}' gives no stream; use one of {', '.join(SPECS)}")
    for shape in after:
        if isinstance(stream, CudaGenerator):
            stream.skip(shape)
        else:
            stream.randn(shape)
    return stream
