"""Composition: where the main object is, how large and how near (section 3.2 of the paper).

Mask2Former finds objects (Cheng et al. 2022, COCO's 80 kinds), Depth Anything V2 Small their depth (Yang et al. 2024).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from goodseed.study.interfaces import Measurements
from goodseed.study.metrics.images import BICUBIC, BILINEAR, IMAGENET, resized, to_tensor
from goodseed.study.metrics.networks import pretrained
from goodseed.study.metrics.packages import require
from goodseed.study.metrics.weights import WeightsFile, describe, fetch_all, fetch_folder

VERSION = "1"
NAME = "composition"
AXES = ("x", "y", "size", "depth")
SURE = 0.5
"""An object's score: its class's probability times the mean probability of its outline."""

_MASK2FORMER = "facebook/mask2former-swin-tiny-coco-instance"
MASK2FORMER_FILES = (
    WeightsFile("config.json", 80_000, repository=_MASK2FORMER),
    WeightsFile("model.safetensors", 190_000_000, repository=_MASK2FORMER),
)
_DEPTH = "depth-anything/Depth-Anything-V2-Small-hf"
DEPTH_FILES = (
    WeightsFile("config.json", 1_000, repository=_DEPTH),
    WeightsFile("model.safetensors", 99_173_660, repository=_DEPTH),
)

_SHORT, _LONG, _DIVISOR = 800, 1333, 32
_DEPTH_SIDE, _DEPTH_MULTIPLE = 518, 14


class ObjectComposition:
    """`composition`: the main object's centroid x and y, its share of the picture and its nearness, each in 0…1.

    The main object is the largest of those that Mask2Former is sure of, among them first those whose kind the prompt
    names; where it is sure of none, the surest. Nearness is the mean of the relative depth under its outline, scaled
    so that the picture's farthest point is 0 and its nearest 1.
    """

    def describe(self) -> dict[str, Any]:
        """Return the feature's entry."""
        require(NAME, "transformers")
        files = fetch_all([*MASK2FORMER_FILES, *DEPTH_FILES])
        entry = {
            "version": VERSION,
            "about": "centre, size and nearness of the main object, by Mask2Former (COCO) and Depth Anything V2 Small",
            "names": list(AXES),
            **describe(files),
        }
        return {"features": {NAME: entry}}

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Return the composition of pictures uint8 [B, H, W, 3]: float32 [B, 4]."""
        return Measurements(composition=np.stack([self.composition(image, prompt) for image in images]))

    @torch.no_grad()
    def composition(self, picture: np.ndarray, prompt: str) -> np.ndarray:
        """Return x, y, size and nearness of one picture's main object: float32 [4]."""
        found = self._objects(to_tensor([for_objects(picture)], IMAGENET))
        outline = main_object(
            found.class_queries_logits[0].cpu(),
            found.masks_queries_logits[0].cpu(),
            self._objects.config.id2label,
            prompt,
        )
        depth = self._depth(to_tensor([for_depth(picture)], IMAGENET)).predicted_depth[0].cpu()
        return placed(outline, depth)

    @cached_property
    def _objects(self) -> Any:
        return load_mask2former(fetch_folder(MASK2FORMER_FILES))

    @cached_property
    def _depth(self) -> Any:
        return load_depth(fetch_folder(DEPTH_FILES))


def load_mask2former(folder: Path) -> Any:
    """Return Mask2Former from a folder with `config.json` and weights.

    Raises:
        WeightsError: when the folder holds something else.
    """
    require(NAME, "transformers")
    from transformers import Mask2FormerForUniversalSegmentation

    return pretrained(Mask2FormerForUniversalSegmentation, folder)


def load_depth(folder: Path) -> Any:
    """Return Depth Anything from a folder with `config.json` and weights.

    Raises:
        WeightsError: when the folder holds something else.
    """
    require(NAME, "transformers")
    from transformers import DepthAnythingForDepthEstimation

    return pretrained(DepthAnythingForDepthEstimation, folder)


def main_object(kinds: Tensor, outlines: Tensor, labels: Mapping[int, str], prompt: str) -> Tensor:
    """Return the main object's outline as 0 and 1 [h, w], of queries' logits [Q, C + 1] and [Q, h, w].

    The last kind is "no object".
    """
    sure, kind = kinds.softmax(dim=1)[:, :-1].max(dim=1)
    inside = outlines.sigmoid()
    masks = (inside > 0.5).float()
    sizes = masks.sum(dim=(1, 2))
    scores = sure * (inside * masks).sum(dim=(1, 2)) / sizes.clamp_min(1)
    if not bool((scores >= SURE).any()):
        return masks[int(scores.argmax())]
    sizes = torch.where(scores >= SURE, sizes, torch.zeros(()))
    named = torch.tensor([is_named(labels.get(int(number), ""), prompt) for number in kind]) & (sizes > 0)
    if bool(named.any()):
        sizes = torch.where(named, sizes, torch.zeros(()))
    return masks[int(sizes.argmax())]


def is_named(label: str, prompt: str) -> bool:
    """Say whether a prompt names a kind of object: as whole words, also in a simple plural."""
    return bool(label) and re.search(rf"\b{re.escape(label.lower())}(e?s)?\b", prompt.lower()) is not None


def placed(outline: Tensor, depth: Tensor) -> np.ndarray:
    """Return centroid x and y, size and nearness of an outline [h, w], given depth [H, W], larger nearer: float32 [4].

    Without an outline: the middle, size 0, nearness of one half.
    """
    total = float(outline.sum())
    if total == 0:
        return np.array([0.5, 0.5, 0.0, 0.5], np.float32)
    height, width = outline.shape
    x = float((outline.sum(0) * (torch.arange(width) + 0.5)).sum()) / total / width
    y = float((outline.sum(1) * (torch.arange(height) + 0.5)).sum()) / total / height
    fitted = torch.nn.functional.interpolate(depth[None, None].float(), (height, width), mode="bilinear")[0, 0]
    low, high = float(fitted.min()), float(fitted.max())
    near = 0.5 if high <= low else (float((fitted * outline).sum()) / total - low) / (high - low)
    return np.array([x, y, total / outline.numel(), min(max(near, 0.0), 1.0)], np.float32)


def for_objects(picture: np.ndarray) -> np.ndarray:
    """Return a picture as Mask2Former reads it: shorter side 800, longer at most 1,333, both multiples of 32."""
    height, width = picture.shape[:2]
    short, long = min(height, width), max(height, width)
    exact = min(float(_SHORT), _LONG * short / long)
    side, other = round(exact), int(exact * long / short)
    high, wide = (side, other) if height <= width else (other, side)
    return resized(picture, _multiple(wide, _DIVISOR), _multiple(high, _DIVISOR), BILINEAR)


def for_depth(picture: np.ndarray) -> np.ndarray:
    """Return a picture as Depth Anything reads it: about 518 pixels, its shape kept, sides multiples of 14."""
    height, width = picture.shape[:2]
    scale = min((_DEPTH_SIDE / height, _DEPTH_SIDE / width), key=lambda factor: abs(1 - factor))
    high, wide = (round(scale * side / _DEPTH_MULTIPLE) * _DEPTH_MULTIPLE for side in (height, width))
    return resized(picture, max(wide, _DEPTH_MULTIPLE), max(high, _DEPTH_MULTIPLE), BICUBIC)


def _multiple(side: int, of: int) -> int:
    return -(-side // of) * of
