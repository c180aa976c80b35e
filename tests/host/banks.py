"""Banks for the host tier: the library tier's test bank, measured, as it were, on the demo model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from goodseed.banks import Bank, make_bank, write_bank
from goodseed.demo import weights
from goodseed.noise import NoiseSpec, cuda_spec, initial_noise, noise_fingerprint
from tests.library.bank_maker import sound_info, sound_tensors, with_inpainting

SHAPE = (4, 16, 16)
HUGE = 2**64 - 1
PACK = Path(__file__).resolve().parents[2]
SHIPPED = {
    "goodseed-demo.safetensors": weights.TEXT_TO_IMAGE,
    "demo-inpaint.safetensors": weights.INPAINTING,
}


def bank_of_demo(folder: Path, variant: str = weights.TEXT_TO_IMAGE) -> Bank:
    """A bank of 40 seeds on the demo model, with inpainting; its best seed by score and some others exceed 2^63."""
    tensors = sound_tensors()
    seeds = np.arange(40, dtype=np.uint64) * np.uint64(1_000_003)
    seeds[int(tensors["metric.score.mean"].argmax())] = HUGE
    seeds[3:6] = [2**63, 2**63 + 1, 2**53 + 1]
    tensors["seeds"] = seeds.view(np.int64)
    spec = NoiseSpec(SHAPE)
    noise = {**spec.as_dict(), "fingerprint": noise_fingerprint(initial_noise(0, spec))}
    info = {**sound_info(), "model": weights.describe("denoiser", folder, variant), "noise": noise}
    return make_bank(*with_inpainting(tensors, info), "test")


def write_stand_ins(folder: Path, banks: Path) -> None:
    """Write a test bank for each bank that the example workflows name and the pack has not."""
    for name, variant in SHIPPED.items():
        if not (PACK / "seedbanks" / name).is_file():
            write_bank(bank_of_demo(folder, variant), banks / name)


def cuda_bank(folder: Path) -> Bank:
    """A bank on the demo model whose noise was drawn in half precision on a T4."""
    spec = cuda_spec(SHAPE, "T4", "float16")
    noise = {**spec.as_dict(), "fingerprint": noise_fingerprint(initial_noise(0, spec))}
    info = {**sound_info(), "model": weights.describe("denoiser", folder), "noise": noise}
    return make_bank(sound_tensors(), info, "cuda")


def foreign_bank() -> Bank:
    """A bank of another model, another latent size and another kind of noise."""
    info = sound_info()
    info["noise"] = {**info["noise"], "shape": [4, 64, 64], "device": "cuda"}
    return make_bank(sound_tensors(), info, "foreign")
