"""The demo model as a study's generator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goodseed.demo import pairs, weights
from goodseed.demo.particles import ParticleGuidance
from goodseed.demo.sampling import CFG, STEPS, Guide, Hole, sample_euler
from goodseed.demo.scenes import SIDE
from goodseed.demo.text import tokenize
from goodseed.demo.weights import TEXT_TO_IMAGE
from goodseed.errors import StudyError
from goodseed.noise import NoiseSpec, initial_noise, noise_fingerprint
from goodseed.prompts import check_prompt
from goodseed.study.interfaces import InpaintPair

LATENT_SHAPE = (4, SIDE // 8, SIDE // 8)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class DemoGenerator:
    """Makes 128×128 pictures from a prompt and seeds as ComfyUI does: euler, simple, by default 12 steps, cfg 3.

    Args:
        weights_dir: where the weights lie; by default the shipped ones.
        variant: one of `goodseed.demo.weights.VARIANTS`.
        steps, cfg: as a KSampler's. 4 steps at cfg 1 take a sixth of the work, as distilled models do.
        dtype: what denoiser and VAE compute in, one of `DTYPES`; the sampler itself stays in float32, as ComfyUI's.

    Raises:
        StudyError: for steps outside 1…1000, cfg outside 0…100 and other dtypes.
    """

    batch = 16

    def __init__(
        self,
        weights_dir: Path | None = None,
        negative_prompt: str = "",
        variant: str = TEXT_TO_IMAGE,
        steps: int = STEPS,
        cfg: float = CFG,
        dtype: str = "float32",
    ) -> None:
        if not (1 <= steps <= 1000 and 0 <= cfg <= 100):
            raise StudyError(f"demo: {steps} steps at cfg {cfg:g}; give 1 to 1000 steps and a cfg of 0 to 100")
        if dtype not in DTYPES:
            raise StudyError(f"demo: dtype '{dtype[:40]}' is not offered; use {' or '.join(DTYPES)}")
        self.steps, self.cfg, self.dtype = steps, cfg, dtype
        self.weights_dir, self.variant = weights_dir, variant
        self.negative_prompt = negative_prompt
        self.noise = NoiseSpec(LATENT_SHAPE)
        as_wanted: Any = {"memory_format": torch.channels_last, "dtype": DTYPES[dtype]}
        self._denoiser = weights.load_denoiser(weights_dir, variant).to(**as_wanted)
        self._autoencoder = weights.load_autoencoder(weights_dir, variant).to(**as_wanted)
        self._text_encoder = weights.load_text_encoder(weights_dir)

    def describe(self) -> dict[str, Any]:
        """Return everything that a picture depends on besides seed and prompt, as a bank's metadata holds it."""
        return {
            "model": weights.describe("denoiser", self.weights_dir, self.variant),
            "vae": weights.describe("autoencoder", self.weights_dir, self.variant),
            "text_encoder": weights.describe("text_encoder", self.weights_dir),
            "adapters": [],
            "noise": {**self.noise.as_dict(), "fingerprint": noise_fingerprint(initial_noise(0, self.noise))},
            "sampling": {
                "sampler": "euler",
                "scheduler": "simple",
                "steps": self.steps,
                "cfg": self.cfg,
                "shift": 1.0,
                "denoise": 1.0,
                "negative_prompt": self.negative_prompt,
                "width": SIDE,
                "height": SIDE,
                **({} if self.dtype == "float32" else {"dtype": self.dtype}),
            },
        }

    @torch.no_grad()
    def generate(self, prompt: str, seeds: Sequence[int]) -> np.ndarray:
        """Return one picture a seed, uint8 [B,128,128,3].

        Raises:
            PromptError: for control characters and for more than 10,000 characters.
            SeedError: for a seed outside 0…2^64−1.
        """
        return self._make(prompt, seeds)

    @torch.no_grad()
    def generate_apart(self, prompt: str, seeds: Sequence[int], strength: float) -> np.ndarray:
        """Return one picture a seed, uint8 [B,128,128,3], that Particle Guidance has pushed apart.

        Raises:
            PromptError: for control characters and for more than 10,000 characters.
            SeedError: for a seed outside 0…2^64−1.
        """
        return self._make(prompt, seeds, guide=ParticleGuidance(strength))

    def describe_inpainting(self) -> dict[str, Any]:
        """Return how holes are filled, the tasks, and the licence of the pictures."""
        return {
            "about": "the picture's latent under a noise mask, denoise 1.0: ComfyUI's SetLatentNoiseMask and KSampler",
            "tasks": dict(pairs.TASKS),
            "licence": pairs.LICENCE,
        }

    def inpaint_pairs(self, count: int) -> tuple[tuple[InpaintPair, ...], tuple[InpaintPair, ...]]:
        """Return `count` drawn scenes with a mask over the object to choose seeds on, and as many held out."""
        return pairs.inpaint_pairs(count)

    @torch.no_grad()
    def inpaint(self, pair: InpaintPair, prompt: str, seeds: Sequence[int]) -> np.ndarray:
        """Return one picture a seed, uint8 [B,128,128,3], the hole filled; outside it the VAE's copy of the picture.

        Raises:
            PromptError: for control characters and for more than 10,000 characters.
            SeedError: for a seed outside 0…2^64−1.
            StudyError: for a pair of another size.
        """
        if pair.image.shape != (SIDE, SIDE, 3) or pair.mask.shape != (SIDE, SIDE):
            raise StudyError(f"pair {pair.name}: the demo model fills holes in pictures of {SIDE}×{SIDE} only")
        pixels = torch.tensor(pair.image).permute(2, 0, 1)[None].float() / 255
        latent = self._autoencoder.encode((pixels * 2 - 1).to(DTYPES[self.dtype])).float()
        return self._make(prompt, seeds, Hole.of(latent, torch.tensor(pair.mask)))

    def _make(
        self, prompt: str, seeds: Sequence[int], hole: Hole | None = None, guide: Guide | None = None
    ) -> np.ndarray:
        check_prompt(prompt, "prompt")
        noise = torch.stack([initial_noise(seed, self.noise) for seed in seeds])
        contexts = self._text_encoder(torch.tensor([tokenize(prompt), tokenize(self.negative_prompt)]))
        latents = sample_euler(self._velocity, noise, contexts[:1], contexts[1:], self.steps, self.cfg, hole, guide)
        return to_uint8(self._autoencoder.decode(latents.to(DTYPES[self.dtype])).float())

    def _velocity(self, x: torch.Tensor, t: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        dtype = DTYPES[self.dtype]
        velocity: torch.Tensor = self._denoiser(x.to(dtype), t, context.to(dtype))
        return velocity.float()


def to_uint8(pictures: torch.Tensor) -> np.ndarray:
    """Return pictures [B,3,H,W] in −1…1 as uint8 [B,H,W,3], rounded as ComfyUI's SaveImage does (downwards)."""
    unit = ((pictures + 1) / 2).clamp(0, 1)
    pixels: np.ndarray = (unit * 255).permute(0, 2, 3, 1).contiguous().numpy().astype(np.uint8)
    return pixels
