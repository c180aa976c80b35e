"""A slim Stable Diffusion 1.5 for tests: real architecture and file layout, random weights, made in a few seconds.

The UNet is as small as ComfyUI's detection allows (model_channels 320 and context_dim 768, one level, one residual
block, one transformer, no middle block); CLIP-L has its full shape, in half precision; the VAE is shaped like TAESD.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

Shapes = Iterator[tuple[str, tuple[int, ...]]]
State = dict[str, torch.Tensor]

CHANNELS, EMBEDDING, CONTEXT = 320, 1280, 768
CLIP_LAYERS, CLIP_WIDTH, CLIP_TOKENS, CLIP_PLACES = 12, 768, 49408, 77
LORA_RANK = 4
LORA_LAYERS = {
    "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q": (CHANNELS, CHANNELS),
    "lora_unet_input_blocks_1_1_transformer_blocks_0_attn2_to_v": (CHANNELS, CONTEXT),
    "lora_unet_output_blocks_1_1_transformer_blocks_0_attn2_to_v": (CHANNELS, CONTEXT),
    "lora_te_text_model_encoder_layers_0_self_attn_q_proj": (CLIP_WIDTH, CLIP_WIDTH),
}
"""Names as kohya's trainers write them, with the layers' (out, in)."""


@dataclass(frozen=True)
class Slim:
    """A folder laid out as ComfyUI's `models`, and the names under which its loaders list the files."""

    models: Path
    checkpoint: str = "slim.safetensors"
    lora: str = "slim-lora.safetensors"
    vae: str = "slim-vae.safetensors"

    def link_into(self, base: Path) -> None:
        """Make the files available in a server's base directory, under the same names."""
        for source in self.models.rglob("*.safetensors"):
            target = base / "models" / source.relative_to(self.models)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                target.symlink_to(source)


class Draw:
    """Endless N(0, 1) numbers: a short row of them over and over; drawing all afresh would take half a minute.

    The row's length is a prime, so that no two layers and no two words of the vocabulary get the same numbers.
    """

    LENGTH = 2_000_003

    def __init__(self, seed: int) -> None:
        self._row = torch.randn(self.LENGTH, generator=torch.Generator().manual_seed(seed))
        self._place = 0

    def __call__(self, *shape: int) -> torch.Tensor:
        count = math.prod(shape)
        rows = math.ceil((self._place + count) / self.LENGTH)
        values = self._row.repeat(rows)[self._place : self._place + count]
        self._place = (self._place + count) % self.LENGTH
        return values.reshape(shape)


def make_slim(models: Path, seed: int = 0) -> Slim:
    """Write checkpoint, LoRA and a VAE below `models` (about 340 MB); the same seed gives the same files."""
    slim = Slim(models)
    write_checkpoint(models / "checkpoints" / slim.checkpoint, seed)
    write_lora(models / "loras" / slim.lora, seed)
    write_vae(models / "vae" / slim.vae, seed + 1)
    return slim


def write_checkpoint(path: Path, seed: int = 0) -> Path:
    """Write UNet, text encoder and VAE as one checkpoint file."""
    draw = Draw(seed)
    state = {f"model.diffusion_model.{name}": value for name, value in _random(_unet(), draw).items()}
    clip = {name: (value * _clip_scale(name)).half() for name, value in _random(_clip(), draw).items()}
    state |= {f"cond_stage_model.transformer.text_model.{name}": value for name, value in clip.items()}
    state |= {f"first_stage_model.{name}": value for name, value in _vae(draw).items()}
    return _save(state, path)


def write_lora(path: Path, seed: int = 0) -> Path:
    """Write a LoRA that changes both the UNet and the text encoder."""
    draw = Draw(seed)
    state: State = {}
    for name, (out, into) in LORA_LAYERS.items():
        state[f"{name}.lora_down.weight"] = draw(LORA_RANK, into) / math.sqrt(into)
        state[f"{name}.lora_up.weight"] = draw(out, LORA_RANK)
        state[f"{name}.alpha"] = torch.tensor(float(LORA_RANK))
    return _save(state, path)


def write_vae(path: Path, seed: int = 1) -> Path:
    """Write a VAE of its own, for VAELoader."""
    return _save(_vae(Draw(seed)), path)


def _save(state: State, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, path)
    return path


def _random(shapes: Shapes, draw: Draw) -> State:
    """Draw weights that keep a signal's size: N(0, 1/fan_in); ones for norms, zeros for biases."""
    state: State = {}
    for name, shape in shapes:
        if name.endswith("bias"):
            state[name] = torch.zeros(shape)
        elif len(shape) == 1:
            state[name] = torch.ones(shape)
        else:
            state[name] = draw(*shape) / math.sqrt(math.prod(shape[1:]))
    return state


def _layer(name: str, *shape: int, bias: bool = True) -> Shapes:
    yield f"{name}.weight", shape
    if bias:
        yield f"{name}.bias", shape[:1]


