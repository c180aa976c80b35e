"""The demo model as ComfyUI's MODEL, CLIP and VAE, built from ComfyUI's own classes around goodseed's networks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.sd1_clip
import comfy.supported_models_base
import torch
from torch import Tensor, nn

from goodseed.demo import text, weights
from goodseed.demo.networks import DOWNSCALE, LATENT_CHANNELS
from goodseed.demo.weights import TEXT_TO_IMAGE

from .models import attach_identity

CLIP_NAME = "goodseed_demo"


def load_demo(
    variant: str = TEXT_TO_IMAGE,
) -> tuple[comfy.model_patcher.ModelPatcher, comfy.sd.CLIP, comfy.sd.VAE]:
    """Return MODEL, CLIP and VAE of a variant, one of `goodseed.demo.weights.VARIANTS`.

    Raises:
        WeightsError: when the weights are not there or do not fit.
    """
    return load_model(variant), load_clip(), load_vae(variant)


class DemoLatent(comfy.latent_formats.LatentFormat):  # type: ignore[misc]
    """The autoencoder scales its latents itself."""

    scale_factor = 1.0
    latent_channels = LATENT_CHANNELS


class DemoConfig(comfy.supported_models_base.BASE):  # type: ignore[misc]
    """What BaseModel asks of a model: rectified flow at shift 1, times in 0…1, float32 throughout."""

    unet_extra_config: ClassVar[dict[str, Any]] = {}
    sampling_settings: ClassVar[dict[str, float]] = {"shift": 1.0, "multiplier": 1.0}
    latent_format = DemoLatent
    memory_usage_factor = 1.0


class HostDenoiser(nn.Module):
    """The denoiser under the signature that BaseModel builds and calls a diffusion model with."""

    def __init__(self, dtype: torch.dtype, device: torch.device, operations: Any, variant: str) -> None:
        super().__init__()
        self.dtype = dtype
        self.network = weights.load_denoiser(variant=variant).to(device=device, dtype=dtype)

    def forward(self, x: Tensor, timesteps: Tensor, context: Tensor, **options: Any) -> Tensor:
        """Return the velocity [B,4,H,W]; options (ControlNet, patches) have no place in this network."""
        velocity: Tensor = self.network(x, timesteps, context)
        return velocity


def load_model(variant: str) -> comfy.model_patcher.ModelPatcher:
    """Return the MODEL, with the identity of its weights attached."""
    management = comfy.model_management
    offload_device = management.unet_offload_device()
    config = DemoConfig({"dtype": torch.float32})
    flow = comfy.model_base.ModelType.FLOW
    denoiser = partial(HostDenoiser, variant=variant)
    model = comfy.model_base.BaseModel(config, flow, device=offload_device, unet_model=denoiser)
    patcher = comfy.model_patcher.ModelPatcher(
        model, load_device=management.get_torch_device(), offload_device=offload_device
    )
    attach_identity(patcher, weights.describe("denoiser", variant=variant))
    return patcher


class Words:
    """The demo's word list under the interface of a Hugging Face tokenizer, as far as ComfyUI's SDTokenizer asks."""

    @classmethod
    def from_pretrained(cls, path: str) -> Words:
        return cls()

    def __call__(self, prompt: str) -> dict[str, list[int]]:
        return {"input_ids": [text.BEGIN, *text.word_tokens(prompt)]}

    def get_vocab(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(text.VOCABULARY)}

    def decode(self, tokens: Sequence[int], skip_special_tokens: bool = True) -> str:
        words = (text.VOCABULARY[token] for token in tokens if token > text.UNKNOWN or not skip_special_tokens)
        return " ".join(words)


class DemoTokenizer(comfy.sd1_clip.SDTokenizer):  # type: ignore[misc]
    """ComfyUI's parser of (weights:1.2) over the demo's words."""

    def __init__(self, embedding_directory: str | None = None, tokenizer_data: dict[str, Any] | None = None) -> None:
        super().__init__(
            max_length=text.CONTEXT_LENGTH,
            embedding_key=CLIP_NAME,
            tokenizer_class=Words,
            has_end_token=False,
            pad_with_end=False,
            pad_token=text.PAD,
        )

    def tokenize_with_weights(self, prompt: str, return_word_ids: bool = False, **options: Any) -> list[list[Any]]:
        """Return one section of tokens: like the study, the demo model reads the first 15 words only."""
        return list(super().tokenize_with_weights(prompt, return_word_ids, **options))[:1]


class DemoClipTokenizer(comfy.sd1_clip.SD1Tokenizer):  # type: ignore[misc]
    """The tokens by the name of the text encoder that reads them."""

    def __init__(self, embedding_directory: str | None = None, tokenizer_data: dict[str, Any] | None = None) -> None:
        super().__init__(clip_name=CLIP_NAME, tokenizer=DemoTokenizer)


class DemoTextModel(nn.Module, comfy.sd1_clip.ClipTokenWeightEncoder):  # type: ignore[misc]
    """The text encoder, with ComfyUI's own way of weighting tokens."""

    special_tokens: ClassVar[dict[str, int]] = {"start": text.BEGIN, "pad": text.PAD}

    def __init__(self, device: torch.device, dtype: torch.dtype, model_options: dict[str, Any]) -> None:
        super().__init__()
        self.transformer = weights.load_text_encoder().to(device=device, dtype=dtype)

    def encode(self, tokens: list[list[int]]) -> tuple[Tensor, None]:
        """Return context float32 [sections, 16, 128]; there is no pooled output."""
        device = next(self.transformer.parameters()).device
        with torch.no_grad():
            return self.transformer(torch.tensor(tokens, device=device)).float(), None

    def set_clip_options(self, options: dict[str, Any]) -> None:
        """Layers cannot be skipped in this encoder, and its device is that of its weights."""

    def reset_clip_options(self) -> None:
        """Nothing is ever set."""


