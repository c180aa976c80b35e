"""How well the demo model's inpainting variant writes: words read after its VAE, and what it writes into holes.

    python benchmarks/demo_signs.py [--weights DIR] [--pairs 20] [--seeds 8] [--sheet out/signs.png]

Prints for both variants: the PSNR of the VAE on fresh scenes with and without a sign, and in how many of those with a
sign rapidocr still reads the same words; then, of the holes that each variant fills, in how many it reads text, and
how many of the letters are those of the object's own name. Intervals: 95 %, Wilson.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from PIL import Image
from rich.progress import track

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.demo_quality import share, signal_to_noise  # noqa: E402
from goodseed.demo.generator import DemoGenerator, to_uint8  # noqa: E402
from goodseed.demo.scenes import SIDE  # noqa: E402
from goodseed.demo.train.autoencoder import to_unit  # noqa: E402
from goodseed.demo.train.data import TEST_SEED, draw_set  # noqa: E402
from goodseed.demo.weights import VARIANTS, load_autoencoder  # noqa: E402
from goodseed.inpaint.engines import make_engine  # noqa: E402
from goodseed.inpaint.scan import Scanner  # noqa: E402
from goodseed.inpaint.words import mimicry  # noqa: E402

WHOLE = np.ones((SIDE, SIDE), np.float32)


def words(scanner: Scanner, pictures: np.ndarray) -> list[list[str]]:
    return [[box.text.lower() for box in scanner.scan(picture, WHOLE).boxes] for picture in pictures]


@torch.no_grad()
def after_vae(scanner: Scanner, variant: str, folder: Path | None, count: int) -> None:
    scenes = draw_set(TEST_SEED, 0, 2 * count, signs=True)
    signs = scenes.labels[:, -1] == 1
    model = load_autoencoder(folder, variant)
    drawn = scenes.images[signs]
    remade = to_uint8(model.decode(model.encode(to_unit(torch.from_numpy(drawn)))))
    before, after = words(scanner, drawn), words(scanner, remade)
    readable = [(a, b) for a, b in zip(before, after, strict=True) if a]
    print(
        f"{variant}: VAE, PSNR {signal_to_noise(model, scenes.images[~signs]):.1f} dB on scenes without a sign,",
        end=" ",
    )
    print(f"{signal_to_noise(model, drawn):.1f} dB with one")
    print(f"  the same words are read after it   {share(sum(a == b for a, b in readable), len(readable))}")


def in_holes(scanner: Scanner, variant: str, folder: Path | None, pairs: int, seeds: int) -> np.ndarray:
    maker, rows = DemoGenerator(folder, variant=variant), []
    found: dict[str, list[tuple[bool, float]]] = {}
    for pair in track(maker.inpaint_pairs(pairs)[0], variant):
        name = pair.prompts["completion"].split()[-1]
        for task, prompt in pair.prompts.items():
            pictures = maker.inpaint(pair, prompt, range(seeds))
            rows.append(np.concatenate(list(pictures), axis=1))
            for picture in pictures:
                texts = [box.text for box in scanner.scan(picture, pair.mask, original=pair.image).boxes]
                found.setdefault(task, []).append((bool(texts), mimicry(texts, name) if texts else 0.0))
    for task, cells in found.items():
        written = [own for text, own in cells if text]
        print(f"  holes with text, {task:11} {share(len(written), len(cells))}", end="")
        print(f"; letters that are the object's name: {np.mean(written):.0%}" if written else "")
    return np.concatenate(rows)


def main(
    weights: Annotated[Path | None, typer.Option(help="Folder of weights; by default the shipped ones.")] = None,
    scenes: Annotated[int, typer.Option(help="Scenes with a sign for the VAE, about.")] = 100,
    pairs: Annotated[int, typer.Option(help="Pictures with a hole.")] = 20,
    seeds: Annotated[int, typer.Option(help="Seeds for each.")] = 8,
    sheet: Annotated[Path, typer.Option(help="Where the variant's filled holes go.")] = Path("out/signs.png"),
) -> None:
    torch.set_num_threads(1)
    scanner = Scanner(make_engine("rapidocr"))
    for variant in VARIANTS:
        after_vae(scanner, variant, weights, scenes)
        filled = in_holes(scanner, variant, weights, pairs, seeds)
    sheet.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(filled).save(sheet)
    print(f"contact sheet: {sheet}")


if __name__ == "__main__":
    typer.run(main)
