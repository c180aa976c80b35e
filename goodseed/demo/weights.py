"""The demo model's weights: float16 in safetensors on disk, float32 in memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from goodseed.demo.networks import Autoencoder, Denoiser, JudgeNetwork, TextEncoder
from goodseed.errors import WeightsError
from goodseed.files import write_bytes
from goodseed.provenance.hashing import hash_file

WEIGHTS_DIR = Path(__file__).parent / "weights"

TEXT_TO_IMAGE, INPAINTING = "text to image", "inpainting"
VARIANTS = (TEXT_TO_IMAGE, INPAINTING)
"""The model, and the one that fills holes: fine-tuned from it on scenes in which signs hang."""

FAMILIES = {TEXT_TO_IMAGE: "goodseed-demo", INPAINTING: "goodseed-demo-inpaint"}

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "denoiser": Denoiser,
    "text_encoder": TextEncoder,
    "autoencoder": Autoencoder,
    "judge": JudgeNetwork,
    "inpaint-denoiser": Denoiser,
    "inpaint-autoencoder": Autoencoder,
}
"""Each file of weights by its name. A bank names files without folders, so a variant's have names of their own."""

Network = TypeVar("Network", bound=nn.Module)


def weights_path(name: str, folder: Path | None = None) -> Path:
    """Return where the weights of network `name` lie: `folder`, $GOODSEED_DEMO_WEIGHTS, or the shipped ones."""
    chosen = folder or Path(os.environ.get("GOODSEED_DEMO_WEIGHTS") or WEIGHTS_DIR)
    return chosen / f"{name}.safetensors"


def name_of(part: str, variant: str = TEXT_TO_IMAGE) -> str:
    """Return the name of the weights that a variant's part has: the variants share the text encoder and the judge."""
    own = f"inpaint-{part}"
    return own if variant == INPAINTING and own in NETWORKS else part


def load_denoiser(folder: Path | None = None, variant: str = TEXT_TO_IMAGE) -> Denoiser:
    return _load(name_of("denoiser", variant), Denoiser, folder)


def load_text_encoder(folder: Path | None = None) -> TextEncoder:
    return _load("text_encoder", TextEncoder, folder)


def load_autoencoder(folder: Path | None = None, variant: str = TEXT_TO_IMAGE) -> Autoencoder:
    return _load(name_of("autoencoder", variant), Autoencoder, folder)


def load_judge(folder: Path | None = None) -> JudgeNetwork:
    return _load("judge", JudgeNetwork, folder)


def describe(part: str, folder: Path | None = None, variant: str = TEXT_TO_IMAGE) -> dict[str, str]:
    """Return a part's file name, SHA-256 of the file, SHA-256 of its tensors alone, and family."""
    path = weights_path(name_of(part, variant), folder)
    hashes = hash_file(path)
    return {
        "file": path.name,
        "sha256": hashes.sha256,
        "tensors_sha256": hashes.tensors_sha256 or "",
        "family": FAMILIES[variant],
    }


def save_network(name: str, network: nn.Module, folder: Path) -> Path:
    """Write a network's weights as float16, whole or not at all."""
    tensors = {key: value.half().contiguous().cpu() for key, value in network.state_dict().items()}
    path = folder / f"{name}.safetensors"
    write_bytes(path, save(tensors, {"goodseed.demo": name}))
    return path


def make_random(folder: Path, seed: int = 0) -> Path:
    """Write untrained weights of the true architecture, for tests that need none of the quality."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        for name, build in NETWORKS.items():
            network = build()
            for parameter in network.parameters():
                if not parameter.any():
                    nn.init.normal_(parameter, std=0.02)
            save_network(name, network, folder)
    return folder


def _load(name: str, build: Callable[[], Network], folder: Path | None) -> Network:
    path = weights_path(name, folder)
    with torch.random.fork_rng(devices=[]):  # a new network's first values are drawn from the global state
        network = build()
    try:
        state = load_file(path)
        network.load_state_dict({key: value.float() for key, value in state.items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise WeightsError(f"{path}: cannot be loaded ({str(error).splitlines()[0]}); reinstall the pack") from error
    return network.requires_grad_(False).eval()
