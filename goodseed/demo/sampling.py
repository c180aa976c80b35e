"""Sampling from the demo model without ComfyUI: the same arithmetic as its KSampler with euler and simple."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Guide = Callable[[Tensor, Tensor], Tensor]
"""Moves what is taken for the latents without noise: these [B,4,H,W] and sigma → these."""

Velocity = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A denoiser: x [B,4,H,W], t [B] and contexts [B,16,128] → velocities [B,4,H,W]."""

STEPS, CFG = 12, 3.0


@dataclass(frozen=True)
class Hole:
    """What is inpainted, and what it is painted into: the picture's latent [1,4,H,W], a mask [1,1,H,W], 1 in the hole.

    A soft mask mixes the two.
    """

    latent: Tensor
    mask: Tensor

    @staticmethod
    def of(latent: Tensor, mask: Tensor) -> Hole:
        """Scale a picture's mask [8H,8W] to its latent as ComfyUI does (comfy/utils.py, reshape_mask)."""
        scaled = F.interpolate(mask[None, None], size=latent.shape[2:], mode="bilinear")
        return Hole(latent, scaled)

    def seen(self, x: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
        """Return x with everything outside the hole as the picture is at this sigma."""
        around = sigma * noise + (1 - sigma) * self.latent
        return x * self.mask + around * (1 - self.mask)

    def kept(self, denoised: Tensor) -> Tensor:
        """Return what was denoised with the picture outside the hole."""
        return denoised * self.mask + self.latent * (1 - self.mask)


def simple_sigmas(steps: int) -> Tensor:
    """Return ComfyUI's `simple` schedule of a flow at shift 1: float32 [steps+1], from 1 to 0.

    comfy/samplers.py, simple_scheduler: every (1000/steps)-th of the 1,000 sigmas i/1000, from the end.
    """
    table = torch.arange(1, 1001, dtype=torch.float32) / 1000
    stride = len(table) / steps
    return torch.tensor([*(float(table[-(1 + int(i * stride))]) for i in range(steps)), 0.0])


@torch.no_grad()
def sample_euler(
    denoiser: Velocity,
    noise: Tensor,
    context: Tensor,
    empty: Tensor,
    steps: int = STEPS,
    cfg: float = CFG,
    hole: Hole | None = None,
    guide: Guide | None = None,
) -> Tensor:
    """Return latents [B,4,H,W] sampled from noise [B,4,H,W] under contexts [1,16,128].

    comfy/k_diffusion/sampling.py, sample_euler, over comfy/samplers.py, cfg_function, for a rectified flow; with a
    hole over KSamplerX0Inpaint, which is what SetLatentNoiseMask asks a KSampler for. At cfg 1 the empty prompt has no
    say, and ComfyUI leaves it out as well.
    """
    sigmas = simple_sigmas(steps)
    count = len(noise)
    contexts = torch.cat([part.expand(count, -1, -1) for part in ((context,) if cfg == 1 else (context, empty))])
    x = noise
    for sigma, following in itertools.pairwise(sigmas):
        seen = x if hole is None else hole.seen(x, noise, sigma)
        denoised = _denoised(denoiser, seen, sigma, contexts, cfg)
        denoised = denoised if guide is None else guide(denoised, sigma)
        denoised = denoised if hole is None else hole.kept(denoised)
        x = x + (x - denoised) / sigma * (following - sigma)
    return x


def _denoised(denoiser: Velocity, x: Tensor, sigma: Tensor, contexts: Tensor, cfg: float) -> Tensor:
    """Return what the model takes for the latents without noise [B,4,H,W], under contexts [B or 2B,16,128]."""
    times = len(contexts) // len(x)
    velocities = denoiser(torch.cat([x] * times), sigma.expand(len(contexts)).to(x), contexts).chunk(times)
    towards, *away = (x - sigma * velocity for velocity in velocities)
    denoised: Tensor = away[0] + (towards - away[0]) * cfg if away else towards
    return denoised
