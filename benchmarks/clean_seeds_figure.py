"""The figure of benchmarks/clean_seeds.py: the same holes filled by the cleanest seeds and by those that write most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from goodseed.banks import Bank
from goodseed.banks.clean import clean_positions
from goodseed.grid import arrange, draw_grid
from goodseed.study.interfaces import Inpaints

EACH, PAIRS = 3, 4


def draw(bank: Bank, maker: Inpaints, path: Path) -> None:
    """Draw held-out holes: a row a seed, three of each kind; a column a picture, for one task and the other."""
    kinds = (("little text", clean_positions(bank)), ("much text", clean_positions(bank, worst=True)))
    seeds = {bank.seeds[place]: kind for kind, order in kinds for place in map(int, order[:EACH])}
    columns = {
        f"{task}: {pair.prompts['completion']}": maker.inpaint(pair, pair.prompts[task], list(seeds))
        for pair in maker.inpaint_pairs(PAIRS)[1]
        for task in bank.tasks
    }
    labels = [f"seed {seed}, {kind} | {column}" for seed, kind in seeds.items() for column in columns]
    images = [made[row].astype(np.float32) / 255 for row in range(len(seeds)) for made in columns.values()]
    grid = draw_grid(images, arrange(labels))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(grid * 255).astype(np.uint8)).save(path, quality=90)
