"""The share of a mask that text covers, after "Good Seed Makes a Good Crop", section 4.3."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from goodseed.errors import ScanError
from goodseed.inpaint.area import Weights, overlap, shares
from goodseed.inpaint.engines import Engine, make_pool
from goodseed.inpaint.masks import find_regions, fit_mask
from goodseed.inpaint.views import Turn, View, is_flat, plan_views, show
from goodseed.inpaint.words import SCORE, FloatArray, Picture, Word, mimicry, strength
from goodseed.provenance.embed import to_uint8

READING = 4
"""Number of the way of reading; raised when the same picture may get another share, so that studies do not mix two."""

LEAST_INSIDE = 0.1
"""A text of which less than this share lies in the mask belongs to the mask's surroundings."""

_SAME_PLACE = 0.5
_SAME_TEXT = 0.6
_SAME_PIXELS = 4.0  # mean difference in levels of 255


@dataclass(frozen=True)
class Box:
    """A text: its outline [n, 2] in the image's pixels, how sure the reading is, the share of the mask it covers."""

    polygon: FloatArray
    text: str
    score: float
    share: float

    def as_dict(self) -> dict[str, Any]:
        polygon = [[round(float(x), 2), round(float(y), 2)] for x, y in self.polygon]
        return {"text": self.text, "score": round(self.score, 4), "share": self.share, "polygon": polygon}


@dataclass(frozen=True)
class Found:
    """What stands in a mask: the share 0…1 of it under text, the texts, and how far they are the prompt's own.

    `mimicry` is None where no prompt was given.
    """

    share: float
    boxes: tuple[Box, ...] = ()
    mimicry: float | None = None

    @property
    def texts(self) -> list[str]:
        return [box.text for box in self.boxes]

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"share": self.share, "boxes": [box.as_dict() for box in self.boxes]}
        return found if self.mimicry is None else {**found, "mimicry": self.mimicry}


Begun = Callable[[], Found]
"""Waits for a picture that is being read, and returns what stands in it."""


class Scanner:
    """Reads pictures; what one mask asks for, and what an original holds, is worked out once."""

    def __init__(self, engine: Engine, score: float = SCORE, pool: Executor | None = None) -> None:
        """Read with an engine; the views of a picture in turn, or at once where a pool is given."""
        self._engine = engine
        self._score = score
        self._pool = pool
        self._turns: tuple[Weights, list[Turn]] | None = None
        self._old: dict[tuple[int, View], tuple[Picture, list[Word]]] = {}

    def scan(self, image: Picture, mask: Weights, prompt: str = "", original: Picture | None = None) -> Found:
        """Return what stands in a mask.

        image, original: uint8 [H, W, 3]; mask: weights [H, W], not empty (see `fit_mask`).
        """
        return self.begin(image, mask, prompt, original)()

    def begin(self, image: Picture, mask: Weights, prompt: str = "", original: Picture | None = None) -> Begun:
        """Have the pool read a picture, and return what waits for that and gives what `scan` does.

        Only the thread that makes these calls may make the ones that they return.
        """
        turns = self._turns_of(mask)
        read = partial(self._read_turn, image, mask if original is None else None)
        words = map(read, turns) if self._pool is None else self._pool.map(read, turns)
        return lambda: self._settle(image, mask, prompt, original, words)

    def _settle(
        self,
        image: Picture,
        mask: Weights,
        prompt: str,
        original: Picture | None,
        read: Iterable[list[tuple[Word, float]]],
    ) -> Found:
        """Return what stands in a mask, from what was read in its views, with their scales."""
        words = self._distinct(chain.from_iterable(read), mask)
        if words and original is not None:
            words = self._new(words, image, original, mask)
        inside = shares([word.polygon for word in words], mask)[2]
        words = [word for word, part in zip(words, inside, strict=True) if part >= LEAST_INSIDE]
        share, alone, _ = shares([word.polygon for word in words], mask)
        boxes = tuple(Box(w.polygon, w.text, w.score, part) for w, part in zip(words, alone, strict=True))
        return Found(share, boxes, mimicry([box.text for box in boxes], prompt) if prompt.strip() else None)

    def _turns_of(self, mask: Weights) -> list[Turn]:
        if self._turns is None or self._turns[0] is not mask:
            self._turns = (mask, plan_views(find_regions(mask)))
        return self._turns[1]

    def _read_turn(self, image: Picture, mask: Weights | None, turn: Turn) -> list[tuple[Word, float]]:
        """Return what stands in views, with their scales, up to the first view with a text in the mask.

        All views are read where no mask is given: where an original is, the text may be the original's.
        """
        read = []
        for view in turn:
            words = self._read(image, view)
            read += [(word, view.scale) for word in words]
            if mask is not None and _any_inside(words, mask):
                break
        return read

    def _read(self, image: Picture, view: View) -> list[Word]:
        """Return what stands in a view and is sure enough, in the image's pixels."""
        if is_flat(image, view.region):
            return []
        pixels, zoom = show(image, view)
        corner = view.region[:2]
        words = (Word(word.polygon / zoom + corner, word.text, word.score) for word in self._engine(pixels))
        return [word for word in words if strength(word) >= self._score]

    def _distinct(self, read: Iterable[tuple[Word, float]], mask: Weights) -> list[Word]:
        """Return each text once: of those that lie on each other the longest, surest one, read the largest."""
        height, width = mask.shape
        kept: list[Word] = []
        for word, _ in sorted(read, key=lambda one: len(one[0].text) * one[0].score * one[1], reverse=True):
            if all(overlap(word.polygon, other.polygon, width, height) < _SAME_PLACE for other in kept):
                kept.append(word)
        return sorted(kept, key=lambda word: (float(word.polygon[:, 1].min()), float(word.polygon[:, 0].min())))

    def _new(self, words: list[Word], image: Picture, original: Picture, mask: Weights) -> list[Word]:
        """Return the words that were not there before: other pixels, and no such text at that place."""
        height, width = image.shape[:2]
        old = [word for turn in self._turns_of(mask) for view in turn for word in self._read_once(original, view)]
        return [
            word
            for word in words
            if not _unchanged(word, image, original)
            and not any(
                _alike(word.text, other.text) and overlap(word.polygon, other.polygon, width, height) >= _SAME_PLACE
                for other in old
            )
        ]

    def _read_once(self, original: Picture, view: View) -> list[Word]:
        key = (id(original), view)
        if key not in self._old:
            self._old[key] = (original, self._read(original, view))  # holds the picture, so that its id stays its own
        return self._old[key][1]


