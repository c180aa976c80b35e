"""What ComfyUI knows of a model and a latent, held against what a bank was measured on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import comfy.sample
import torch
from comfy.model_patcher import ModelPatcher

from goodseed.banks import Bank
from goodseed.banks.match import mismatches
from goodseed.errors import MismatchError

from .seed_use import facts_of, use_of, uses_of_seed

_IDENTITY = "goodseed.identity"


def attach_identity(model: ModelPatcher, identity: Mapping[str, str]) -> None:
    """Remember which weights a MODEL has; clones of it remember too."""
    model.set_attachments(_IDENTITY, dict(identity))


def identity_of(model: ModelPatcher) -> Mapping[str, str] | None:
    """Return the identity attached to a MODEL; ComfyUI's own loaders attach none."""
    identity: Mapping[str, str] | None = model.get_attachment(_IDENTITY)
    return identity


def compare(
    bank: Bank,
    model: ModelPatcher | None,
    latent: Mapping[str, Any] | None,
    on_mismatch: str,
    noise_output: int | None = None,
) -> list[str]:
    """Return a sentence for each difference between a graph and what `bank` was measured on, and for what is unknown.

    `noise_output` is the node's output, where it has one, that gives each item its own seed's noise, drawn as the
    bank's spec says; without it one seed serves the whole latent batch, as in KSampler.

    Raises:
        MismatchError: with `on_mismatch` stop, where something differs, and for a bank of published figures.
    """
    if bank.published:
        return _told(mismatches(bank), on_mismatch)
    identity = identity_of(model) if model is not None else None
    samples = _samples(latent, model) if latent is not None else torch.zeros(1, *bank.info["noise"]["shape"])
    uses = uses_of_seed((noise_output, use_of(bank)) if noise_output is not None else None)
    tensors_sha256 = identity["tensors_sha256"] if identity else None
    found = mismatches(bank, tensors_sha256=tensors_sha256, latent_shape=list(samples.shape[1:]))
    for use in filter(None, uses):
        found += mismatches(bank, noise=facts_of(use, samples, bank))
    if model is not None and model.patches and not bank.info["adapters"]:
        found.append("The bank was measured without adapters, this model's weights are patched (a LoRA?).")
    if noise_output is None and samples.shape[0] > 1:
        found.append(
            f"Of the latent's {samples.shape[0]} items only the first starts from the noise that the bank measured."
        )
    found = _told(found, on_mismatch)
    if model is not None and identity is None:
        found.append("Whether the bank fits this model cannot be checked: its loader does not say which file it read.")
    if None in uses:
        found.append(
            "Whether the bank fits the noise of Seed Noise cannot be checked: other nodes choose its settings."
        )
    return found


def _told(found: list[str], on_mismatch: str) -> list[str]:
    """Return the differences found, after logging them, or stop the graph."""
    if found and on_mismatch == "stop":
        raise MismatchError(f"{' '.join(found)} Choose a bank that fits, or set on_mismatch to warn.")
    for sentence in found:
        logging.warning("Good Seed: %s", sentence)
    return found


def _samples(latent: Mapping[str, Any], model: ModelPatcher | None) -> Any:
    """Return the latent's samples, with the channels and size that samplers would give an empty one for `model`."""
    samples = latent["samples"]
    if model is None:
        return samples
    ratios = {key: latent[key] for key in ("downscale_ratio_spacial", "downscale_ratio_temporal") if key in latent}
    return comfy.sample.fix_empty_latent_channels(model, samples, **ratios)
