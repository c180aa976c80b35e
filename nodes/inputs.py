"""Inputs that several nodes share."""

from __future__ import annotations

from comfy_api.latest import io

from goodseed.noise import CARDS, DEFAULT_CARD
from goodseed.noise.streams import NAMES
from goodseed.noise.swap import MOST_STEPS, UNITS
from goodseed.seeds import MAX_SEED

from ..host.banks import bank_names

FIRST_BANK = "goodseed-demo.safetensors"


def bank_input() -> io.Combo.Input:
    """The seed bank to choose from; at first that of the demo model, though its other bank comes before it."""
    names = bank_names()
    return io.Combo.Input(
        "bank",
        options=names,
        default=FIRST_BANK if FIRST_BANK in names else None,
        tooltip="The seed bank: what a study measured of each seed. Banks lie in models/seedbanks.",
    )


def match_inputs() -> list[io.Input]:
    """What the bank is held against, and what to do when it does not fit."""
    return [
        io.Combo.Input(
            "on_mismatch",
            options=["warn", "stop"],
            default="warn",
            tooltip="What to do when the bank was measured on another model, latent size or noise than the graph's.",
        ),
        io.Model.Input("model", optional=True, tooltip="The model that the seeds are for, to check the bank against."),
        io.Latent.Input("latent", optional=True, tooltip="The latent that the seeds are for, to check its size."),
    ]


def swap_inputs() -> list[io.Input]:
    """Which seed takes the place of the sampling's, and when."""
    return [
        io.Int.Input(
            "swap_seed",
            default=1,
            min=0,
            max=MAX_SEED,
            tooltip="The seed of the step noise from the swap on.",
        ),
        io.Float.Input(
            "swap_at",
            default=0.5,
            min=0.0,
            max=float(MOST_STEPS),
            step=0.05,
            tooltip="Where to swap: a fraction of the steps, or a step. Nothing before it changes.",
        ),
        io.Combo.Input(
            "swap_unit",
            options=list(UNITS),
            default="fraction",
            tooltip="fraction: 0 to 1 of the steps, to the nearest step, halves up. step: a step's number, from 0.",
        ),
    ]


def swaps_input() -> io.String.Input:
    """Several swaps in one text."""
    return io.String.Input(
        "swaps",
        optional=True,
        default="",
        tooltip=(
            "Several swaps, such as 5: 123, 50%: 99, 15: 7: step or percent, then the seed from there on. Where it says"
            " something it takes the place of swap_seed and swap_at."
        ),
    )


def step_noise_input() -> io.Combo.Input:
    """Where step noise is drawn."""
    return io.Combo.Input(
        "step_noise",
        optional=True,
        options=list(NAMES),
        default="comfy",
        tooltip=(
            "Where step noise is drawn. comfy: as ComfyUI does. cpu: on the CPU, the same on every GPU. cuda: as an"
            " NVIDIA GPU draws it, computed on the CPU."
        ),
    )


def step_noise_card_input() -> io.Combo.Input:
    """Whose step noise it is, where it is that of a CUDA card."""
    return io.Combo.Input(
        "step_noise_card",
        optional=True,
        options=list(CARDS),
        default=DEFAULT_CARD.name,
        tooltip="With step_noise cuda: the card whose noise it is. It matters for large latents only.",
    )
