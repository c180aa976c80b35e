"""How much of a hole text covers, read by an OCR engine."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import numpy as np

from goodseed.inpaint.engines import ENGINES, make_engine
from goodseed.inpaint.scan import READING, Scanner
from goodseed.inpaint.words import SCORE
from goodseed.study.interfaces import InpaintPair

__all__ = ["ENGINES", "OcrReader"]

_PACKAGES = {"rapidocr": ("rapidocr", "onnxruntime", "onnxruntime-gpu"), "tesseract": ("pytesseract",)}


class OcrReader:
    """The share of the hole under text that its picture did not have, as `goodseed scan` measures it.

    Args:
        name: an engine's, one of `ENGINES`.

    Raises:
        MissingExtraError: when a package or a program that the engine needs is not installed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._scanner = Scanner(make_engine(name))

    def describe(self) -> dict[str, Any]:
        """Return the engine's name, versions of the way of reading and of its packages, and how sure it has to be."""
        found = {package: _version(package) for package in _PACKAGES[self.name]}
        versions = ", ".join(f"{package} {version}" for package, version in found.items() if version)
        return {"name": self.name, "version": f"reading {READING}, {versions}", "score": SCORE}

    def shares(self, images: np.ndarray, pair: InpaintPair) -> np.ndarray:
        """Return the share of the pair's mask under text of each picture uint8 [B,H,W,3]: float32 [B]."""
        found = [self._scanner.scan(image, pair.mask, original=pair.image).share for image in images]
        return np.array(found, np.float32)

    def shares_of_all(self, images: np.ndarray) -> np.ndarray:
        """Return the share of each whole picture under text, of pictures uint8 [B,H,W,3]: float32 [B]."""
        everything = np.ones(images.shape[1:3], np.float32)
        return np.array([self._scanner.scan(image, everything).share for image in images], np.float32)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
