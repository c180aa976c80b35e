"""`python -m goodseed.demo.train --out DIR`: make the demo model anew, or continue where it stopped."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from goodseed.demo.networks import Autoencoder
from goodseed.demo.train.autoencoder import encode_all, train_autoencoder
from goodseed.demo.train.data import Scenes, training_set
from goodseed.demo.train.denoiser import train_denoiser
from goodseed.demo.train.judge import train_judge
from goodseed.demo.train.loop import Schedule
from goodseed.demo.weights import (
    INPAINTING,
    TEXT_TO_IMAGE,
    VARIANTS,
    load_autoencoder,
    load_denoiser,
    load_text_encoder,
    name_of,
    save_network,
)
from goodseed.files import atomic_writer

SCENES = 32_000
AUTOENCODER = Schedule(steps=1700, batch=32, rate=1.5e-3, average=0.995)
JUDGE = Schedule(steps=1000, batch=64, rate=2e-3, average=0.99)
DENOISER = Schedule(steps=9000, batch=64, rate=7e-4, average=0.998)
REFINED = Schedule(steps=5000, batch=64, rate=5e-4, average=0.998)
"""For a denoiser that starts from earlier weights (`--first`)."""

SIGN_SCENES = 16_000
SIGNS_AUTOENCODER = Schedule(steps=450, batch=32, rate=1e-3, average=0.99)
SIGNS_DENOISER = Schedule(steps=1800, batch=32, rate=7e-4, average=0.995, rounded=True)
SIGNS_REFINED = Schedule(steps=3500, batch=32, rate=6e-4, average=0.998, rounded=True)
"""For the inpainting variant, which starts from the model in use, or goes on from weights of its own (`--first`)."""

STAGES = ("autoencoder", "judge", "denoiser")


def main(
    out: Annotated[Path, typer.Option(help="Folder for scenes, checkpoints and, at the end, the weights.")],
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    stage: Annotated[str, typer.Option(help=f"One of {', '.join(STAGES)}, or all.")] = "all",
    first: Annotated[Path | None, typer.Option(help="Weights for the denoiser to start from; else chance.")] = None,
    variant: Annotated[str, typer.Option(help=f"What to make: {' or '.join(VARIANTS)}.")] = TEXT_TO_IMAGE,
) -> None:
    """Draw the scenes, train the VAE, the judge and the denoiser, and write their weights to OUT/weights.

    The inpainting variant starts from the weights in use, on scenes with signs; it has the model's judge and text
    encoder.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    out.mkdir(parents=True, exist_ok=True)
    chosen = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    torch.default_generator.manual_seed(0)  # first values of the weights; this process is ours alone
    torch.set_num_threads(1)
    wanted = STAGES if stage == "all" else (stage,)
    make = make_inpainting if variant == INPAINTING else make_model
    make(out, chosen, wanted, first)
    logging.info("weights: %s", out / "weights")


def make_model(out: Path, chosen: torch.device, wanted: tuple[str, ...], first: Path | None) -> None:
    scenes = training_set(out, SCENES, os.cpu_count() or 1)
    if "autoencoder" in wanted:
        save_network("autoencoder", train_autoencoder(scenes, AUTOENCODER, out, chosen), out / "weights")
    if "judge" in wanted:
        save_network("judge", train_judge(scenes, JUDGE, out, chosen), out / "weights")
    if "denoiser" in wanted:
        latents = _latents(out, load_autoencoder(out / "weights"), scenes, chosen)
        start = (load_denoiser(first), load_text_encoder(first)) if first else None
        schedule = REFINED if first else DENOISER
        denoiser, text_encoder = train_denoiser(latents, scenes.captions, schedule, out, chosen, start)
        save_network("denoiser", denoiser, out / "weights")
        save_network("text_encoder", text_encoder, out / "weights")


def make_inpainting(out: Path, chosen: torch.device, wanted: tuple[str, ...], first: Path | None) -> None:
    folder, weights = out / "inpaint", out / "weights"
    folder.mkdir(exist_ok=True)
    scenes = training_set(folder, SIGN_SCENES, os.cpu_count() or 1, signs=True)
    if "autoencoder" in wanted:
        autoencoder = train_autoencoder(scenes, SIGNS_AUTOENCODER, folder, chosen, load_autoencoder())
        save_network(name_of("autoencoder", INPAINTING), autoencoder, weights)
    if "denoiser" in wanted:
        latents = _latents(folder, load_autoencoder(weights, INPAINTING), scenes, chosen, SIGNS_DENOISER.rounded)
        start = load_denoiser(first, INPAINTING) if first else load_denoiser(), load_text_encoder()
        schedule = SIGNS_REFINED if first else SIGNS_DENOISER
        denoiser, _ = train_denoiser(latents, scenes.captions, schedule, folder, chosen, start, learn_words=False)
        save_network(name_of("denoiser", INPAINTING), denoiser, weights)


def _latents(
    out: Path, model: Autoencoder, scenes: Scenes, device: torch.device, rounding: bool = False
) -> torch.Tensor:
    """Encode all scenes, once: an interrupted run finds them in `out`."""
    path = out / "latents.npy"
    if not path.exists():
        with atomic_writer(path) as file:
            np.save(file, encode_all(model.to(device), scenes.images, device, rounding).numpy())
    return torch.from_numpy(np.load(path))


if __name__ == "__main__":
    typer.run(main)
