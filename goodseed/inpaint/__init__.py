"""Unwanted text inside a mask: the share of the mask that it covers, and which images are free of it.

Nothing here needs the packages that read text until an engine is made (`make_engine`).
"""

from goodseed.inpaint.batch import Settings, scan_batches, spread
from goodseed.inpaint.engines import ENGINES, Engine, make_engine
from goodseed.inpaint.scan import Box, Found, Scanner, scan_image
from goodseed.inpaint.sorting import MODES, WHEN_NONE, Sorted, sort_images
from goodseed.inpaint.words import Word, mimicry

__all__ = [
    "Box", "ENGINES", "Engine", "Found", "MODES", "Scanner", "Settings", "Sorted", "WHEN_NONE", "Word", "make_engine",
    "mimicry", "scan_batches", "scan_image", "sort_images", "spread",
]  # fmt: skip
