"""What reads text: an engine is one function from an image to words with their places."""

from __future__ import annotations

import functools
from collections.abc import Callable

from goodseed.errors import ScanError
from goodseed.inpaint.words import Picture, Word

Engine = Callable[[Picture], list[Word]]
"""Returns what stands in a picture of any size; `polygon` is in that picture's pixels."""

ENGINES = ("rapidocr", "tesseract")


def make_engine(name: str = "rapidocr", threads: int | None = None) -> Engine:
    """Return an engine by its name; a second call returns the same, with its models loaded.

    `threads` is how many one reading may use; None leaves it to the engine. One thread gives the same on every machine.

    Raises:
        ScanError: for another name.
        MissingExtraError: when a package or a program that it needs is not installed.
    """
    if name not in ENGINES:
        raise ScanError(f"engine '{name}': is none; use {' or '.join(ENGINES)}")
    return _made(name, threads)


@functools.cache
def _made(name: str, threads: int | None) -> Engine:
    if name == "tesseract":
        from goodseed.inpaint.tesseract import Tesseract

        return Tesseract()
    from goodseed.inpaint.rapid import RapidOcr

    return RapidOcr(threads)
