"""The Fréchet distance on Inception features: torch-fidelity's network, which is the one of the first FID papers."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goodseed.errors import WeightsError
from goodseed.study.frechet import Moments
from goodseed.study.interfaces import Measurements
from goodseed.study.metrics.images import device
from goodseed.study.metrics.packages import require
from goodseed.study.metrics.source import Source
from goodseed.study.metrics.weights import WeightsFile, describe, fetch

VERSION = "1"
NAME = "fid"
FEATURES = "inception"
SIZE = 2048

INCEPTION = WeightsFile(
    "weights-inception-2015-12-05-6726825d.pth",
    95_628_359,
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    sha256="6726825d",
)


class InceptionDistance:
    """`fid`: the Fréchet distance (not its root) of a seed's pictures to a reference, on 2,048 Inception features.

    Pictures are resized as TensorFlow 1 does, inside torch-fidelity's network. Distances compare at equal numbers of
    pictures on the same prompts only.
    """

    keeps = ("mu", "sigma")
    width = SIZE

    def __init__(self, source: Source | None = None) -> None:
        self._source = source

    def describe(self) -> dict[str, Any]:
        """Return the metric's entry, with its reference where one was named."""
        require(NAME, "torch_fidelity", "torchvision")
        entry = {
            "direction": "lower",
            "per": "seed",
            "version": VERSION,
            "features": FEATURES,
            "distance": "frechet",
            "about": "Fréchet distance to the reference on 2,048 Inception features (torch-fidelity's network)",
            **describe([fetch(INCEPTION)]),
            **({} if self._source is None else {"reference": self._source.as_dict()}),
        }
        return {"metrics": {NAME: entry}}

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Return the features of pictures uint8 [B, H, W, 3]: float32 [B, 2048]."""
        return Measurements(sets={FEATURES: self.embed(list(images))})

    def summarize(self, batches: Iterator[list[np.ndarray]]) -> dict[str, np.ndarray]:
        """Return mean and covariance of the features of a reference's pictures."""
        moments = Moments(SIZE)
        for pictures in batches:
            moments.add(self.embed(pictures))
        return {"mu": moments.mean, "sigma": moments.covariance}

    @torch.no_grad()
    def embed(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Return the features of pictures of any sizes, uint8 [H, W, 3] each: float32 [B, 2048]."""
        parts = []
        for picture in pictures:  # one at a time: a picture's features never depend on its neighbours
            batch = torch.tensor(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].to(device())
            parts.append(self._network(batch)[0].float().cpu().numpy())
        return np.concatenate(parts)

    @cached_property
    def _network(self) -> Any:
        return load_inception(fetch(INCEPTION))


def load_inception(path: Path) -> Any:
    """Return torch-fidelity's feature extractor with the weights of a file.

    Raises:
        WeightsError: when the file holds something else.
    """
    require(NAME, "torch_fidelity", "torchvision")
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    try:
        network = FeatureExtractorInceptionV3(
            "inception-v3-compat", [str(SIZE)], feature_extractor_weights_path=str(path)
        )
    except (OSError, RuntimeError, KeyError, ValueError, pickle.UnpicklingError) as error:
        raise WeightsError(
            f"{path}: cannot be loaded ({str(error).splitlines()[0][:120]}); remove it, and it is fetched again"
        ) from error
    return network.to(device()).eval()
