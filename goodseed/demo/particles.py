"""Particle Guidance: pictures of one batch push each other apart while they are sampled.

Corso, Xu, De Bortoli, Barzilay, Jaakkola, "Particle Guidance: non-I.I.D. Diverse Sampling with Diffusion Models", 2024:
the fixed potential log Φ(x₁ … xₙ) = −α/2 Σ k(xᵢ, xⱼ), with k(x, y) = exp(−‖x−y‖²/h) and the bandwidth h = m²/log n, m
the median distance of two particles. "Good Seed Makes a Good Crop" compares diverse seeds with it (table 2). A picture
then depends on its whole batch, so that no single seed makes it again.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def push(x: Tensor) -> Tensor:
    """Return the gradient of log Φ by each particle, at α = 1: [n, C, H, W] → the same, 0 for one particle."""
    count = len(x)
    if count < 2:
        return torch.zeros_like(x)
    flat = x.reshape(count, -1).double()
    squares = torch.cdist(flat, flat, compute_mode="donot_use_mm_for_euclid_dist") ** 2
    first, second = torch.triu_indices(count, count, offset=1)
    width = float(squares[first, second].sqrt().median()) ** 2 / math.log(count)
    if width == 0:
        return torch.zeros_like(x)
    weights = torch.exp(-squares / width) * (2 / width)
    gradient = weights.sum(dim=1, keepdim=True) * flat - weights @ flat
    return gradient.reshape(x.shape).to(x)


class ParticleGuidance:
    """Moves what the model takes for the latents without noise, by strength · σ² · ∇ log Φ.

    The particles are these very latents: between the noisy ones, as far apart as noise is, the same push tears pictures
    to pieces before it makes them differ. With σ² it is the score that is moved, but for a factor 1−σ, which keeps the
    first step finite.
    """

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, denoised: Tensor, sigma: Tensor) -> Tensor:
        """Return the latents without noise [n, C, H, W], moved, at this sigma."""
        return denoised + self.strength * sigma**2 * push(denoised)
