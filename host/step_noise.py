"""Step noise that does not depend on the GPU: a sampler's own noise, drawn on the CPU."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

from comfy.k_diffusion import sampling
from torch import Tensor

from goodseed.determinism import known


def portable(sampler: Any) -> Any:
    """Return a copy of a SAMPLER that draws on the CPU what it would draw on the latent's device; others as they are.

    On the CPU the copy gives the sampler's own bits. The noise is made by ComfyUI's factories and moved to the device.
    """
    function = getattr(sampler, "sampler_function", None)
    name = getattr(function, "__name__", "").removeprefix("sample_")
    if getattr(function, "__module__", None) != sampling.__name__:
        return sampler
    if name in known.GPU_TREE_SAMPLERS:
        on_cpu = _named_alike(getattr(sampling, f"sample_{name.removesuffix('_gpu')}"), function)
    elif name in known.STREAM_SAMPLERS:
        on_cpu = _with_cpu_stream(function)
    else:
        return sampler
    changed = copy.copy(sampler)
    changed.sampler_function = on_cpu
    return changed


def _named_alike(function: Callable[..., Tensor], other: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return `function` under the name that the graph asks for."""

    @functools.wraps(other)
    def sample(*args: Any, **options: Any) -> Tensor:
        return function(*args, **options)

    return sample


def _with_cpu_stream(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    @functools.wraps(function)
    def sample(model: Any, x: Tensor, sigmas: Tensor, extra_args: Any = None, **options: Any) -> Tensor:
        if options.get("noise_sampler") is None:
            draw = sampling.default_noise_sampler(x.cpu(), seed=(extra_args or {}).get("seed"))
            options["noise_sampler"] = lambda sigma, sigma_next: draw(sigma, sigma_next).to(x)
        return function(model, x, sigmas, extra_args=extra_args, **options)

    return sample
