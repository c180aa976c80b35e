"""Traits that pixels alone tell, without a network: gray, bordered, sky-heavy, saturated and sharp pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from goodseed.study.interfaces import Measurements

VERSION = "1"
Pixels = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

GRAY = "colour is all but absent: mean spread of a pixel's channels below 6 of 255"
SATURATION = "mean spread of a pixel's channels, 0…1"
SHARPNESS = "mean absolute Laplacian of the brightness, times 4, 0…1"

_TRAITS = {
    "grayscale": GRAY,
    "border": "on two opposite sides the edge is one flat colour that ends on a straight line within a quarter of "
    "the picture",
    "sky": "most of the upper third is bright, smooth and blue or white, little of the lower third is: skies by day",
    "saturation": SATURATION,
    "sharpness": SHARPNESS,
}


class PixelTraits:
    """Grayscale, border and sky as 0 or 1, saturation and sharpness in 0…1."""

    def describe(self) -> dict[str, Any]:
        """Return the traits' entries."""
        return {
            "traits": {name: {"version": VERSION, "weights_sha256": "", "about": _TRAITS[name]} for name in _TRAITS}
        }

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Measure pictures uint8 [B, H, W, 3]."""
        traits = {
            "grayscale": grayscale(images),
            "border": np.array([has_border(image) for image in images], np.float32),
            "sky": np.array([has_sky(image) for image in images], np.float32),
            "saturation": saturation(images),
            "sharpness": sharpness(images),
        }
        return Measurements(traits=traits)


def saturation(images: Pixels) -> FloatArray:
    """Return the mean spread of each picture's pixels, in 0…1: uint8 [B, H, W, 3] → [B]."""
    spread: FloatArray = ((images.max(3).astype(np.float32) - images.min(3)) / 255).mean((1, 2))
    return spread


def grayscale(images: Pixels) -> FloatArray:
    """Return 1 for each picture that is all but gray: uint8 [B, H, W, 3] → [B]."""
    return (saturation(images) < 6 / 255).astype(np.float32)


def sharpness(images: Pixels) -> FloatArray:
    """Return how sharp each picture is, in 0…1: uint8 [B, H, W, 3] → [B]."""
    gray = images.astype(np.float32).mean(3) / 255
    inner = gray[:, 1:-1, 1:-1]
    laplacian = 4 * inner - gray[:, :-2, 1:-1] - gray[:, 2:, 1:-1] - gray[:, 1:-1, :-2] - gray[:, 1:-1, 2:]
    found: FloatArray = np.clip(np.abs(laplacian).mean((1, 2)) * 4, 0, 1).astype(np.float32)
    return found


def has_border(image: Pixels) -> bool:
    """Say whether a picture uint8 [H, W, 3] has a frame, or bars on two opposite sides."""
    turned = image.swapaxes(0, 1)
    return any(_ends_straight(side) and _ends_straight(side[::-1]) for side in (image, turned))


def _ends_straight(picture: Pixels) -> bool:
    """Say whether a flat colour along the first row ends on a line parallel to it."""
    depth, length = picture.shape[:2]
    soft = max(2, round(0.015 * depth))  # decoders draw soft edges
    middle = picture[: depth // 2, length // 5 : length - length // 5].astype(np.int16)
    first = middle[: max(1, round(0.01 * depth))]
    colour = np.median(first.reshape(-1, 3), axis=0)
    apart = np.abs(middle - colour).max(axis=2)
    if float((apart[: len(first)] <= 12).mean()) < 0.95:
        return False
    changed = (apart > 24).mean(axis=1)  # the share of each row that is no longer the edge's colour
    inside = np.flatnonzero(changed > 0.6)
    if not len(inside) or inside[0] == 0 or inside[0] > depth // 4:
        return False
    end = int(inside[0])
    returns = (changed[end:] < 0.5).any()  # stripes have the edge's colour again further in
    return bool(changed[max(end - soft, 0)] < 0.1 and not returns)


def has_sky(image: Pixels) -> bool:
    """Say whether a picture uint8 [H, W, 3] looks like sky over ground; dark and red skies are not seen."""
    share = _sky_like(image)
    third = max(1, len(share) // 3)
    return bool(share[:third].mean() > 0.6 and share[-third:].mean() < 0.3)


def _sky_like(image: Pixels) -> npt.NDArray[np.bool_]:
    """Return which pixels are bright, smooth, and blue or white: [H, W]."""
    pixels = image.astype(np.float32) / 255
    bright, dark = pixels.max(axis=2), pixels.min(axis=2)
    red, green, blue = np.moveaxis(pixels, 2, 0)
    gray = pixels.mean(axis=2)
    steps = [np.abs(np.diff(gray, axis=axis, append=gray.take([-1], axis=axis))) for axis in (0, 1)]
    smooth = np.maximum(*steps) < 0.06
    is_blue = (blue >= red + 0.03) & (blue >= green - 0.02)
    is_white = (bright - dark < 0.12) & (bright > 0.7)
    found: npt.NDArray[np.bool_] = (bright > 0.35) & smooth & (is_blue | is_white)
    return found
