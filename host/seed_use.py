"""Which noise the running graph draws from the seeds of the node that is running, and whether that is a bank's."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from goodseed.banks import Bank
from goodseed.canonical import canonical_json
from goodseed.noise import DEFAULT_CARD, NoiseSpec, initial_noise, noise_fingerprint
from goodseed.noise.use import Use, noise_uses

from .banks import bank_fingerprint
from .noise import noise_facts
from .queue import current_place, running_prompt


def uses_of_seed(noise: tuple[int, Use] | None = None) -> list[Use | None]:
    """Return what `goodseed.noise.use.noise_uses` finds for the node that is running."""
    place = current_place()
    return noise_uses(running_prompt(place[0]), place[1], noise) if place is not None else [Use()]


def choice_fingerprint(bank: str, noise_output: int | None = None) -> str:
    """Return what changes when a bank's file does, or what the graph does with the seeds: the report tells of both."""
    found = uses_of_seed((noise_output, Use("bank")) if noise_output is not None else None)
    uses = [asdict(use) if use is not None else None for use in found]
    return f"{bank_fingerprint(bank)} {canonical_json(uses)}"


def use_of(bank: Bank) -> Use:
    """Return the noise that a bank was measured with."""
    noise = bank.info["noise"]
    return Use(noise["name"], noise["dtype"], noise.get("card", "")) if noise["name"] != "comfy" else Use()


def facts_of(use: Use, samples: Any, bank: Bank) -> dict[str, Any]:
    """Return noise for latents like `samples` as in a bank's noise spec, with its fingerprint where the shape fits."""
    if use.spec == "comfy":
        return noise_facts(samples, bank)
    shape = tuple(bank.info["noise"]["shape"])
    card = (use.card or DEFAULT_CARD.name) if use.spec == "cuda" else None
    spec = NoiseSpec(shape, use.spec, use.spec, use.dtype, card=card)
    facts = {name: value for name, value in spec.as_dict().items() if name not in ("shape", "batch")}
    if not samples.is_nested and tuple(samples.shape[1:]) == shape:
        facts["fingerprint"] = noise_fingerprint(initial_noise(0, spec))
    return facts
