"""`python -m goodseed.demo.train --out DIR`: make the demo model anew, or continue where it stopped."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from goodseed.demo.train.autoencoder import encode_all, train_autoencoder
from goodseed.demo.train.data import Scenes, training_set
from goodseed.demo.train.denoiser import train_denoiser
from goodseed.demo.train.judge import train_judge
from goodseed.demo.train.loop import Schedule
from goodseed.demo.weights import load_autoencoder, save_network
from goodseed.files import atomic_writer

SCENES = 32_000
AUTOENCODER = Schedule(steps=1700, batch=32, rate=1.5e-3, average=0.995)
JUDGE = Schedule(steps=1000, batch=64, rate=2e-3, average=0.99)
DENOISER = Schedule(steps=9000, batch=64, rate=7e-4, average=0.998)
REFINED = Schedule(steps=5000, batch=64, rate=5e-4, average=0.998)
"""For a denoiser that starts from earlier weights (`--first`)."""

STAGES = ("autoencoder", "judge", "denoiser")


def main(
    out: Annotated[Path, typer.Option(help="Folder for scenes, checkpoints and, at the end, the weights.")],
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    stage: Annotated[str, typer.Option(help=f"One of {', '.join(STAGES)}, or all.")] = "all",
    first: Annotated[Path | None, typer.Option(help="Weights for the denoiser to start from; else chance.")] = None,
) -> None:
    """Draw the scenes, train the VAE, the judge and the denoiser, and write their weights to OUT/weights."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    out.mkdir(parents=True, exist_ok=True)
    chosen = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    torch.default_generator.manual_seed(0)  # first values of the weights; this process is ours alone
    torch.set_num_threads(1)
    scenes = training_set(out, SCENES, os.cpu_count() or 1)
    wanted = STAGES if stage == "all" else (stage,)
    if "autoencoder" in wanted:
        save_network("autoencoder", train_autoencoder(scenes, AUTOENCODER, out, chosen), out / "weights")
    if "judge" in wanted:
        save_network("judge", train_judge(scenes, JUDGE, out, chosen), out / "weights")
    if "denoiser" in wanted:
        latents = _latents(out, scenes, chosen)
        schedule = REFINED if first else DENOISER
        denoiser, text_encoder = train_denoiser(latents, scenes.captions, schedule, out, chosen, first)
        save_network("denoiser", denoiser, out / "weights")
        save_network("text_encoder", text_encoder, out / "weights")
    logging.info("weights: %s", out / "weights")


def _latents(out: Path, scenes: Scenes, device: torch.device) -> torch.Tensor:
    """Encode all scenes, once: an interrupted run finds them in `out`."""
    path = out / "latents.npy"
    if not path.exists():
        with atomic_writer(path) as file:
            np.save(file, encode_all(load_autoencoder(out / "weights").to(device), scenes.images, device).numpy())
    return torch.from_numpy(np.load(path))


if __name__ == "__main__":
    typer.run(main)
