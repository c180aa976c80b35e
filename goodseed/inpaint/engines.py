"""What reads text: an engine is one function from an image to words with their places."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from goodseed.errors import ScanError
from goodseed.inpaint.words import Picture, Word

Engine = Callable[[Picture], list[Word]]
"""Returns what stands in a picture of any size; `polygon` is in that picture's pixels."""

MOST_AT_ONCE = 4
"""Views that are read at the same time, where there are as many processors."""

ENGINES = ("rapidocr", "tesseract")


def make_engine(name: str = "rapidocr") -> Engine:
    """Return an engine by its name; a second call returns the same, with its models loaded.

    One reading takes one thread, which gives the same on every machine; several may be made at once (`make_pool`).

    Raises:
        ScanError: for another name.
        MissingExtraError: when a package or a program that it needs is not installed.
    """
    if name not in ENGINES:
        raise ScanError(f"engine '{name}': is none; use {' or '.join(ENGINES)}")
    return _made(name)


def make_pool() -> ThreadPoolExecutor:
    """Return threads to read with, one for each processor up to four; engines let go of Python while they compute."""
    return ThreadPoolExecutor(min(MOST_AT_ONCE, os.cpu_count() or 1), thread_name_prefix="goodseed-scan")


@functools.cache
def _made(name: str) -> Engine:
    if name == "tesseract":
        from goodseed.inpaint.tesseract import Tesseract

        return Tesseract()
    from goodseed.inpaint.rapid import RapidOcr

    return RapidOcr()
