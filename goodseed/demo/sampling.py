"""Sampling from the demo model without ComfyUI: the same arithmetic as its KSampler with euler and simple."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from goodseed.demo.networks import Denoiser

STEPS, CFG = 12, 3.0


def simple_sigmas(steps: int) -> Tensor:
    """Return ComfyUI's `simple` schedule of a flow at shift 1: float32 [steps+1], from 1 to 0.

    comfy/samplers.py, simple_scheduler: every (1000/steps)-th of the 1,000 sigmas i/1000, from the end.
    """
    table = torch.arange(1, 1001, dtype=torch.float32) / 1000
    stride = len(table) / steps
    return torch.tensor([*(float(table[-(1 + int(i * stride))]) for i in range(steps)), 0.0])


@torch.no_grad()
def sample_euler(
    denoiser: Denoiser, noise: Tensor, context: Tensor, empty: Tensor, steps: int = STEPS, cfg: float = CFG
) -> Tensor:
    """Return latents [B,4,H,W] sampled from noise [B,4,H,W] under contexts [1,16,128].

    comfy/k_diffusion/sampling.py, sample_euler, over comfy/samplers.py, cfg_function, for a rectified flow.
    """
    sigmas = simple_sigmas(steps)
    count = len(noise)
    contexts = torch.cat((context.expand(count, -1, -1), empty.expand(count, -1, -1)))
    x = noise
    for sigma, following in itertools.pairwise(sigmas):
        t = sigma.expand(2 * count).to(x)
        towards, away = denoiser(torch.cat((x, x)), t, contexts).chunk(2)
        denoised_towards, denoised_away = x - sigma * towards, x - sigma * away
        denoised = denoised_away + (denoised_towards - denoised_away) * cfg
        x = x + (x - denoised) / sigma * (following - sigma)
    return x
