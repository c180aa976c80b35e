"""Training of the VAE on crops of scenes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import track
from torch import Tensor, nn

from goodseed.demo.networks import Autoencoder
from goodseed.demo.train.data import Scenes
from goodseed.demo.train.loop import Schedule, rounded, train

KL_WEIGHT = 5e-4
SIGNS_KL_WEIGHT = 2e-4
"""For the inpainting variant: letters need latents that say more."""

CROP = 64


def train_autoencoder(
    scenes: Scenes, schedule: Schedule, folder: Path, device: torch.device, first: Autoencoder | None = None
) -> Autoencoder:
    """Train the VAE and set its `scale` and `shift` so that latents have mean 0 and variance 1 per channel.

    With `first` it starts from that one's weights and learns writing: strong contrast counts more.
    """
    images = torch.from_numpy(scenes.images)
    divergence_weight = SIGNS_KL_WEIGHT if first else KL_WEIGHT

    def loss_of(model: nn.Module, generator: torch.Generator, count: int) -> Tensor:
        assert isinstance(model, Autoencoder)
        batch = _crops(images, count, generator).to(device)
        mean, log_variance = model.moments(batch)
        noise = torch.randn(mean.shape, generator=generator).to(device)
        remade = model.decode(mean + noise * (0.5 * log_variance).exp())
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        weights = contrast(batch) if first else torch.ones(())
        return reconstruction_loss(remade, batch, weights) + divergence_weight * divergence

    start = (first or Autoencoder()).requires_grad_(True)
    model = train("autoencoder", start, loss_of, schedule, folder, device)
    assert isinstance(model, Autoencoder)
    latents = encode_all(model, scenes.images[:2000], device)
    model.shift.copy_(latents.mean((0, 2, 3)))
    model.scale.copy_(latents.std((0, 2, 3)))
    return model


def reconstruction_loss(remade: Tensor, batch: Tensor, weights: Tensor) -> Tensor:
    """Mean absolute difference of pixels, plus half that of neighbouring pixels' differences (edges).

    `weights` [B,1,H,W], or [], weighs the pixels.
    """
    off = (remade - batch) * weights
    return off.abs().mean() + 0.5 * (off.diff(dim=-1).abs().mean() + off.diff(dim=-2).abs().mean())


def contrast(batch: Tensor) -> Tensor:
    """Return a weight for each pixel of pictures [B,3,H,W]: [B,1,H,W], 1 on flat ground, 3 in black on white."""
    gray = batch.mean(1, keepdim=True)
    span = F.max_pool2d(gray, 7, 1, 3) + F.max_pool2d(-gray, 7, 1, 3)
    return 1 + 0.5 * span.square()


def encode_all(model: Autoencoder, images: np.ndarray, device: torch.device, rounding: bool = False) -> Tensor:
    """Return the latents float32 [N,4,16,16] of pictures uint8 [N,128,128,3]; see `Schedule.rounded`."""

    def encode(start: int) -> Tensor:
        with torch.no_grad(), rounded(device, rounding)():
            return model.encode(to_unit(torch.from_numpy(images[start : start + 64])).to(device)).float().cpu()

    starts = range(0, len(images), 64)
    with ThreadPoolExecutor(2, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return torch.cat(list(track(pool.map(encode, starts), "encoding", total=len(starts))))


def to_unit(images: Tensor) -> Tensor:
    """Return uint8 [B,H,W,3] as float32 [B,3,H,W] in −1…1."""
    return images.permute(0, 3, 1, 2).float() / 127.5 - 1


def _crops(images: Tensor, count: int, generator: torch.Generator) -> Tensor:
    rows = torch.randint(len(images), (count,), generator=generator).tolist()
    corners = torch.randint((images.shape[1] - CROP) // 8 + 1, (count, 2), generator=generator) * 8
    crops = [images[r, y : y + CROP, x : x + CROP] for r, (y, x) in zip(rows, corners.tolist(), strict=True)]
    return to_unit(torch.stack(crops))
