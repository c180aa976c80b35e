"""The demo model as a study's generator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goodseed.demo import weights
from goodseed.demo.sampling import CFG, STEPS, sample_euler
from goodseed.demo.scenes import SIDE
from goodseed.demo.text import tokenize
from goodseed.noise import NoiseSpec, initial_noise, noise_fingerprint
from goodseed.prompts import check_prompt

LATENT_SHAPE = (4, SIDE // 8, SIDE // 8)


class DemoGenerator:
    """Makes 128×128 pictures from a prompt and seeds as ComfyUI does: euler, simple, 12 steps, cfg 3.

    Args:
        weights_dir: where the weights lie; by default the shipped ones.
    """

    batch = 16

    def __init__(self, weights_dir: Path | None = None, negative_prompt: str = "") -> None:
        self.weights_dir = weights_dir
        self.negative_prompt = negative_prompt
        self.noise = NoiseSpec(LATENT_SHAPE)
        channels_last: Any = {"memory_format": torch.channels_last}
        self._denoiser = weights.load_denoiser(weights_dir).to(**channels_last)
        self._autoencoder = weights.load_autoencoder(weights_dir).to(**channels_last)
        self._text_encoder = weights.load_text_encoder(weights_dir)

    def describe(self) -> dict[str, Any]:
        """Return everything that a picture depends on besides seed and prompt, as a bank's metadata holds it."""
        return {
            "model": weights.describe("denoiser", self.weights_dir),
            "vae": weights.describe("autoencoder", self.weights_dir),
            "text_encoder": weights.describe("text_encoder", self.weights_dir),
            "adapters": [],
            "noise": {**self.noise.as_dict(), "fingerprint": noise_fingerprint(initial_noise(0, self.noise))},
            "sampling": {
                "sampler": "euler",
                "scheduler": "simple",
                "steps": STEPS,
                "cfg": CFG,
                "shift": 1.0,
                "denoise": 1.0,
                "negative_prompt": self.negative_prompt,
                "width": SIDE,
                "height": SIDE,
            },
        }

    @torch.no_grad()
    def generate(self, prompt: str, seeds: Sequence[int]) -> np.ndarray:
        """Return one picture a seed, uint8 [B,128,128,3].

        Raises:
            PromptError: for control characters and for more than 10,000 characters.
            SeedError: for a seed outside 0…2^64−1.
        """
        check_prompt(prompt, "prompt")
        noise = torch.stack([initial_noise(seed, self.noise) for seed in seeds])
        contexts = self._text_encoder(torch.tensor([tokenize(prompt), tokenize(self.negative_prompt)]))
        latents = sample_euler(self._denoiser, noise, contexts[:1], contexts[1:])
        pictures = self._autoencoder.decode(latents)
        return to_uint8(pictures)


def to_uint8(pictures: torch.Tensor) -> np.ndarray:
    """Return pictures [B,3,H,W] in −1…1 as uint8 [B,H,W,3], rounded as ComfyUI's SaveImage does (downwards)."""
    unit = ((pictures + 1) / 2).clamp(0, 1)
    pixels: np.ndarray = (unit * 255).permute(0, 2, 3, 1).contiguous().numpy().astype(np.uint8)
    return pixels
