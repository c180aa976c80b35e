"""The picture scaled down to 8×8 pixels: colours and where they are, which follow the seed more than all else."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from goodseed.study.interfaces import Measurements

VERSION = "1"
NAME = "small"
SIDE = 8


class SmallPicture:
    """`small`: 192 numbers a picture, the mean red, green and blue of 8×8 fields."""

    def describe(self) -> dict[str, Any]:
        """Return the feature's entry."""
        about = f"mean colour of {SIDE}×{SIDE} fields, in 255ths; what a classifier tells seeds by"
        return {"features": {NAME: {"version": VERSION, "weights_sha256": "", "about": about}}}

    def measure(self, images: np.ndarray, prompt: str) -> Measurements:
        """Measure pictures uint8 [B, H, W, 3] of at least 8 pixels a side."""
        return Measurements(sets={NAME: small(images)})


def small(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the mean colours of 8×8 fields in 0…1, whole 255ths: uint8 [B, H, W, 3] → float32 [B, 192]."""
    fields = images.astype(np.float64)
    for axis in (1, 2):
        edges = np.linspace(0, images.shape[axis], SIDE + 1).round().astype(np.int64)
        sums = np.add.reduceat(fields, edges[:-1], axis=axis)
        shape = [1, 1, 1, 1]
        shape[axis] = SIDE
        fields = sums / np.diff(edges).reshape(shape)
    found: npt.NDArray[np.float32] = (np.rint(fields) / 255).astype(np.float32).reshape(len(images), -1)
    return found
