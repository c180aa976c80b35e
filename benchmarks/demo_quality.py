"""How good the demo model is: the judge on fresh scenes, the generated pictures by the judge, a contact sheet.

    python benchmarks/demo_quality.py [--weights DIR] [--seeds 6] [--sheet out/contact-sheet.png]

Prints: the judge's accuracy on scenes it was not trained on (wanted: 98 % or more), the outline's overlap, and
for every object × modifier with the default settings how often the judge sees what the prompt says (wanted: object
90 %, modifier 85 %), each with a 95 % interval (Wilson).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from PIL import Image, ImageDraw
from rich.progress import track

from goodseed.demo.generator import DemoGenerator
from goodseed.demo.judge import DemoJudge
from goodseed.demo.networks import Autoencoder
from goodseed.demo.train.autoencoder import to_unit
from goodseed.demo.train.data import TEST_SEED, draw_set
from goodseed.demo.weights import load_autoencoder
from goodseed.demo.words import MODIFIERS, OBJECTS, Caption

FRESH = 2000


def share(hits: int, count: int) -> str:
    """A share with its 95 % Wilson interval."""
    p, z = hits / count, 1.96
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return f"{p:6.2%}  [{middle - half:.2%}, {middle + half:.2%}]  of {count}"


@torch.no_grad()
def signal_to_noise(model: Autoencoder, images: np.ndarray) -> float:
    """Mean PSNR in dB of pictures uint8 [N,128,128,3] after encoding and decoding."""
    pictures = to_unit(torch.from_numpy(images))
    errors = (model.decode(model.encode(pictures)).clamp(-1, 1) - pictures).square().mean((1, 2, 3))
    return float((10 * torch.log10(4 / errors)).mean())


def judge_on_scenes(judge: DemoJudge) -> None:
    scenes = draw_set(TEST_SEED, 0, FRESH)
    seen: list[Caption] = []
    overlaps: list[float] = []
    for start in track(range(0, FRESH, 50), "judge on fresh scenes"):
        images = scenes.images[start : start + 50]
        seen.extend(judge.name(images))
        outlines = judge.outline(images) > 0.5
        true = scenes.masks[start : start + 50] > 127
        overlaps.extend((outlines & true).sum((1, 2)) / np.maximum((outlines | true).sum((1, 2)), 1))
    objects = sum(OBJECTS.index(c.object) == row[0] for c, row in zip(seen, scenes.labels, strict=True))
    modifiers = sum(MODIFIERS.index(c.modifier) == row[1] for c, row in zip(seen, scenes.labels, strict=True))
    print(f"judge, fresh scenes, object     {share(objects, FRESH)}")
    print(f"judge, fresh scenes, modifier   {share(modifiers, FRESH)}")
    print(f"judge, fresh scenes, all names  {share(objects + modifiers, 2 * FRESH)}")
    print(f"judge, fresh scenes, outline    IoU {np.mean(overlaps):.3f} (mean)")


def judge_on_pictures(generator: DemoGenerator, judge: DemoJudge, seeds: int) -> None:
    objects, modifiers, count = 0, 0, 0
    weak: dict[str, list[bool]] = {}
    for name in track(OBJECTS, "generated pictures"):
        for modifier in MODIFIERS:
            images = generator.generate(Caption(name, modifier).text, range(seeds))
            for caption in judge.name(images):
                objects += caption.object == name
                modifiers += caption.modifier == modifier
                weak.setdefault(name, []).append(caption.object == name)
                weak.setdefault(modifier or "(none)", []).append(caption.modifier == modifier)
                count += 1
    print(f"generated, object               {share(objects, count)}")
    print(f"generated, modifier             {share(modifiers, count)}")
    worst = sorted(weak, key=lambda word: float(np.mean(weak[word])))[:5]
    print("generated, weakest words        " + ", ".join(f"{w} {np.mean(weak[w]):.0%}" for w in worst))


def contact_sheet(generator: DemoGenerator, path: Path) -> None:
    """Every object under eight of the modifiers, one seed a column."""
    columns = ("", "red", "yellow", "blue", "black", "small", "big", "striped", "dotted")
    side, head = 128, 18
    sheet = Image.new("RGB", (side * len(columns), (side + head) * len(OBJECTS)), "white")
    pen = ImageDraw.Draw(sheet)
    for row, name in enumerate(OBJECTS):
        for column, modifier in enumerate(columns):
            prompt = Caption(name, modifier).text
            place = (column * side, row * (side + head))
            pen.text((place[0] + 4, place[1] + 3), f"{prompt}, seed {column}", fill="black")
            sheet.paste(Image.fromarray(generator.generate(prompt, [column])[0]), (place[0], place[1] + head))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
    print(f"contact sheet                   {path}")


def main(
    weights: Annotated[Path | None, typer.Option()] = None,
    seeds: Annotated[int, typer.Option()] = 6,
    sheet: Annotated[Path, typer.Option()] = Path("out/contact-sheet.png"),
) -> None:
    generator, judge = DemoGenerator(weights), DemoJudge(weights)
    noise = signal_to_noise(load_autoencoder(weights), draw_set(TEST_SEED, 0, 100).images)
    print(f"VAE, fresh scenes               PSNR {noise:.1f} dB (mean of 100)")
    judge_on_scenes(judge)
    judge_on_pictures(generator, judge, seeds)
    contact_sheet(generator, sheet)


if __name__ == "__main__":
    typer.run(main)
