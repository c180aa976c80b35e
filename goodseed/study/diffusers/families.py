"""The text-to-image pipelines that a study knows: their latents, sizes and prompts, as their own code has them.

Sources: the pipelines' `__call__`, `prepare_latents` and `encode_prompt` in diffusers 0.35 to 0.42.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from goodseed.errors import StudyError

_CFG_EMBEDS = (
    "prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds",
)  # fmt: skip


@dataclass(frozen=True)
class Family:
    """Pipelines of one class."""

    name: str
    """As a bank names it."""
    encoders: tuple[str, ...]
    embeds: tuple[str, ...]
    """What `encode_prompt` returns, each under the name by which the pipeline takes it; "" for what it does not."""
    denoiser: str = "unet"
    sample_size: int = 64
    """The denoiser's, where its configuration does not say: the latent's side of pictures of the default size."""
    patch: int = 1
    """Latent pixels that the denoiser takes as one, along a side; SD3's configuration may say otherwise."""
    packed: bool = False
    """Whether the latent is handed in as a row of 2×2 patches (Flux)."""
    guided: bool = True
    """Whether guidance above 1 runs the denoiser on a negative prompt as well: classifier-free guidance."""
    encode: Mapping[str, Any] = field(default_factory=dict)
    """More that `encode_prompt` wants to be told."""
    load: Mapping[str, Any] = field(default_factory=dict)
    """More that `from_pretrained` is told: nothing may change or blacken pictures behind a study's back."""
    half: str = "float16"
    """The dtype in which GPUs run it by default."""


_UNCHECKED = {"safety_checker": None, "requires_safety_checker": False}

FAMILIES: dict[str, Family] = {
    "StableDiffusionPipeline": Family("stable-diffusion", ("text_encoder",), _CFG_EMBEDS[:2], load=_UNCHECKED),
    "StableDiffusionXLPipeline": Family(
        "sdxl", ("text_encoder", "text_encoder_2"), _CFG_EMBEDS, sample_size=128, load={"add_watermarker": False}
    ),
    "LatentConsistencyModelPipeline": Family(
        "lcm",
        ("text_encoder",),
        ("prompt_embeds", ""),
        guided=False,
        encode={"do_classifier_free_guidance": False},
        load=_UNCHECKED,
    ),
    "StableDiffusion3Pipeline": Family(
        "sd3",
        ("text_encoder", "text_encoder_2", "text_encoder_3"),
        _CFG_EMBEDS,
        denoiser="transformer",
        sample_size=128,
        patch=2,
        encode={"prompt_2": None, "prompt_3": None},
    ),
    "FluxPipeline": Family(
        "flux",
        ("text_encoder", "text_encoder_2"),
        ("prompt_embeds", "pooled_prompt_embeds", ""),
        denoiser="transformer",
        sample_size=128,
        patch=2,
        packed=True,
        guided=False,
        encode={"prompt_2": None},
        half="bfloat16",
    ),
}
"""By the class that a pipeline's `model_index.json` names."""


@dataclass(frozen=True)
class Layout:
    """What a pipeline's configuration files say of its latents."""

    channels: int
    factor: int
    """Pixels to a latent pixel, along a side."""
    step: int
    """Width and height are multiples of it: the pipelines refuse or round what is not, and so is 8 their least."""
    default_size: tuple[int, int]
    """Width and height."""

    def shape(self, width: int, height: int) -> tuple[int, int, int]:
        """Return the shape of one latent, unpacked: channels, height, width.

        Raises:
            StudyError: for a size that the pipeline cannot make, or would change.
        """
        for what, size in (("width", width), ("height", height)):
            if size % self.step or size <= 0:
                near = max(self.step, round(size / self.step) * self.step)
                raise StudyError(
                    f"{what}: {size} is not divisible by {self.step}, as this pipeline wants it; use {near}"
                )
        return self.channels, height // self.factor, width // self.factor


def family_of(class_name: Any, where: object) -> Family:
    """Return the family of a pipeline's class.

    Raises:
        StudyError: for a class that starts from a picture, and for one that is not known here.
    """
    if isinstance(class_name, str) and class_name in FAMILIES:
        return FAMILIES[class_name]
    name = str(class_name)[:60]
    if any(word in name for word in ("Img2Img", "Inpaint", "ImageVariation", "Upscale", "Kontext", "Fill")):
        raise StudyError(f"{where}: is a {name}, which starts from a picture; name a pipeline that starts from text")
    raise StudyError(f"{where}: is a {name}, which this generator does not know; it knows {', '.join(FAMILIES)}")


def read_layout(family: Family, folder: Path) -> Layout:
    """Return what the configuration files in a pipeline's folder say.

    Raises:
        StudyError: when one is missing or damaged, and for a denoiser that takes more than the latent.
    """
    denoiser_file, vae_file = (folder / part / "config.json" for part in (family.denoiser, "vae"))
    denoiser, vae = read_config(denoiser_file), read_config(vae_file)
    blocks = vae.get("block_out_channels")
    if not isinstance(blocks, list) or not 1 <= len(blocks) <= 8:
        raise StudyError(f"{vae_file}: has no block_out_channels; fetch or save the pipeline again")
    latent = _count(vae_file, vae.get("latent_channels", 4))
    taken = _count(denoiser_file, denoiser.get("in_channels", latent)) // (4 if family.packed else 1)
    if taken != latent:
        raise StudyError(
            f"{folder.name}: its {family.denoiser} takes {taken} channels where a latent has {latent}: it wants a "
            "picture or a mask besides; name a pipeline that starts from text alone"
        )
    fixed = family.packed or family.patch == 1
    patch = family.patch if fixed else _count(denoiser_file, denoiser.get("patch_size", family.patch))
    factor = int(2 ** (len(blocks) - 1))
    side = family.sample_size if family.packed else denoiser.get("sample_size", family.sample_size)
    high, wide = side if isinstance(side, list) and len(side) == 2 else (side, side)
    size = _count(denoiser_file, wide) * factor, _count(denoiser_file, high) * factor
    return Layout(latent, factor, math.lcm(factor * patch, 8), size)


def _count(path: Path, value: Any) -> int:
    if not isinstance(value, int) or value < 1:
        raise StudyError(
            f"{path}: {str(value)[:40]} is no count of channels or pixels; fetch or save the pipeline again"
        )
    return value


def read_config(path: Path) -> dict[str, Any]:
    """Return a JSON object in a file of a pipeline.

    Raises:
        StudyError: when it is missing or holds none.
    """
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise StudyError(
            f"{path}: cannot be read ({error.strerror}); is the folder a whole pipeline of diffusers?"
        ) from error
    except ValueError as error:
        raise StudyError(f"{path}: is no JSON ({str(error)[:60]}); copy or fetch the pipeline again") from error
    if not isinstance(found, dict):
        raise StudyError(f"{path}: is no JSON object; copy or fetch the pipeline again")
    return found


def packed(latents: torch.Tensor) -> torch.Tensor:
    """Return latents [B, C, H, W] as Flux takes them: each 2×2 patch a row of 4·C, [B, H·W/4, 4·C]."""
    count, channels, height, width = latents.shape
    patches = latents.reshape(count, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return patches.reshape(count, height * width // 4, channels * 4)
