"""Pictures made ready for networks: sizes, squares and colours as each network's own preprocessing has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

Colours = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Mean and standard deviation of the red, green and blue that a network was trained on."""

IMAGENET: Colours = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP: Colours = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))

BICUBIC = Image.Resampling.BICUBIC
BILINEAR = Image.Resampling.BILINEAR


def device() -> torch.device:
    """Return where networks run: the GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def to_tensor(pictures: Sequence[np.ndarray], colours: Colours) -> torch.Tensor:
    """Return pictures uint8 [H, W, 3] of one size as float32 [B, 3, H, W], normalised."""
    batch = torch.from_numpy(np.stack(pictures)).to(device()).permute(0, 3, 1, 2).float() / 255
    return normalised(batch, colours)


def normalised(batch: torch.Tensor, colours: Colours) -> torch.Tensor:
    """Take the mean colour away from [B, 3, H, W] in 0…1 and divide by the deviation."""
    mean, deviation = (torch.tensor(values, device=batch.device).view(1, 3, 1, 1) for values in colours)
    return (batch - mean) / deviation


def resized(picture: np.ndarray, width: int, height: int, how: Image.Resampling = BICUBIC) -> np.ndarray:
    """Return a picture uint8 [H, W, 3] in another size, as PIL does it (with antialiasing)."""
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(Image.fromarray(picture).resize((width, height), how))


def shorter_side(picture: np.ndarray, side: int, how: Image.Resampling = BICUBIC) -> np.ndarray:
    """Return a picture whose shorter side is `side`, its shape kept; the longer side is rounded down."""
    height, width = picture.shape[:2]
    if width <= height:
        return resized(picture, side, int(side * height / width), how)
    return resized(picture, int(side * width / height), side, how)


def centre_square(picture: np.ndarray, side: int) -> np.ndarray:
    """Return the middle `side` × `side` of a picture that is at least as large."""
    height, width = picture.shape[:2]
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


def padded_square(picture: np.ndarray, side: int) -> np.ndarray:
    """Return a picture whose longer side is `side`, in the middle of a black square."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    high, wide = round(height * scale), round(width * scale)
    square = np.zeros((side, side, 3), np.uint8)
    top, left = (side - high) // 2, (side - wide) // 2
    square[top : top + high, left : left + wide] = resized(picture, wide, high)
    return square
