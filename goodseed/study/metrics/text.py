"""Text in pictures, read by an OCR engine (see `goodseed.inpaint`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from goodseed.study.interfaces import Measurements
from goodseed.study.text_reader import OcrReader

NAME = "text"


class TextShare:
    """`text`: the share of each picture under text, 0…1.

    Args:
        engine: an OCR engine's name.

    Raises:
        MissingExtraError: when what the engine needs is not installed.
    """

    def __init__(self, engine: str = "rapidocr") -> None:
        self._reader = OcrReader(engine)

    def describe(self) -> dict[str, Any]:
        """Return the trait's entry."""
        about = self._reader.describe()
        entry = {
            "version": f"1, {about['version']}",
            "weights_sha256": "",
            "about": f"share of the picture under text, by {about['name']}, words of score {about['score']} and more",
        }
        return {"traits": {NAME: entry}}

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Measure pictures uint8 [B, H, W, 3]."""
        return Measurements(traits={NAME: self._reader.shares_of_all(images)})
