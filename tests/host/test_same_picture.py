"""A study's picture and ComfyUI's, from the same seed, prompt and settings; likewise a hole that is filled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodseed.demo.generator import DemoGenerator
from goodseed.demo.weights import VARIANTS
from tests.host.comfyui import ComfyUI
from tests.host.graphs import demo, ksampler, node

PROMPTS = ("a red ball", "a striped house under the sky", "a tree", "a big fish, with words it does not know")
SEEDS = (0, 7, 123_456_789, 2**64 - 1)


@pytest.mark.parametrize(
    ("prompts", "seeds"),
    [
        pytest.param(PROMPTS[1::2], SEEDS[1::2], id="4 cells"),
        pytest.param(PROMPTS, SEEDS, id="16 cells", marks=pytest.mark.long),
    ],
)
def test_cells_differ_by_at_most_two_of_255_anywhere(
    comfyui: ComfyUI, demo_weights: Path, prompts: tuple[str, ...], seeds: tuple[int, ...]
) -> None:
    generator = DemoGenerator(demo_weights)
    sampling = generator.describe()["sampling"]
    graph = demo()
    for p, prompt in enumerate(prompts):
        graph[f"prompt {p}"] = node("CLIPTextEncode", clip=["demo", 1], text=prompt)
        for seed in seeds:
            cell = f"{p} {seed}"
            graph[f"sample {cell}"] = ksampler(
                seed, sampling["sampler"], sampling["steps"], scheduler=sampling["scheduler"], cfg=sampling["cfg"],
                positive=[f"prompt {p}", 0],
            )  # fmt: skip
            graph[f"decode {cell}"] = node("VAEDecode", samples=[f"sample {cell}", 0], vae=["demo", 2])
            graph[cell] = node("PreviewImage", images=[f"decode {cell}", 0])
    output = comfyui.run(graph)
    worst = 0
    for p, prompt in enumerate(prompts):
        for seed, picture in zip(seeds, generator.generate(prompt, seeds), strict=True):
            made = np.asarray(Image.open(comfyui.image(output[f"{p} {seed}"]["images"][0])).convert("RGB"), np.int16)
            worst = max(worst, int(np.abs(made - picture).max()))
    assert worst <= 2


@pytest.mark.long
@pytest.mark.parametrize("variant", VARIANTS)
def test_filled_holes_differ_by_at_most_two_of_255_anywhere(comfyui: ComfyUI, demo_weights: Path, variant: str) -> None:
    generator = DemoGenerator(demo_weights, variant=variant)
    sampling = generator.describe()["sampling"]
    graph, pairs = demo(), generator.inpaint_pairs(2)[0]
    graph["demo"] = node("GoodSeedDemoModel", variant=variant)
    for number, pair in enumerate(pairs):
        for kind, pixels in (("picture", pair.image), ("hole", np.repeat(pair.mask[..., None] * 255, 3, axis=2))):
            name = f"pair {number} {kind}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(comfyui.base / "input" / name)
            graph[f"{number} {kind}"] = node("LoadImage", image=name)
        graph |= {
            f"{number} mask": node("ImageToMask", image=[f"{number} hole", 0], channel="red"),
            f"{number} encoded": node("VAEEncode", pixels=[f"{number} picture", 0], vae=["demo", 2]),
            f"{number} latent": node(
                "SetLatentNoiseMask", samples=[f"{number} encoded", 0], mask=[f"{number} mask", 0]
            ),
        }
        for task, prompt in pair.prompts.items():
            cell = f"{number} {task}"
            graph[f"{cell} prompt"] = node("CLIPTextEncode", clip=["demo", 1], text=prompt)
            for seed in SEEDS:
                graph[f"{cell} {seed} sampled"] = ksampler(
                    seed, sampling["sampler"], sampling["steps"], scheduler=sampling["scheduler"],
                    cfg=sampling["cfg"], positive=[f"{cell} prompt", 0], latent_image=[f"{number} latent", 0],
                )  # fmt: skip
                graph[f"{cell} {seed} decoded"] = node(
                    "VAEDecode", samples=[f"{cell} {seed} sampled", 0], vae=["demo", 2]
                )
                graph[f"{cell} {seed}"] = node("PreviewImage", images=[f"{cell} {seed} decoded", 0])
    output = comfyui.run(graph)
    worst = 0
    for number, pair in enumerate(pairs):
        for task, prompt in pair.prompts.items():
            for seed, picture in zip(SEEDS, generator.inpaint(pair, prompt, SEEDS), strict=True):
                shown = output[f"{number} {task} {seed}"]["images"][0]
                made = np.asarray(Image.open(comfyui.image(shown)).convert("RGB"), np.int16)
                worst = max(worst, int(np.abs(made - picture).max()))
    assert worst <= 2
