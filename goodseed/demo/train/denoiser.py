"""Training of the denoiser and the text encoder together, on encoded scenes."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from goodseed.demo.networks import Denoiser, TextEncoder
from goodseed.demo.text import BEGIN, CONTEXT_LENGTH, PAD, UNKNOWN, tokenize
from goodseed.demo.train.loop import Schedule, train

EMPTY_CHANCE = 0.12
"""Share of the prompts replaced by the empty one, so that classifier-free guidance has something to push off from."""

STRANGE_CHANCE = 0.05
"""Share of the prompts in which one padding place holds the unknown word."""


class Pair(nn.Module):
    """The two networks that one optimiser trains."""

    def __init__(self) -> None:
        super().__init__()
        self.text_encoder = TextEncoder()
        self.denoiser = Denoiser()


def train_denoiser(
    latents: Tensor,
    captions: list[str],
    schedule: Schedule,
    folder: Path,
    device: torch.device,
    first: tuple[Denoiser, TextEncoder] | None = None,
    learn_words: bool = True,
) -> tuple[Denoiser, TextEncoder]:
    """Train on latents float32 [N,4,16,16] by flow matching with logit-normal times.

    Esser et al., "Scaling Rectified Flow Transformers", section 3.1: t = sigmoid(normal).
    `first` is what to start from; without it the first weights are chance. Without `learn_words` the text encoder stays
    as it is.
    """
    tokens = torch.tensor([tokenize(caption) for caption in captions])

    def loss_of(model: nn.Module, generator: torch.Generator, count: int) -> Tensor:
        assert isinstance(model, Pair)
        rows = torch.randint(len(latents), (count,), generator=generator)
        words = _with_chance(tokens[rows], generator)
        clean = latents[rows]
        noise = torch.randn(clean.shape, generator=generator)
        t = torch.sigmoid(torch.randn(len(rows), generator=generator))
        noisy = torch.lerp(clean, noise, t[:, None, None, None])
        velocity = model.denoiser(noisy.to(device), t.to(device), model.text_encoder(words.to(device)))
        loss: Tensor = (velocity - (noise - clean).to(device)).square().mean()
        return loss

    start = Pair()
    if first is not None:
        start.denoiser, start.text_encoder = first
        start.requires_grad_(True)
    start.text_encoder.requires_grad_(learn_words)
    pair = train("denoiser", start, loss_of, schedule, folder, device)
    assert isinstance(pair, Pair)
    return pair.denoiser, pair.text_encoder


def _with_chance(tokens: Tensor, generator: torch.Generator) -> Tensor:
    empty = torch.tensor([BEGIN] + [PAD] * (CONTEXT_LENGTH - 1))
    dropped = torch.rand(len(tokens), 1, generator=generator) < EMPTY_CHANCE
    strange = torch.rand(len(tokens), 1, generator=generator) < STRANGE_CHANCE
    first_padding = (tokens != PAD).sum(1, keepdim=True).clamp(max=CONTEXT_LENGTH - 1)
    marked = tokens.scatter(1, first_padding, UNKNOWN)
    return torch.where(dropped, empty, torch.where(strange, marked, tokens))
