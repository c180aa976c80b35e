"""The demo model's networks, in plain torch: autoencoder, text encoder, denoiser, judge."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from goodseed.demo.text import CONTEXT_LENGTH, VOCABULARY

LATENT_CHANNELS = 4
DOWNSCALE = 8
CONTEXT_WIDTH = 128


class PlainBlock(nn.Module):
    """A residual block without normalisation, so that a crop and the whole picture give the same values."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.second(F.silu(self.first(F.silu(x))))
        return x + change


class Autoencoder(nn.Module):
    """The VAE: 8× downscaling, 4 latent channels; `scale` and `shift` [4] bring latents to unit variance."""

    scale: Tensor
    shift: Tensor

    def __init__(self, wide: int = 96, narrow: int = 64, thin: int = 32) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, narrow, 3, padding=1),
            *(PlainBlock(narrow) for _ in range(2)),
            nn.Conv2d(narrow, wide, 4, stride=2, padding=1),
            *(PlainBlock(wide) for _ in range(2)),
            nn.SiLU(),
            nn.Conv2d(wide, 2 * LATENT_CHANNELS, 3, padding=1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(LATENT_CHANNELS, wide, 3, padding=1),
            *(PlainBlock(wide) for _ in range(2)),
            nn.Conv2d(wide, 4 * narrow, 3, padding=1),
            nn.PixelShuffle(2),
            *(PlainBlock(narrow) for _ in range(2)),
            nn.Conv2d(narrow, 4 * thin, 3, padding=1),
            nn.PixelShuffle(2),
            PlainBlock(thin),
            nn.SiLU(),
            nn.Conv2d(thin, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )
        self.register_buffer("scale", torch.ones(LATENT_CHANNELS))
        self.register_buffer("shift", torch.zeros(LATENT_CHANNELS))

    def moments(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance [B,4,H/8,W/8], before scaling, of images [B,3,H,W] in −1…1."""
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        return mean, log_variance.clamp(-20, 10)

    def encode(self, images: Tensor) -> Tensor:
        """Return latents [B,4,H/8,W/8] of images [B,3,H,W] in −1…1."""
        mean, _ = self.moments(images)
        return (mean - self.shift[:, None, None]) / self.scale[:, None, None]

    def decode(self, latents: Tensor) -> Tensor:
        """Return images [B,3,8H,8W], about −1…1, of latents [B,4,H,W]."""
        pictures: Tensor = self.decoder(latents * self.scale[:, None, None] + self.shift[:, None, None])
        return pictures


class Attention(nn.Module):
    """Attention of positions [B,N,width] to themselves or to a context [B,M,context_width], with a residual."""

    def __init__(self, width: int, context_width: int | None = None, head: int = 32) -> None:
        super().__init__()
        self.heads = width // head
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(context_width or width, 2 * width, bias=False)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        normed = self.norm(x)
        source = normed if context is None else context
        query = self._split(self.query(normed))
        key, value = (self._split(part) for part in self.key_value(source).chunk(2, dim=-1))
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        residual: Tensor = self.out(mixed)
        return x + residual

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)


class TextEncoder(nn.Module):
    """A two-layer transformer over words: tokens int64 [B,16] → context [B,16,128]."""

    def __init__(self, layers: int = 2, width: int = CONTEXT_WIDTH) -> None:
        super().__init__()
        self.words = nn.Embedding(len(VOCABULARY), width)
        self.places = nn.Parameter(torch.randn(CONTEXT_LENGTH, width) * 0.02)
        self.attentions = nn.ModuleList(Attention(width) for _ in range(layers))
        self.mixers = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.words(tokens) + self.places
        for attention, mixer in zip(self.attentions, self.mixers, strict=True):
            x = attention(x)
            x = x + mixer(x)
        context: Tensor = self.norm(x)
        return context


class Block(nn.Module):
    """A residual block of the denoiser, steered by a vector of time and text; with attention where asked for."""

    def __init__(self, width: int, steering: int, attend: bool) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.steer = nn.Linear(steering, 2 * width)
        self.second_norm = nn.GroupNorm(8, width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        self.attentions = nn.ModuleList([Attention(width), Attention(width, CONTEXT_WIDTH)] if attend else [])

    def forward(self, x: Tensor, steering: Tensor, context: Tensor) -> Tensor:
        scale, shift = self.steer(steering)[:, :, None, None].chunk(2, dim=1)
        h = self.first(F.silu(self.norm(x)))
        x = x + self.second(F.silu(self.second_norm(h) * (1 + scale) + shift))
        if self.attentions:
            flat = x.flatten(2).transpose(1, 2)
            flat = self.attentions[1](self.attentions[0](flat), context)
            x = flat.transpose(1, 2).reshape(x.shape)
        return x


class Denoiser(nn.Module):
    """A U-Net that predicts a rectified flow's velocity.

    With x_t = (1−t)·x0 + t·noise it predicts noise − x0, which is what ComfyUI calls ModelType.FLOW
    (comfy/model_sampling.py, CONST) at shift 1 (Liu et al., "Flow Straight and Fast", eq. 1).
    """

    WIDTHS, FALLING, RISING, STEERING = (64, 128, 160), (1, 1, 2), (2, 2, 1), 256

    def __init__(self) -> None:
        super().__init__()
        widths, steering = self.WIDTHS, self.STEERING
        self.time = nn.Sequential(nn.Linear(64, steering), nn.SiLU(), nn.Linear(steering, steering))
        self.text = nn.Linear(CONTEXT_WIDTH, steering)
        self.enter = nn.Conv2d(LATENT_CHANNELS, widths[0], 3, padding=1)
        self.falling, self.rising = nn.ModuleList(), nn.ModuleList()
        self.downs, self.ups, self.fuses = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for level, width in enumerate(widths):
            attend = level > 0
            self.falling.append(nn.ModuleList(Block(width, steering, attend) for _ in range(self.FALLING[level])))
            self.rising.append(nn.ModuleList(Block(width, steering, attend) for _ in range(self.RISING[level])))
            self.fuses.append(nn.Conv2d(2 * width, width, 1))
            if level + 1 < len(widths):
                self.downs.append(nn.Conv2d(width, widths[level + 1], 3, stride=2, padding=1))
                self.ups.append(nn.Conv2d(widths[level + 1], width, 1))
        self.leave = nn.Sequential(
            nn.GroupNorm(8, widths[0]), nn.SiLU(), nn.Conv2d(widths[0], LATENT_CHANNELS, 3, padding=1)
        )

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """Return the velocity [B,4,H,W] of x [B,4,H,W] at t [B] in 0…1 under context [B,16,128].

        Sizes that are no multiple of 4 are padded inside.
        """
        height, width = x.shape[-2:]
        x = F.pad(x, (0, -width % 4, 0, -height % 4), mode="replicate")
        steering = F.silu(self.time(_waves(t).to(context.dtype)) + self.text(context[:, 0]))
        x = self.enter(x)
        skips = []
        for level, blocks in enumerate(self.falling):
            x = _through(blocks, x, steering, context)
            skips.append(x)
            if level < len(self.downs):
                x = self.downs[level](x)
        for level in reversed(range(len(self.rising))):
            if level < len(self.ups):
                x = F.interpolate(self.ups[level](x), scale_factor=2.0, mode="nearest")
            x = self.fuses[level](torch.cat((x, skips[level]), dim=1))
            x = _through(self.rising[level], x, steering, context)
        velocity: Tensor = self.leave(x)
        return velocity[..., :height, :width]


def _through(blocks: nn.Module, x: Tensor, steering: Tensor, context: Tensor) -> Tensor:
    for block in blocks.children():
        x = block(x, steering, context)
    return x


def _waves(t: Tensor, count: int = 64) -> Tensor:
    """Sines and cosines of t [B] in 0…1: float32 [B,count]."""
    rates = torch.exp(torch.linspace(0, math.log(1000.0), count // 2, device=t.device)) * 2
    angles = t.float()[:, None] * rates[None]
    return torch.cat((angles.sin(), angles.cos()), dim=1)


class NormedBlock(nn.Module):
    """A residual block of the judge."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.GroupNorm(8, width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.GroupNorm(8, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.body(x))


JUDGE_HEADS = {"object": 12, "modifier": 13, "background": 4, "border": 1, "gray": 1, "word": 1}
QUALITY_WIDTH = 64


class JudgeNetwork(nn.Module):
    """Names what a picture shows, outlines the object and gives features.

    `forward` takes images [B,3,128,128] in −1…1 and returns a dict: logits of each head in `JUDGE_HEADS`,
    `mask` [B,32,32] logits of the object's outline, `quality` [B,64] the features behind the heads,
    `low` [B,48,32,32] and `middle` [B,80,16,16] the maps that style is taken from.
    """

    def __init__(self, widths: tuple[int, int, int] = (48, 80, 112)) -> None:
        super().__init__()
        low, middle, high = widths
        self.low = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, low, 3, padding=1, bias=False),
            nn.GroupNorm(8, low),
            nn.ReLU(),
            NormedBlock(low),
        )
        self.middle = nn.Sequential(
            nn.Conv2d(low, middle, 3, stride=2, padding=1, bias=False), nn.GroupNorm(8, middle), nn.ReLU(),
            NormedBlock(middle), NormedBlock(middle),
        )  # fmt: skip
        self.high = nn.Sequential(
            nn.Conv2d(middle, high, 3, stride=2, padding=1, bias=False), nn.GroupNorm(8, high), nn.ReLU(),
            NormedBlock(high), NormedBlock(high),
        )  # fmt: skip
        self.quality = nn.Sequential(nn.Linear(2 * high, QUALITY_WIDTH), nn.SiLU())
        self.heads = nn.ModuleDict({name: nn.Linear(QUALITY_WIDTH, count) for name, count in JUDGE_HEADS.items()})
        self.outline = nn.Sequential(
            nn.Conv2d(low + middle + high, 48, 1),
            nn.ReLU(),
            nn.Conv2d(48, 48, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(48, 1, 1),
        )

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        low = self.low(images)
        middle = self.middle(low)
        high = self.high(middle)
        quality = self.quality(torch.cat((high.mean((2, 3)), high.amax((2, 3))), dim=1))
        stacked = [low, *(F.interpolate(m, size=low.shape[-2:], mode="nearest") for m in (middle, high))]
        answers = {name: head(quality) for name, head in self.heads.items()}
        return {
            **answers,
            "mask": self.outline(torch.cat(stacked, dim=1))[:, 0],
            "quality": quality,
            "low": low,
            "middle": middle,
        }
