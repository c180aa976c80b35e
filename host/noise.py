"""Initial noise of several seeds, drawn as this version of ComfyUI draws it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import comfy.sample
import torch
from torch import Tensor

from goodseed.banks import Bank
from goodseed.errors import ChoiceError
from goodseed.noise import noise_fingerprint
from goodseed.seeds import check_seed


class SeedListNoise:
    """A NOISE whose item i is the noise that seed i gives to a latent batch of one.

    `seed` is the first of the seeds; samplers take their step noise from it, one stream for the whole batch.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = [check_seed(seed) for seed in seeds]
        self.seed = self.seeds[0]

    def generate_noise(self, input_latent: dict[str, Any]) -> Tensor:
        """Return noise of the shape and dtype of the latent's samples [B, …], without touching global random state.

        Item i takes the seed at place batch_index[i], or at place i where the latent has no batch_index.

        Raises:
            ChoiceError: when a batch without batch_index has not one item for each seed, or a place has no seed.
        """
        samples = input_latent["samples"]
        chosen = self._seeds_of(samples.shape[0], input_latent.get("batch_index"))
        if samples.is_nested:
            return _nested_noise(samples, chosen)
        return torch.cat([draw(samples[i : i + 1], cpu_generator(seed)) for i, seed in enumerate(chosen)])

    def _seeds_of(self, batch: int, places: Sequence[int] | None) -> list[int]:
        count = len(self.seeds)
        if places is None and batch != count:
            raise ChoiceError(
                f"noise: {count} seeds for a latent batch of {batch}; set the latent's batch_size to {count}"
            )
        for place in places or ():
            if not 0 <= place < count:
                raise ChoiceError(
                    f"noise: the latent's batch_index asks for seed {place} of {count}; choose more seeds"
                )
        return self.seeds if places is None else [self.seeds[place] for place in places]


def noise_facts(samples: Any, bank: Bank) -> dict[str, Any]:
    """Return how this host makes noise for latents like `samples`, as in a bank's noise spec: as KSampler starts.

    The fingerprint of seed 0's noise is among it only for latents of the bank's shape; others have another.
    """
    facts: dict[str, Any] = {"name": "comfy", "device": "cpu"}
    if not samples.is_nested:
        facts["dtype"] = str(samples.dtype).removeprefix("torch.")
        if list(samples.shape[1:]) == bank.info["noise"]["shape"]:
            facts["fingerprint"] = noise_fingerprint(draw(samples[:1], cpu_generator(0))[0].float())
    return facts


def cpu_generator(seed: int) -> torch.Generator:
    return torch.Generator(device="cpu").manual_seed(seed)


def draw(samples: Tensor, generator: torch.Generator, places: Sequence[int] | None = None) -> Tensor:
    """Draw what comfy.sample.prepare_noise draws for `samples` and its batch_index, from a generator of our own.

    Older ComfyUI draws in the latent's dtype; newer draws float32 and casts, in a function that takes the
    generator (comfy/sample.py of 0.3.64 and of 0.33.0).
    """
    host_draw = getattr(comfy.sample, "prepare_noise_inner", None)
    if host_draw is not None:
        noise: Tensor = host_draw(samples, generator, places)
        return noise

    def randn(size: Sequence[int]) -> Tensor:
        return torch.randn(size, dtype=samples.dtype, layout=samples.layout, generator=generator, device="cpu")

    if places is None:
        return randn(samples.size())
    items = [randn((1, *samples.shape[1:])) for _ in range(max(places) + 1)]
    return torch.cat([items[place] for place in places])


def _nested_noise(samples: Any, seeds: Sequence[int]) -> Any:
    """Noise of a latent made of several tensors (sound beside pictures): one generator a seed, as ComfyUI does."""
    drawn = []
    for i, seed in enumerate(seeds):
        generator = cpu_generator(seed)
        drawn.append([draw(part[i : i + 1], generator) for part in samples.unbind()])
    return type(samples)([torch.cat(parts) for parts in zip(*drawn, strict=True)])
