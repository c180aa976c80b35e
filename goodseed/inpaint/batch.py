"""Images, masks, originals, prompts and seeds as graphs hold them: lists of batches, brought together one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goodseed.errors import ScanError
from goodseed.inpaint.area import Weights
from goodseed.inpaint.engines import Engine, make_pool
from goodseed.inpaint.masks import fit_mask
from goodseed.inpaint.scan import Begun, Found, Scanner, as_picture, fit_picture
from goodseed.inpaint.words import SCORE, Picture

Batches = Sequence[Any]
"""A list of arrays whose first axis counts images or masks."""

AHEAD = 2
"""Pictures that are begun before the first of them is settled, so that no thread waits."""


@dataclass(frozen=True)
class Settings:
    """How all images of a list are read."""

    invert: bool = False
    score: float = SCORE


def places_of(batches: Batches) -> list[tuple[int, int]]:
    """Return, for each image of a list of batches, its batch and its place in that."""
    return [(batch, place) for batch, images in enumerate(batches) for place in range(len(images))]


def spread(count: int, batches: Batches, name: str) -> list[int]:
    """Return which of `count` things belongs to each image: one for all, one a batch, or one each.

    Raises:
        ScanError: when the numbers do not go together.
    """
    places = places_of(batches)
    if not places:
        raise ScanError("images: there are none; connect at least one")
    if count == len(places):
        return list(range(count))
    if count == 1:
        return [0] * len(places)
    if count == len(batches):
        return [batch for batch, _ in places]
    raise ScanError(f"{name}: {count} for {len(places)} images; give one for all, or one for each image")


def scan_batches(
    images: Batches,
    masks: Batches,
    engine: Engine,
    prompts: Sequence[str] = ("",),
    originals: Batches = (),
    settings: Settings = Settings(),
    before: Callable[[int, int], None] = lambda done, total: None,
) -> list[Found]:
    """Return what stands in the mask of each image.

    images, originals: lists of [B, H, W, C], 0…1; masks: a list of [B, h, w] or [h, w]; `before` is called before
    each image is begun, with the number of those that are done and of all, and may raise to stop.

    Raises:
        ScanError: for images, masks or numbers of them that cannot be used.
    """
    total = len(places_of(images))
    flat_originals = [image for batch in originals for image in batch]
    original_of = spread(len(flat_originals), images, "original") if flat_originals else []
    prompt_of = spread(len(prompts), images, "prompt")
    old = _Originals(flat_originals)
    found: list[Found] = []

    def begin_all(scanner: Scanner) -> Iterator[Begun]:
        for number, (picture, mask) in enumerate(fitted_pairs(images, masks, settings)):
            before(len(found), total)
            height, width = mask.shape
            original = old.get(original_of[number], width, height) if original_of else None
            yield scanner.begin(picture, mask, prompts[prompt_of[number]], original)

    with make_pool() as pool:
        found.extend(in_turn(begin_all(Scanner(engine, settings.score, pool))))
    return found


def in_turn(begun: Iterable[Begun]) -> Iterator[Found]:
    """Yield what pictures hold, in their order, while the next are read: `begun` gives what `Scanner.begin` returns."""
    waiting: deque[Begun] = deque()
    for one in begun:
        waiting.append(one)
        if len(waiting) > AHEAD:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()


def fitted_pairs(images: Batches, masks: Batches, settings: Settings) -> Iterator[tuple[Picture, Weights]]:
    """Yield each image as a picture, with its mask in the same size.

    Raises:
        ScanError: for images, masks or numbers of them that cannot be used.
    """
    flat_masks = [mask for batch in masks for mask in (batch if np.ndim(batch) == 3 else [batch])]
    mask_of, fitted = spread(len(flat_masks), images, "mask"), _Fitted(flat_masks, settings)
    for number, (batch, place) in enumerate(places_of(images)):
        picture = as_picture(images[batch][place], f"image {number}")
        height, width = picture.shape[:2]
        yield picture, fitted.get(mask_of[number], width, height)


class _Fitted:
    """Masks in the images' sizes; the last one is kept, since most batches share one."""

    def __init__(self, masks: Sequence[Any], settings: Settings) -> None:
        self._masks, self._settings = masks, settings
        self._last: tuple[tuple[int, int, int], Weights] | None = None

    def get(self, place: int, width: int, height: int) -> Weights:
        key = (place, width, height)
        if self._last is None or self._last[0] != key:
            name = f"mask {place}" if len(self._masks) > 1 else "mask"
            self._last = key, fit_mask(self._masks[place], width, height, self._settings.invert, name)
        return self._last[1]


class _Originals:
    """Originals in the images' sizes, likewise."""

    def __init__(self, images: Sequence[Any]) -> None:
        self._images = images
        self._last: tuple[tuple[int, int, int], Picture] | None = None

    def get(self, place: int, width: int, height: int) -> Picture:
        key = (place, width, height)
        if self._last is None or self._last[0] != key:
            self._last = key, fit_picture(as_picture(self._images[place], f"original {place}"), width, height)
        return self._last[1]
