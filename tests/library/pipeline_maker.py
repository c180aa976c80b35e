"""Small pipelines of the true classes with random weights, saved as diffusers saves them.

The configurations are narrower than the real ones, as in diffusers' own tests. VAEs have the true factor of 8, and
text encoders the true kinds of tokenizers, with a letter as the longest token.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

SIDE = 64
"""The default width and height of all of them but Flux, whose default does not depend on its configuration."""
WORDS = 77

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789,."


def make_pipeline(folder: Path, name: str, **parts: Any) -> Path:
    """Save the pipeline of class `name` in `folder/name`, with `parts` in the place of its own; return its folder."""
    import diffusers

    state = torch.get_rng_state()
    torch.manual_seed(0)
    components = {**_PARTS[name](folder / "tokens"), **parts}
    torch.set_rng_state(state)
    cls = getattr(diffusers, name)
    cls(**components).save_pretrained(folder / name)
    return folder / name


def make_named(folder: Path, name: str) -> Path:
    """Make a pipeline by its class, or `StableDiffusion 2` or `SDXL Turbo`, which are classes with other parts."""
    if name == "StableDiffusion 2":
        from diffusers import DDIMScheduler

        wide = {"attention_head_dim": (2, 4), "use_linear_projection": True}
        scheduler = DDIMScheduler(
            prediction_type="v_prediction", clip_sample=False, set_alpha_to_one=False, steps_offset=1
        )
        return make_pipeline(folder / name, "StableDiffusionPipeline", unet=unet(**wide), scheduler=scheduler)
    if name == "SDXL Turbo":
        return make_pipeline(folder / name, "StableDiffusionXLPipeline", scheduler=euler_ancestral())
    return make_pipeline(folder, name)


def unet(**more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    config = {
        "sample_size": SIDE // 8, "block_out_channels": (8, 16), "layers_per_block": 1, "norm_num_groups": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"), "cross_attention_dim": 16, "attention_head_dim": 4,
    }  # fmt: skip
    return UNet2DConditionModel(**{**config, **more})


def vae(channels: int = 4, **more: Any) -> Any:
    from diffusers import AutoencoderKL

    config = {
        "block_out_channels": (4, 8, 8, 8), "layers_per_block": 1, "norm_num_groups": 4, "latent_channels": channels,
        "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4,
    }  # fmt: skip
    return AutoencoderKL(**{**config, **more})


def clip(width: int = 16, projection: int = 0) -> Any:
    """CLIP's text encoder; with a projection the kind that has one."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=2 * len(_LETTERS) + 2, hidden_size=width, intermediate_size=24, num_attention_heads=2,
        num_hidden_layers=3, max_position_embeddings=WORDS, projection_dim=projection or 16,
        bos_token_id=2 * len(_LETTERS), eos_token_id=2 * len(_LETTERS) + 1, pad_token_id=1,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config).eval()


def clip_tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    words = [*_LETTERS, *(f"{letter}</w>" for letter in _LETTERS), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer.from_pretrained(folder, model_max_length=WORDS)


def t5(width: int = 16) -> Any:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(vocab_size=160, d_model=width, d_kv=8, d_ff=24, num_layers=2, num_heads=2)
    return T5EncoderModel(config).eval()


def t5_tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import T5TokenizerFast

    words = ["<pad>", "</s>", "<unk>", "▁", *_LETTERS]
    tokenizer = Tokenizer(models.Unigram([(word, -float(number)) for number, word in enumerate(words)], unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return T5TokenizerFast.from_pretrained(folder)


def euler(**more: Any) -> Any:
    from diffusers import EulerDiscreteScheduler

    return EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", **more)


def euler_ancestral() -> Any:
    from diffusers import EulerAncestralDiscreteScheduler

    return EulerAncestralDiscreteScheduler(timestep_spacing="trailing")


def flow(**more: Any) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(**more)


def _stable_diffusion(tokens: Path) -> dict[str, Any]:
    from diffusers import DDIMScheduler

    return {
        "unet": unet(), "vae": vae(), "text_encoder": clip(), "tokenizer": clip_tokenizer(tokens),
        "scheduler": DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
        "safety_checker": None, "feature_extractor": None, "requires_safety_checker": False,
    }  # fmt: skip


def _sdxl(tokens: Path) -> dict[str, Any]:
    more = {"addition_embed_type": "text_time", "addition_time_embed_dim": 8, "transformer_layers_per_block": (1, 2)}
    return {
        "unet": unet(**more, projection_class_embeddings_input_dim=6 * 8 + 16, cross_attention_dim=32),
        "vae": vae(), "scheduler": euler(), "force_zeros_for_empty_prompt": True,
        "text_encoder": clip(), "text_encoder_2": clip(projection=16),
        "tokenizer": clip_tokenizer(tokens), "tokenizer_2": clip_tokenizer(tokens),
    }  # fmt: skip


def _lcm(tokens: Path) -> dict[str, Any]:
    from diffusers import LCMScheduler

    return {
        **_stable_diffusion(tokens),
        "unet": unet(time_cond_proj_dim=8),
        "scheduler": LCMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
    }


def _sd3(tokens: Path) -> dict[str, Any]:
    from diffusers import SD3Transformer2DModel

    transformer = SD3Transformer2DModel(
        sample_size=SIDE // 8, patch_size=2, in_channels=16, out_channels=16, num_layers=1, attention_head_dim=8,
        num_attention_heads=2, joint_attention_dim=32, caption_projection_dim=16, pooled_projection_dim=32,
    )  # fmt: skip
    return {
        "transformer": transformer, "vae": vae(16, shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        "scheduler": flow(shift=3.0),
        "text_encoder": clip(projection=16), "text_encoder_2": clip(projection=16), "text_encoder_3": t5(32),
        "tokenizer": clip_tokenizer(tokens), "tokenizer_2": clip_tokenizer(tokens),
        "tokenizer_3": t5_tokenizer(tokens / "t5"),
    }  # fmt: skip


def _flux(tokens: Path) -> dict[str, Any]:
    from diffusers import FluxTransformer2DModel

    transformer = FluxTransformer2DModel(
        in_channels=64, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=16, axes_dims_rope=(4, 6, 6), guidance_embeds=True,
    )  # fmt: skip
    return {
        "transformer": transformer, "vae": vae(16, shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        "scheduler": flow(shift=3.0, use_dynamic_shifting=True),
        "text_encoder": clip(), "text_encoder_2": t5(32), "tokenizer": clip_tokenizer(tokens),
        "tokenizer_2": t5_tokenizer(tokens / "t5"),
    }  # fmt: skip


_PARTS = {
    "StableDiffusionPipeline": _stable_diffusion,
    "StableDiffusionImg2ImgPipeline": _stable_diffusion,
    "StableDiffusionXLPipeline": _sdxl,
    "LatentConsistencyModelPipeline": _lcm,
    "StableDiffusion3Pipeline": _sd3,
    "FluxPipeline": _flux,
}
