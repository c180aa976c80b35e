"""Style: Gram matrices of VGG19, as cosines between channels, cut down on the worker by a fixed projection.

Section 3.2 of "Good Seed Makes a Good Crop" after Gatys et al. 2016. The study's principal components are taken of
these features afterwards (`goodseed.study.pca`).
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from goodseed.study.interfaces import Measurements
from goodseed.study.metrics.images import IMAGENET, shorter_side, to_tensor
from goodseed.study.metrics.networks import filled, read_checkpoint
from goodseed.study.metrics.weights import WeightsFile, describe, fetch

VERSION = "1"
NAME = "style"
SIDE = 224
WIDTH = 32
"""Numbers that remain of one layer's Gram matrix."""

PROJECTION_SEED = 11

VGG19 = WeightsFile(
    "vgg19-dcbb9e9d.pth",
    574_673_361,
    url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    sha256="dcbb9e9d",
)

_BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))
"""Channels and convolutions up to the first one of the fifth block: nothing behind it is looked at."""

_READ_AFTER = (1, 6, 11, 20, 29)  # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1
CHANNELS = (64, 128, 256, 512, 512)


class GramStyle:
    """`style`: 160 numbers a picture, 32 of each of five layers' Gram matrices."""

    def __init__(self) -> None:
        self._sketches = [Sketch(channels, number) for number, channels in enumerate(CHANNELS)]

    def describe(self) -> dict[str, Any]:
        """Return the feature's entry."""
        entry = {
            "version": VERSION,
            "about": "Gram matrices of five layers of VGG19 as cosines between channels, projected to 160, then two "
            "components a prompt",
            **describe([fetch(VGG19)]),
        }
        return {"features": {NAME: entry}}

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Return the style of pictures uint8 [B, H, W, 3]: float32 [B, 160]."""
        return Measurements(style=np.stack([self.style(image) for image in images]))

    @torch.no_grad()
    def style(self, picture: np.ndarray) -> np.ndarray:
        """Return the style of one picture uint8 [H, W, 3], its shorter side made 224: float32 [160]."""
        layers = self._network(to_tensor([shorter_side(picture, SIDE)], IMAGENET))
        parts = [sketch(channel_cosines(layer)[0]) for layer, sketch in zip(layers, self._sketches, strict=True)]
        found: np.ndarray = torch.cat(parts).numpy() / len(CHANNELS) ** 0.5
        return found

    @cached_property
    def _network(self) -> FirstLayers:
        return load_vgg19(fetch(VGG19))


class FirstLayers(nn.Module):
    """VGG19 up to relu5_1; weights are named as torchvision names them."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for channels, count in _BLOCKS:
            if layers:
                layers.append(nn.MaxPool2d(2))
            for _ in range(count):
                layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU()]
                before = channels
        self.features = nn.Sequential(*layers)

    def forward(self, batch: Tensor) -> list[Tensor]:
        """Return the five layers' answers [B, C, h, w]."""
        found = []
        for number, layer in enumerate(self.features):
            batch = layer(batch)
            if number in _READ_AFTER:
                found.append(batch)
        return found


class Sketch:
    """Cuts the pairs of channels above a Gram matrix's diagonal down to 32 numbers that keep lengths on the mean.

    A count sketch (Charikar et al. 2002): each pair is added, with a random sign, to one of the numbers. Which is
    drawn once from a fixed seed, so that all workers agree; unlike a dense projection it takes no memory to speak of.
    """

    def __init__(self, channels: int, number: int) -> None:
        draw = np.random.default_rng([PROJECTION_SEED, number])
        self.rows, self.columns = torch.triu_indices(channels, channels, offset=1)
        pairs = len(self.rows)
        self._place = torch.from_numpy(draw.integers(WIDTH, size=pairs))
        self._sign = torch.from_numpy(draw.integers(2, size=pairs) * 2 - 1).float()

    def __call__(self, gram: Tensor) -> Tensor:
        """Return 32 numbers of a symmetric matrix [C, C], its upper half scaled to length 1."""
        upper = gram[self.rows, self.columns]
        unit = upper / upper.norm().clamp_min(1e-12)
        return torch.zeros(WIDTH).index_add_(0, self._place, unit * self._sign)


def channel_cosines(layer: Tensor) -> Tensor:
    """Return the cosine between each two channels of a layer [B, C, h, w]: [B, C, C] on the CPU.

    The Gram matrix of channels scaled to length 1; where things are in the picture is forgotten.
    """
    flat = layer.flatten(2)
    units = flat / flat.norm(dim=2, keepdim=True).clamp_min(1e-12)
    gram: Tensor = (units @ units.transpose(1, 2)).cpu()
    return gram


def load_vgg19(path: Path) -> FirstLayers:
    """Return the first layers of VGG19 with the weights of torchvision's checkpoint; its other weights stay out.

    Raises:
        WeightsError: when the file holds something else.
    """
    network = FirstLayers()
    wanted = network.state_dict().keys()
    found = filled(network, {name: value for name, value in read_checkpoint(path).items() if name in wanted}, path)
    assert isinstance(found, FirstLayers)
    return found
