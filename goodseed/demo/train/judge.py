"""Training of the judge on drawn scenes, roughened so that it also reads generated pictures."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from goodseed.demo.networks import JudgeNetwork
from goodseed.demo.train.autoencoder import to_unit
from goodseed.demo.train.data import Scenes
from goodseed.demo.train.loop import Schedule, train

_HEADS = ("object", "modifier", "background", "border", "gray", "word")


def train_judge(scenes: Scenes, schedule: Schedule, folder: Path, device: torch.device) -> JudgeNetwork:
    """Train all heads and the outline together."""
    images, masks = torch.from_numpy(scenes.images), torch.from_numpy(scenes.masks)
    labels = torch.from_numpy(scenes.labels)

    def loss_of(model: nn.Module, generator: torch.Generator, count: int) -> Tensor:
        rows = torch.randint(len(images), (count,), generator=generator)
        batch = _roughen(to_unit(images[rows]), generator).to(device)
        answers = model(batch)
        wanted = labels[rows].to(device)
        loss = F.binary_cross_entropy_with_logits(answers["mask"], masks[rows].to(device).float() / 255)
        for column, head in enumerate(_HEADS):
            if answers[head].shape[1] == 1:
                weight = 0.3
                part = F.binary_cross_entropy_with_logits(answers[head][:, 0], wanted[:, column].float())
            else:
                weight = 1.0
                part = F.cross_entropy(answers[head], wanted[:, column])
            loss = loss + weight * part
        return loss

    model = train("judge", JudgeNetwork(), loss_of, schedule, folder, device)
    assert isinstance(model, JudgeNetwork)
    return model


def _roughen(images: Tensor, generator: torch.Generator) -> Tensor:
    """Blur half of the pictures a little and add faint noise, as a VAE's decoder does."""
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    share = torch.rand(len(images), 1, 1, 1, generator=generator)
    share = torch.where(torch.rand(share.shape, generator=generator) < 0.5, share, torch.zeros(()))
    rough = images * (1 - share) + blurred * share
    strength = 0.06 * torch.rand(len(images), 1, 1, 1, generator=generator)
    return (rough + strength * torch.randn(images.shape, generator=generator)).clamp(-1, 1)