def _unet() -> Shapes:
    yield from _layer("time_embed.0", EMBEDDING, CHANNELS)
    yield from _layer("time_embed.2", EMBEDDING, EMBEDDING)
    yield from _layer("input_blocks.0.0", CHANNELS, 4, 3, 3)
    yield from _residual("input_blocks.1.0", CHANNELS)
    yield from _transformer("input_blocks.1.1")
    for block in ("output_blocks.0", "output_blocks.1"):
        yield from _residual(f"{block}.0", 2 * CHANNELS)
        yield from _transformer(f"{block}.1")
    yield from _layer("out.0", CHANNELS)
    yield from _layer("out.2", 4, CHANNELS, 3, 3)


def _residual(name: str, channels: int) -> Shapes:
    yield from _layer(f"{name}.in_layers.0", channels)
    yield from _layer(f"{name}.in_layers.2", CHANNELS, channels, 3, 3)
    yield from _layer(f"{name}.emb_layers.1", CHANNELS, EMBEDDING)
    yield from _layer(f"{name}.out_layers.0", CHANNELS)
    yield from _layer(f"{name}.out_layers.3", CHANNELS, CHANNELS, 3, 3)
    if channels != CHANNELS:
        yield from _layer(f"{name}.skip_connection", CHANNELS, channels, 1, 1)


def _transformer(name: str) -> Shapes:
    yield from _layer(f"{name}.norm", CHANNELS)
    yield from _layer(f"{name}.proj_in", CHANNELS, CHANNELS, 1, 1)
    block = f"{name}.transformer_blocks.0"
    for attention, context in (("attn1", CHANNELS), ("attn2", CONTEXT)):
        yield from _layer(f"{block}.{attention}.to_q", CHANNELS, CHANNELS, bias=False)
        yield from _layer(f"{block}.{attention}.to_k", CHANNELS, context, bias=False)
        yield from _layer(f"{block}.{attention}.to_v", CHANNELS, context, bias=False)
        yield from _layer(f"{block}.{attention}.to_out.0", CHANNELS, CHANNELS)
    yield from _layer(f"{block}.ff.net.0.proj", 8 * CHANNELS, CHANNELS)
    yield from _layer(f"{block}.ff.net.2", CHANNELS, 4 * CHANNELS)
    for norm in ("norm1", "norm2", "norm3"):
        yield from _layer(f"{block}.{norm}", CHANNELS)
    yield from _layer(f"{name}.proj_out", CHANNELS, CHANNELS, 1, 1)


def _clip() -> Shapes:
    yield "embeddings.token_embedding.weight", (CLIP_TOKENS, CLIP_WIDTH)
    yield "embeddings.position_embedding.weight", (CLIP_PLACES, CLIP_WIDTH)
    for number in range(CLIP_LAYERS):
        layer = f"encoder.layers.{number}"
        for projection in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from _layer(f"{layer}.self_attn.{projection}", CLIP_WIDTH, CLIP_WIDTH)
        yield from _layer(f"{layer}.layer_norm1", CLIP_WIDTH)
        yield from _layer(f"{layer}.mlp.fc1", 4 * CLIP_WIDTH, CLIP_WIDTH)
        yield from _layer(f"{layer}.mlp.fc2", CLIP_WIDTH, 4 * CLIP_WIDTH)
        yield from _layer(f"{layer}.layer_norm2", CLIP_WIDTH)
    yield from _layer("final_layer_norm", CLIP_WIDTH)


def _clip_scale(name: str) -> float:
    """Embeddings are looked up, not multiplied: as drawn, a token would hardly count."""
    return math.sqrt(CLIP_WIDTH) * 0.5 if "token_embedding" in name else 1.0


def _vae(draw: Draw) -> State:
    """An encoder and a decoder in TAESD's layout: 8× downscaling, 4 channels, pictures around mid-grey."""
    encoder = _random(_encoder(), draw)
    decoder = _random(_decoder(), draw)
    for name, value in (*encoder.items(), *decoder.items()):
        if name.endswith("conv.4.weight"):
            value *= 0.5  # or a signal would grow with every block that adds to it
    decoder["19.weight"] *= 0.5
    decoder["19.bias"] += 0.5
    state = {f"taesd_encoder.{name}": value for name, value in encoder.items()}
    state |= {f"taesd_decoder.{name}": value for name, value in decoder.items()}
    return state | {"vae_scale": torch.tensor(1.0), "vae_shift": torch.tensor(0.0)}


def _block(place: int) -> Shapes:
    for layer in (0, 2, 4):
        yield from _layer(f"{place}.conv.{layer}", 64, 64, 3, 3)


def _encoder() -> Shapes:
    yield from _layer("0", 64, 3, 3, 3)
    for place in range(1, 14):
        if place in (2, 6, 10):
            yield from _layer(str(place), 64, 64, 3, 3, bias=False)
        else:
            yield from _block(place)
    yield from _layer("14", 4, 64, 3, 3)


def _decoder() -> Shapes:
    yield from _layer("1", 64, 4, 3, 3)
    for place in (3, 4, 5, 8, 9, 10, 13, 14, 15, 18):
        yield from _block(place)
    for place in (7, 12, 17):
        yield from _layer(str(place), 64, 64, 3, 3, bias=False)
    yield from _layer("19", 3, 64, 3, 3)
