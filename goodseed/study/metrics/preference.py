"""Scores of human preference: HPS v2 and v2.1, and PickScore. They compare only within one prompt."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goodseed.study.interfaces import Measurements
from goodseed.study.metrics.images import CLIP, centre_square, device, padded_square, shorter_side, to_tensor
from goodseed.study.metrics.networks import filled, pretrained, read_checkpoint
from goodseed.study.metrics.packages import require
from goodseed.study.metrics.weights import WeightsFile, describe, fetch, fetch_all, fetch_folder

VERSION = "1"
ARCHITECTURE = "ViT-H-14"
SIDE = 224

HPS_FILES = {
    "hps-v2": WeightsFile("HPS_v2_compressed.pt", 1_972_000_000, repository="xswu/HPSv2"),
    "hps": WeightsFile("HPS_v2.1_compressed.pt", 1_972_000_000, repository="xswu/HPSv2"),
}
_HPS_VERSIONS = {"hps-v2": "v2", "hps": "v2.1"}

_PICKSCORE = "yuvalkirstain/PickScore_v1"
PICKSCORE_FILES = (
    WeightsFile("config.json", 4_000, repository=_PICKSCORE),
    WeightsFile("model.safetensors", 3_944_000_000, repository=_PICKSCORE),
)


class HumanPreference:
    """`hps` and `hps-v2`: the cosine of picture and prompt by a CLIP ViT-H-14 tuned to people's choices.

    Wu et al. 2023, "Human Preference Score v2". Pictures are fitted into a black square of 224 pixels, as there.

    Args:
        name: `hps` for v2.1, `hps-v2` for the version of the paper "Good Seed Makes a Good Crop".
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def describe(self) -> dict[str, Any]:
        """Return the metric's entry."""
        require(self.name, "open_clip")
        about = f"human preference score {_HPS_VERSIONS[self.name]} of picture and prompt; compare within a prompt only"
        return {"metrics": {self.name: _per_image(about, describe([fetch(HPS_FILES[self.name])]))}}

    @torch.no_grad()
    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Score pictures uint8 [B, H, W, 3] of one prompt."""
        text = self._network.encode_text(tokens(prompt), normalize=True)
        parts = []
        for image in images:
            batch = to_tensor([padded_square(image, self._side)], CLIP)
            parts.append((self._network.encode_image(batch, normalize=True) @ text.T)[:, 0].cpu().numpy())
        return Measurements({self.name: np.concatenate(parts)})

    @property
    def _side(self) -> int:
        size = self._network.visual.image_size
        return int(size[0] if isinstance(size, tuple | list) else size)

    @cached_property
    def _network(self) -> Any:
        return load_hps(fetch(HPS_FILES[self.name]))


class PickScore:
    """`pickscore`: the scaled cosine of picture and prompt by Kirstain et al. 2023, "Pick-a-Pic".

    Pictures' shorter side becomes 224 pixels, and the middle square is read, as CLIP does.
    """

    name = "pickscore"

    def describe(self) -> dict[str, Any]:
        """Return the metric's entry."""
        require(self.name, "transformers", "open_clip")
        about = "PickScore v1 of picture and prompt; compare within a prompt only"
        return {"metrics": {self.name: _per_image(about, describe(fetch_all(PICKSCORE_FILES)))}}

    @torch.no_grad()
    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Score pictures uint8 [B, H, W, 3] of one prompt."""
        side = int(self._network.config.vision_config.image_size)
        words = tokens(prompt)
        # The padding after the end of the text is not to be read.
        mask = (torch.arange(words.shape[1], device=words.device) <= words.argmax(dim=1, keepdim=True)).long()
        parts = []
        for image in images:
            batch = to_tensor([centre_square(shorter_side(image, side), side)], CLIP)
            found = self._network(input_ids=words, attention_mask=mask, pixel_values=batch)
            parts.append(found.logits_per_image[:, 0].cpu().numpy())
        return Measurements({self.name: np.concatenate(parts)})

    @cached_property
    def _network(self) -> Any:
        return load_pickscore(fetch_folder(PICKSCORE_FILES))


def load_hps(path: Path, config: Mapping[str, Any] | None = None) -> Any:
    """Return the CLIP of a checkpoint of HPS v2; `config` is open_clip's of the architecture, ViT-H-14's by default.

    Raises:
        WeightsError: when the file holds something else.
    """
    require("hps", "open_clip")
    import open_clip

    network = open_clip.CLIP(**(config or open_clip.get_model_config(ARCHITECTURE)))
    return filled(network, read_checkpoint(path), path)


def load_pickscore(folder: Path) -> Any:
    """Return PickScore's CLIP from a folder with `config.json` and weights.

    Raises:
        WeightsError: when the folder holds something else.
    """
    require("pickscore", "transformers")
    from transformers import CLIPModel

    return pretrained(CLIPModel, folder)


def tokens(prompt: str) -> torch.Tensor:
    """Return CLIP's tokens of a prompt, cut off after 77: int64 [1, 77]. Both networks were tuned with these."""
    import open_clip

    words: torch.Tensor = open_clip.get_tokenizer(ARCHITECTURE)([prompt])
    return words.to(device())


def _per_image(about: str, weights: Mapping[str, Any]) -> dict[str, Any]:
    return {"direction": "higher", "per": "image", "version": VERSION, "about": about, **weights}
