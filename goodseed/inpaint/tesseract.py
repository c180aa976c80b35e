"""Text read by Tesseract, as the paper does it: pytesseract's words with their boxes and confidences."""

from __future__ import annotations

import importlib.util
import shutil

import numpy as np
from PIL import Image

from goodseed.errors import MissingExtraError
from goodseed.inpaint.words import Picture, Word

_WANTED = ("eng", "chi_sim")


class Tesseract:
    """Reads words in boxes that are upright; languages are those of English and Chinese that are installed."""

    def __init__(self) -> None:
        """Look for the program.

        Raises:
            MissingExtraError: when pytesseract, the program, or its English data is not installed.
        """
        if importlib.util.find_spec("pytesseract") is None:
            raise MissingExtraError(
                "pytesseract is missing; pip install pytesseract, and install the program tesseract"
            )
        if shutil.which("tesseract") is None:
            raise MissingExtraError(
                "the program tesseract is missing; install it (Debian: apt-get install tesseract-ocr)"
            )
        import pytesseract

        installed = pytesseract.get_languages()
        if "eng" not in installed:
            raise MissingExtraError("tesseract has no English data; install it (Debian: tesseract-ocr-eng)")
        self._languages = "+".join(name for name in _WANTED if name in installed)

    def __call__(self, image: Picture) -> list[Word]:
        """Return the words in an image; the score is Tesseract's confidence, as a share."""
        import pytesseract

        found = pytesseract.image_to_data(
            Image.fromarray(image), lang=self._languages, config="--psm 11", output_type=pytesseract.Output.DICT
        )
        words = []
        for place, text in enumerate(found["text"]):
            if text.strip():
                x, y, w, h = (float(found[key][place]) for key in ("left", "top", "width", "height"))
                outline = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])
                words.append(Word(outline, text.strip(), max(0.0, float(found["conf"][place])) / 100))
        return words
