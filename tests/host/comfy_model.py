"""The comfy generator with a judge that costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from goodseed.study.comfy.generator import ComfyGenerator
from goodseed.study.engines.interface import Place
from goodseed.study.interfaces import Measurements
from tests.library.fake_model import FakeJudge


class PixelJudge(FakeJudge):
    """The fake judge, of pictures of any size: it looks at 16 × 16 of their pixels."""

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        rows, columns = (np.linspace(0, size - 1, 16).astype(int) for size in images.shape[1:3])
        return super().measure(images[:, rows][:, :, columns], prompt)


def make(options: Mapping[str, Any], place: Place | None) -> tuple[ComfyGenerator, PixelJudge]:
    return ComfyGenerator(options, place), PixelJudge()
