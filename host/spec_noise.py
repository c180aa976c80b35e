"""A NOISE drawn by a noise spec: as ComfyUI draws it, or as other tools do on the CPU or a CUDA card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from goodseed.banks import Bank
from goodseed.errors import NoiseError
from goodseed.noise import DEFAULT_CARD, Card, card_named, step_stream
from goodseed.noise.cards import SMALLEST_DRAW
from goodseed.noise.spec import dtype_named
from goodseed.seeds import check_seed, format_seeds, parse_seeds

from .noise import SeedListNoise, cpu_generator, draw

ONE_DRAW, NEXT_SEEDS, LISTED = "one draw", "next seeds", "listed seeds"
PER_ITEM = (ONE_DRAW, NEXT_SEEDS, LISTED)


@dataclass(frozen=True)
class SpecNoise:
    """A NOISE of one of the specs comfy, cpu and cuda. `seed` is the first item's; samplers take step noise from it."""

    seed: int
    spec: str = "comfy"
    per_item: str = ONE_DRAW
    listed: tuple[int, ...] = ()
    dtype: torch.dtype = torch.float32
    card: Card = DEFAULT_CARD

    def generate_noise(self, input_latent: dict[str, Any]) -> Any:
        """Return noise of the shape and dtype of the latent's samples [B, …], without touching global random state.

        A latent made of several tensors gets one stream for all of them, in their order. batch_index says which
        item of the whole batch each item is.

        Raises:
            NoiseError: when an item has no seed.
            SeedError: when an item's seed is above the largest.
        """
        samples, places = input_latent["samples"], input_latent.get("batch_index")
        parts = samples.unbind() if samples.is_nested else [samples]
        if self.per_item == ONE_DRAW:
            made = self._drawn(self.seed, parts, places)
        else:
            items = [
                self._drawn(seed, [part[i : i + 1] for part in parts], None)
                for i, seed in enumerate(self._seeds(samples.shape[0], places))
            ]
            made = [torch.cat(parts) for parts in zip(*items, strict=True)]
        return type(samples)(made) if samples.is_nested else made[0]

    def _drawn(self, seed: int, parts: Sequence[Tensor], places: Sequence[int] | None) -> list[Tensor]:
        """Draw for each part in turn. Of items at `places` comfy draws singly, others draw the batch up to the last."""
        if self.spec == "comfy":
            generator = cpu_generator(seed)
            return [draw(part, generator, places) for part in parts]
        stream = step_stream(seed, self.spec, self.card)
        made = []
        for part in parts:
            count = part.shape[0] if places is None else max(places) + 1
            noise = stream.randn((count, *part.shape[1:]), self.dtype).to(part.dtype)
            made.append(noise if places is None else noise[list(places)])
        return made

    def _seeds(self, batch: int, places: Sequence[int] | None) -> list[int]:
        count = len(self.listed)
        if self.per_item == NEXT_SEEDS:
            return [check_seed(self.seed + place, "noise") for place in (range(batch) if places is None else places)]
        if places is None and batch != count:
            raise NoiseError(
                f"noise: {count} seeds for a latent batch of {batch}; set the latent's batch_size to {count}"
            )
        if places is not None and max(places) >= count:
            raise NoiseError(f"noise: the latent's batch_index asks for seed {max(places)} of {count}; list more seeds")
        return [self.listed[place] for place in (range(count) if places is None else places)]


def make_noise(seed: int, spec: str, per_item: str, seeds: str, drawn_in: str, card: str) -> SpecNoise:
    """Return the NOISE that the node's inputs ask for.

    Raises:
        SeedError: for a list of seeds that is none.
        NoiseError: for an unknown card or dtype, or listed seeds without a list.
    """
    if per_item == LISTED and not seeds.strip():
        raise NoiseError(f"seeds: is empty; list the seeds, such as 469, 696, or set per_item to {ONE_DRAW}")
    listed = tuple(parse_seeds(seeds)) if per_item == LISTED else ()
    first = listed[0] if listed else check_seed(seed)
    return SpecNoise(first, spec, per_item, listed, dtype_named(drawn_in), card_named(card))


def noise_of_bank(bank: Bank, seeds: Sequence[int]) -> SeedListNoise | SpecNoise:
    """Return a NOISE whose item i is the noise that seed i gave when the bank was measured.

    Raises:
        NoiseError: for a card that is not known here.
    """
    noise = bank.info["noise"]
    if noise["name"] == "comfy":
        return SeedListNoise(seeds)
    card = card_named(noise["card"]) if noise["name"] == "cuda" else DEFAULT_CARD
    return SpecNoise(seeds[0], noise["name"], LISTED, tuple(seeds), dtype_named(noise["dtype"]), card)


def noise_summary(noise: SpecNoise) -> str:
    """Return the noise in a few lines of Markdown: whose it is, which seeds, and where it is the same."""
    seeds = {
        ONE_DRAW: f"seed {noise.seed}, one draw for the whole batch",
        NEXT_SEEDS: f"seeds {noise.seed}, {noise.seed + 1}, …, one for each item",
        LISTED: f"seeds {format_seeds(noise.listed)}, one for each item",
    }[noise.per_item]
    drawn = str(noise.dtype).removeprefix("torch.")
    where = {
        "comfy": "As this ComfyUI draws it, on the CPU, in the dtype that it draws in.",
        "cpu": f"As a CPU generator draws it in float32, rounded to {drawn}: the same with every card.",
        "cuda": (
            f"As the CUDA generator of a {noise.card.name} draws it in {drawn}, to about 1e-6. Draws of up to "
            f"{SMALLEST_DRAW:,} numbers are the same on every card, and up to {noise.card.threads:,} on every card at "
            "least as large as this one."
        ),
    }[noise.spec]
    return f"**Noise of spec {noise.spec}**: {seeds}.\n\n{where}"
