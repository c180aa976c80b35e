"""Inputs that several nodes share."""

from __future__ import annotations

from comfy_api.latest import io

from ..host.banks import bank_names


def bank_input() -> io.Combo.Input:
    """The seed bank to choose from."""
    return io.Combo.Input(
        "bank",
        options=bank_names(),
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