def as_picture(image: ArrayLike, name: str = "image") -> Picture:
    """Return an image [H, W, 1, 3 or 4], uint8 or 0…1, as uint8 [H, W, 3]; alpha is left out.

    Raises:
        ScanError: for another shape, no pixels, or pixels that are no numbers.
    """
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or not pixels.size:
        raise ScanError(f"{name}: has the shape {list(pixels.shape)}; give height × width × 3 channels")
    pixels = pixels[..., :3] if pixels.shape[2] > 1 else np.repeat(pixels, 3, axis=2)
    if pixels.dtype == np.uint8:
        return pixels
    if not np.isfinite(pixels).all():
        raise ScanError(f"{name}: holds pixels that are no numbers (NaN); its model or VAE overflowed")
    return to_uint8(pixels)  # the pixels that a saver would save


def fit_picture(image: Picture, width: int, height: int) -> Picture:
    """Return a picture in another size."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))


def scan_image(
    image: ArrayLike,
    mask: ArrayLike | None,
    engine: Engine,
    prompt: str = "",
    original: ArrayLike | None = None,
    invert: bool = False,
    score: float = SCORE,
) -> Found:
    """Return the share of a mask that text covers in one image, with what was read.

    image, original: [H, W, C], uint8 or 0…1; the original in any size. mask: [h, w], 0…1, in any size; None for all.

    Raises:
        ScanError: when they cannot be used.
    """
    picture = as_picture(image)
    height, width = picture.shape[:2]
    weights = fit_mask(np.ones((1, 1)) if mask is None else mask, width, height, invert and mask is not None)
    before = None if original is None else fit_picture(as_picture(original, "original"), width, height)
    with make_pool() as pool:
        return Scanner(engine, score, pool).scan(picture, weights, prompt, before)


def _any_inside(words: Sequence[Word], mask: Weights) -> bool:
    """Return whether one of these texts is of the mask, and not of its surroundings."""
    return max(shares([word.polygon for word in words], mask)[2], default=0.0) >= LEAST_INSIDE


def _alike(a: str, b: str) -> bool:
    a, b = a.casefold(), b.casefold()
    shorter, longer = sorted((a, b), key=len)
    if shorter in longer and 2 * len(shorter) >= len(longer):
        return True
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() >= _SAME_TEXT


def _unchanged(word: Word, image: Picture, original: Picture) -> bool:
    low = np.maximum(np.floor(word.polygon.min(axis=0)).astype(int), 0)
    high = np.ceil(word.polygon.max(axis=0)).astype(int)
    part = (slice(low[1], high[1]), slice(low[0], high[0]))
    apart = np.abs(image[part].astype(np.int16) - original[part])
    return not apart.size or float(apart.mean()) < _SAME_PIXELS


def texts_of(boxes: Sequence[Box]) -> str:
    """Return what was read as people read it: 'sale' (0.99), 'zoom' (0.91)."""
    return ", ".join(f"'{box.text}' ({box.score:.2f})" for box in boxes)
