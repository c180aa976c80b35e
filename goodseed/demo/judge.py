"""The judge: measures the demo model's pictures. It is this model's Inception, preference model and segmenter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from goodseed.demo import weights
from goodseed.demo.scenes import SIDE, draw_scene
from goodseed.demo.words import BACKGROUNDS, MODIFIERS, OBJECTS, Caption, read_caption
from goodseed.errors import PromptError, StudyError
from goodseed.study.interfaces import Measurements
from goodseed.study.metrics import pixels

VERSION = "1"
STYLE_WIDTH = 64
REFERENCE_COUNT = 1536
REFERENCE_SEED = 3

_TRAITS = {
    "grayscale": pixels.GRAY,
    "border": "the judge sees a frame round the picture",
    "sky": "the judge sees sky over ground",
    "stripes": "the judge sees a striped background",
    "word": "the judge sees writing across the picture",
    "saturation": pixels.SATURATION,
    "sharpness": pixels.SHARPNESS,
}


class DemoJudge:
    """Metrics, traits and features of 128×128 pictures of the demo model's world.

    Args:
        weights_dir: where the weights lie; by default the shipped ones.
    """

    def __init__(self, weights_dir: Path | None = None) -> None:
        self.weights_dir = weights_dir
        channels_last: Any = {"memory_format": torch.channels_last}
        self._network = weights.load_judge(weights_dir).to(**channels_last)
        projector = torch.Generator().manual_seed(11)
        self._projections = {
            name: torch.randn(size * (size + 1) // 2, STYLE_WIDTH // 2, generator=projector) / STYLE_WIDTH**0.5
            for name, size in (("low", 48), ("middle", 80))
        }

    def describe(self) -> dict[str, Any]:
        """Return the metrics, traits and features with their directions, versions and the weights' hash."""
        digest = weights.describe("judge", self.weights_dir)["tensors_sha256"]
        by_pixels = {"grayscale", "saturation", "sharpness"}
        return {
            "reference": f"{REFERENCE_COUNT} drawn scenes of the same prompts",
            "metrics": {
                "score": {
                    "direction": "higher",
                    "per": "image",
                    "version": VERSION,
                    "weights_sha256": digest,
                    "about": "log-probability, by the judge, of the words of the prompt",
                },
                "fid": {
                    "direction": "lower",
                    "per": "seed",
                    "version": VERSION,
                    "weights_sha256": digest,
                    "about": "Fréchet distance to drawn scenes of the same prompts, on the judge's 64 features",
                },
            },
            "traits": {
                name: {"version": VERSION, "weights_sha256": "" if name in by_pixels else digest, "about": about}
                for name, about in _TRAITS.items()
            },
            "features": {
                "style": {
                    "version": VERSION,
                    "weights_sha256": digest,
                    "about": "Gram matrices of two layers of the judge, projected to 64, then two components a prompt",
                },
                "composition": {
                    "version": VERSION,
                    "weights_sha256": digest,
                    "about": "centre and size of the object's outline, as shares of the picture",
                    "names": ["x", "y", "size"],
                },
            },
        }

    def check_prompt(self, prompt: str) -> None:
        """Return if `prompt` can be judged.

        Raises:
            PromptError: when it names no object of the demo model's world.
        """
        _caption_of(prompt)

    @torch.no_grad()
    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Measure pictures uint8 [B,128,128,3] made from `prompt`.

        Raises:
            PromptError: when the prompt names no object of the demo model's world.
            StudyError: when the pictures have another size.
        """
        caption = _caption_of(prompt)
        answers = self._look(images)
        kinds = answers["background"].argmax(1)
        names = list(BACKGROUNDS)
        traits = {
            "grayscale": pixels.grayscale(images),
            "border": _yes(answers["border"]),
            "sky": (kinds == names.index("sky")).float().numpy(),
            "stripes": (kinds == names.index("stripes")).float().numpy(),
            "word": _yes(answers["word"]),
            "saturation": pixels.saturation(images),
            "sharpness": pixels.sharpness(images),
        }
        return Measurements(
            metrics={"score": _score(answers, caption)},
            traits=traits,
            quality=answers["quality"].numpy(),
            style=self._style(answers),
            composition=_composition(answers["mask"]),
        )

    def name(self, images: np.ndarray) -> list[Caption]:
        """Return what the judge sees in pictures uint8 [B,128,128,3]."""
        answers = self._look(images)
        rows = zip(*(answers[h].argmax(1).tolist() for h in ("object", "modifier", "background")), strict=True)
        return [Caption(OBJECTS[o], MODIFIERS[m], list(BACKGROUNDS)[b]) for o, m, b in rows]

    def outline(self, images: np.ndarray) -> np.ndarray:
        """Return where the judge sees the object: float32 [B,32,32] in 0…1, for uint8 [B,128,128,3]."""
        mask: np.ndarray = self._look(images)["mask"].sigmoid().numpy()
        return mask

    def reference(self, prompts: Sequence[str]) -> np.ndarray:
        """Return the features float32 [1536,64] of scenes drawn from `prompts`, each prompt alike often."""
        captions = [read_caption(prompt) for prompt in prompts]
        parts = []
        for start in range(0, REFERENCE_COUNT, 64):
            rows = range(start, min(start + 64, REFERENCE_COUNT))
            pictures = [
                draw_scene(
                    captions[row % len(captions)] or Caption(""), np.random.default_rng([REFERENCE_SEED, row])
                ).image
                for row in rows
            ]
            parts.append(self._look(np.stack(pictures))["quality"].numpy())
        return np.concatenate(parts)

    @torch.no_grad()
    def _look(self, images: np.ndarray) -> dict[str, Tensor]:
        if images.ndim != 4 or images.shape[1:] != (SIDE, SIDE, 3) or images.dtype != np.uint8:
            raise StudyError(
                f"pictures of shape {images.shape}, {images.dtype}: the demo judge reads uint8 [B,128,128,3]"
            )
        batch = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 127.5 - 1
        answers: dict[str, Tensor] = self._network(batch)
        return answers

    def _style(self, answers: dict[str, Tensor]) -> np.ndarray:
        parts = []
        for name, projection in self._projections.items():
            flat = answers[name].flatten(2)
            gram = flat @ flat.transpose(1, 2) / flat.shape[2]
            rows, columns = torch.triu_indices(gram.shape[1], gram.shape[1])
            upper = gram[:, rows, columns]
            parts.append((upper / upper.norm(dim=1, keepdim=True).clamp_min(1e-12)) @ projection)
        return torch.cat(parts, dim=1).numpy()


def _caption_of(prompt: str) -> Caption:
    caption = read_caption(prompt)
    if caption is None:
        raise PromptError(f"prompt '{prompt[:60]}': names none of the demo model's objects ({', '.join(OBJECTS)})")
    return caption


def _yes(logits: Tensor) -> np.ndarray:
    answer: np.ndarray = (logits[:, 0] > 0).float().numpy()
    return answer


def _score(answers: dict[str, Tensor], caption: Caption) -> np.ndarray:
    score = answers["object"].log_softmax(1)[:, OBJECTS.index(caption.object)]
    score = score + answers["modifier"].log_softmax(1)[:, MODIFIERS.index(caption.modifier)]
    if caption.background:
        score = score + answers["background"].log_softmax(1)[:, list(BACKGROUNDS).index(caption.background)]
    values: np.ndarray = score.numpy()
    return values


def _composition(logits: Tensor) -> np.ndarray:
    weight = logits.sigmoid()
    total = weight.sum((1, 2)).clamp_min(1e-6)
    places = (torch.arange(weight.shape[1]) + 0.5) / weight.shape[1]
    x = (weight.sum(1) * places).sum(1) / total
    y = (weight.sum(2) * places).sum(1) / total
    return torch.stack((x, y, weight.mean((1, 2))), dim=1).numpy()
