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
from goodseed.demo.train.loop import Schedule, train

KL_WEIGHT = 5e-4
CROP = 64


def train_autoencoder(scenes: Scenes, schedule: Schedule, folder: Path, device: torch.device) -> Autoencoder:
    """Train the VAE and set its `scale` and `shift` so that latents have mean 0 and variance 1 per channel."""
    images = torch.from_numpy(scenes.images)

    def loss_of(model: nn.Module, generator: torch.Generator, count: int) -> Tensor:
        assert isinstance(model, Autoencoder)
        batch = _crops(images, count, generator).to(device)
        mean, log_variance = model.moments(batch)
        noise = torch.randn(mean.shape, generator=generator).to(device)
        remade = model.decode(mean + noise * (0.5 * log_variance).exp())
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        return reconstruction_loss(remade, batch) + KL_WEIGHT * divergence

    model = train("autoencoder", Autoencoder(), loss_of, schedule, folder, device)
    assert isinstance(model, Autoencoder)
    latents = encode_all(model, scenes.images[:2000], device)
    model.shift.copy_(latents.mean((0, 2, 3)))
    model.scale.copy_(latents.std((0, 2, 3)))
    return model


def reconstruction_loss(remade: Tensor, batch: Tensor) -> Tensor:
    """Mean absolute difference of pixels, plus half that of neighbouring pixels' differences (edges)."""
    across = F.l1_loss(remade.diff(dim=-1), batch.diff(dim=-1))
    down = F.l1_loss(remade.diff(dim=-2), batch.diff(dim=-2))
    return F.l1_loss(remade, batch) + 0.5 * (across + down)


def encode_all(model: Autoencoder, images: np.ndarray, device: torch.device) -> Tensor:
    """Return the latents float32 [N,4,16,16] of pictures uint8 [N,128,128,3]."""

    def encode(start: int) -> Tensor:
        with torch.no_grad():
            return model.encode(to_unit(torch.from_numpy(images[start : start + 64])).to(device)).cpu()

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
