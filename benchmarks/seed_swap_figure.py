"""The figure of benchmarks/seed_swap.py, after figure 2 of "Good Seed Makes a Good Crop"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from goodseed.grid import arrange, draw_grid


def draw(pictures: np.ndarray, figure: Mapping[str, Any], swaps: Sequence[float], path: Path) -> None:
    """Draw pictures uint8 [rows,R,H,W,3]: a row a pair of seeds, a column a run."""
    columns = ["seed i", *(f"j from {100 * at:g} %" for at in swaps), "first noise of j", "seed j"]
    names = [f"{row['prompt']}, {row['seeds'][0]} to {row['seeds'][1]}" for row in figure["rows"]]
    labels = [f"{name} | {column}" for name in names for column in columns]
    images = [image.astype(np.float32) / 255 for row in pictures for image in row]
    grid = draw_grid(images, arrange(labels))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(grid * 255).astype(np.uint8)).save(path, quality=90)