class DemoClipModel(comfy.sd1_clip.SD1ClipModel):  # type: ignore[misc]
    """The text encoder by its name; kept in memory as a whole, since its layers are plain torch."""

    disable_offload = True

    def __init__(self, device: torch.device, dtype: torch.dtype, model_options: dict[str, Any]) -> None:
        super().__init__(device, dtype, model_options, clip_name=CLIP_NAME, clip_model=DemoTextModel)


def load_clip() -> comfy.sd.CLIP:
    """Return the CLIP."""
    target = comfy.supported_models_base.ClipTarget(DemoClipTokenizer, DemoClipModel)
    return comfy.sd.CLIP(target, model_options={"dtype": torch.float32})


class HostAutoencoder(nn.Module):
    """The autoencoder under the signature that ComfyUI's VAE calls its network with."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        self.network = weights.load_autoencoder(variant=variant)

    def encode(self, pixels: Tensor) -> Tensor:
        latents: Tensor = self.network.encode(pixels)
        return latents

    def decode(self, latents: Tensor, **options: Any) -> Tensor:
        pixels: Tensor = self.network.decode(latents)
        return pixels


def load_vae(variant: str) -> comfy.sd.VAE:
    """Return the VAE of a variant.

    ComfyUI's VAE takes no network of others. Its pixel-space VAE is the simplest that it builds in all
    versions; the network in it is then replaced, everything else stays the host's own.
    """
    management = comfy.model_management
    vae = comfy.sd.VAE(sd={"pixel_space_vae": torch.tensor(1.0)}, dtype=torch.float32)
    vae.downscale_ratio = vae.upscale_ratio = DOWNSCALE
    vae.latent_channels = LATENT_CHANNELS
    vae.memory_used_encode = lambda shape, dtype: 500 * shape[2] * shape[3] * management.dtype_size(dtype)
    vae.memory_used_decode = lambda shape, dtype: (
        500 * shape[2] * shape[3] * DOWNSCALE**2 * management.dtype_size(dtype)
    )
    vae.first_stage_model = HostAutoencoder(variant).eval()
    vae.size = management.module_size(vae.first_stage_model)
    vae.patcher = comfy.model_patcher.ModelPatcher(
        vae.first_stage_model, load_device=vae.device, offload_device=management.vae_offload_device()
    )
    return vae
