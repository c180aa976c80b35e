"""Whether a bank was measured on the model, latent shape and noise at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from goodseed.banks.format import Bank
from goodseed.banks.published import unknown_fit

if TYPE_CHECKING:
    from goodseed.noise import NoiseSpec

_NOISE_PARTS = {
    "device": "noise device",
    "dtype": "noise dtype",
    "batch": "noise batch",
    "fingerprint": "fingerprint of seed 0's noise",
}


def mismatches(
    bank: Bank,
    *,
    model_sha256: str | None = None,
    tensors_sha256: str | None = None,
    latent_shape: Sequence[int] | None = None,
    noise: NoiseSpec | Mapping[str, Any] | None = None,
) -> list[str]:
    """Return a sentence for each thing that differs from what the bank was measured on; nothing where all fits.

    What is None is not compared. The tensors' SHA-256 decides over the file's, because one model may lie in
    several files. `latent_shape` is without the batch: [channels, height, width]. Of a bank of published figures
    none of this is known, and one sentence says so.
    """
    if bank.published:
        return [unknown_fit(bank)]
    found: list[str] = []
    model = bank.info["model"]
    measured_on = f"The bank {bank.name or bank.id[:12]} was measured on {model['file']}"
    if tensors_sha256 is not None and model["tensors_sha256"]:
        if tensors_sha256 != model["tensors_sha256"]:
            found.append(_other_model(measured_on, "tensors", model["tensors_sha256"], tensors_sha256))
    elif model_sha256 is not None and model["sha256"]:
        if model_sha256 != model["sha256"]:
            found.append(_other_model(measured_on, "file", model["sha256"], model_sha256))
    elif tensors_sha256 is not None or model_sha256 is not None:
        found.append(f"{measured_on}, a file whose content is not known: whether it is this model cannot be checked.")
    measured = bank.info["noise"]
    given: dict[str, Any] = {} if noise is None else dict(noise) if isinstance(noise, Mapping) else noise.as_dict()
    shape = latent_shape if latent_shape is not None else given.get("shape")
    if shape is not None and _one_frame(shape) != _one_frame(measured["shape"]):
        found.append(f"The bank was measured on latents of {_size(measured['shape'])}, not {_size(shape)}.")
    return found + _noise_mismatches(measured, given)


def _noise_mismatches(measured: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Two specs that give seed 0 the same bits are the same noise; for two kinds one sentence says it all."""
    same_bits = "fingerprint" in given and given["fingerprint"] == measured["fingerprint"]
    if "name" in given and given["name"] != measured["name"] and not same_bits:
        way = "sample with KSampler" if measured["name"] == "comfy" else "put its seeds into Seed Noise, set so"
        return [f"The bank was measured with noise of spec {_drawn(measured)}, not {_drawn(given)}; {way}."]
    found = [
        f"The bank was measured with {name} {measured[part]}, not {given[part]}."
        for part, name in _NOISE_PARTS.items()
        if part in given and given[part] != measured[part] and not same_bits
    ]
    cards = measured.get("card"), given.get("card")
    if all(cards) and cards[0] != cards[1] and not same_bits:
        from goodseed.noise.cards import CARDS, cards_differ  # brings torch: commands about banks do not wait for it

        known = [CARDS[card] for card in cards if card in CARDS]
        if len(known) < 2 or cards_differ((measured["batch"], *measured["shape"]), known[0], known[1]):
            found.append(f"The bank was measured with noise card {cards[0]}, not {cards[1]}.")
    return found


def _drawn(noise: Mapping[str, Any]) -> str:
    """Return a noise spec as the node Seed Noise has it."""
    if noise["name"] == "comfy":
        return "comfy"
    card = f", card {noise['card']}" if noise.get("card") else ""
    return f"{noise['name']} (drawn_in {noise.get('dtype', 'float32')}{card})"


def _other_model(measured_on: str, what: str, theirs: str, ours: str) -> str:
    return f"{measured_on} ({what} {theirs[:12]}…), not on this model ({what} {ours[:12]}…)."


def _one_frame(shape: Sequence[int]) -> list[int]:
    """Return a latent's shape without the axis of its only frame: samplers add it for models of videos."""
    sizes = list(shape)
    return [sizes[0], *sizes[2:]] if len(sizes) == 4 and sizes[1] == 1 else sizes


def _size(shape: Any) -> str:
    return "×".join(str(size) for size in shape)
