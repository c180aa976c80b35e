"""CMMD: the maximum mean discrepancy of CLIP features (Jayasumana et al. 2024, "Rethinking FID")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goodseed.study.interfaces import Measurements
from goodseed.study.metrics.images import CLIP, device, normalised
from goodseed.study.metrics.networks import pretrained
from goodseed.study.metrics.packages import require
from goodseed.study.metrics.source import Source
from goodseed.study.metrics.weights import WeightsFile, describe, fetch_all, fetch_folder

VERSION = "1"
NAME = "cmmd"
FEATURES = "clip"
SIZE = 768

_REPOSITORY = "openai/clip-vit-large-patch14-336"
CLIP_FILES = (
    WeightsFile("config.json", 4_760, repository=_REPOSITORY),
    WeightsFile("pytorch_model.bin", 1_711_974_081, repository=_REPOSITORY),
)


class ClipDiscrepancy:
    """`cmmd`: MMD² of a seed's pictures to a reference, on CLIP ViT-L/14's features at 336 pixels, unbiased.

    Pictures are squashed to a square bicubically without antialiasing, and features scaled to length 1, as in the
    authors' code; the estimator is the unbiased one (see `mmd`). It needs fewer pictures than a Fréchet distance.
    """

    keeps = ("rows",)
    width = SIZE

    def __init__(self, source: Source | None = None) -> None:
        self._source = source

    def describe(self) -> dict[str, Any]:
        """Return the metric's entry, with its reference where one was named."""
        require(NAME, "transformers")
        entry = {
            "direction": "lower",
            "per": "seed",
            "version": VERSION,
            "features": FEATURES,
            "distance": "mmd",
            "about": "maximum mean discrepancy to the reference on CLIP ViT-L/14 features, unbiased, times 1,000",
            **describe(fetch_all(CLIP_FILES)),
            **({} if self._source is None else {"reference": self._source.as_dict()}),
        }
        return {"metrics": {NAME: entry}}

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Return the features of pictures uint8 [B, H, W, 3]: float32 [B, 768]."""
        return Measurements(sets={FEATURES: self.embed(list(images))})

    def summarize(self, batches: Iterator[list[np.ndarray]]) -> dict[str, np.ndarray]:
        """Return the features of a reference's pictures."""
        return {"rows": np.concatenate([self.embed(pictures) for pictures in batches])}

    @torch.no_grad()
    def embed(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Return features of length 1 of pictures of any sizes, uint8 [H, W, 3] each: float32 [B, 768]."""
        side = int(self._network.config.image_size)
        batch = normalised(torch.cat([squashed(picture, side) for picture in pictures]), CLIP)
        features = self._network(pixel_values=batch).image_embeds.float()
        units: np.ndarray = (features / features.norm(dim=1, keepdim=True)).cpu().numpy()
        return units

    @cached_property
    def _network(self) -> Any:
        return load_clip_vision(fetch_folder(CLIP_FILES))


def load_clip_vision(folder: Path) -> Any:
    """Return CLIP's image encoder with its projection, from a folder with `config.json` and weights.

    Raises:
        WeightsError: when the folder holds something else.
    """
    require(NAME, "transformers")
    from transformers import CLIPVisionModelWithProjection

    return pretrained(CLIPVisionModelWithProjection, folder)


def squashed(picture: np.ndarray, side: int) -> torch.Tensor:
    """Return a picture uint8 [H, W, 3] as float32 [1, 3, side, side] in 0…1, whatever its shape was."""
    batch = torch.tensor(np.ascontiguousarray(picture)).to(device()).permute(2, 0, 1)[None].float() / 255
    return torch.nn.functional.interpolate(batch, size=(side, side), mode="bicubic", align_corners=False)
