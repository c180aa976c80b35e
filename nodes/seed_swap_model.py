"""GoodSeedSeedSwapModel: a MODEL whose samplers take another seed for their step noise in mid-run."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from goodseed.noise import DEFAULT_CARD

from ..host.seed_swap import SeedSwap, read_swaps, teller
from .inputs import step_noise_card_input, step_noise_input, swap_inputs, swaps_input


class SeedSwapModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodSeedSeedSwapModel",
            display_name="Seed Swap on a Model (Good Seed)",
            category="Good Seed",
            description=(
                "Swaps the seed of the noise between steps in whatever samples with this model: KSamplerAdvanced,"
                " SamplerCustomAdvanced, nodes of other packs."
            ),
            inputs=[
                io.Model.Input("model", tooltip="The model that the sampler is to use."),
                *swap_inputs(),
                swaps_input(),
                step_noise_input(),
                step_noise_card_input(),
            ],
            outputs=[io.Model.Output("MODEL", tooltip="The model with the swap.")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        swap_seed: int,
        swap_at: float,
        swap_unit: str,
        swaps: str = "",
        step_noise: str = "comfy",
        step_noise_card: str = DEFAULT_CARD.name,
    ) -> io.NodeOutput:
        asked = read_swaps(swap_seed, swap_at, swap_unit, swaps)
        swap = SeedSwap(asked, step_noise, card=step_noise_card, tell=teller(cls.hidden.unique_id))
        return io.NodeOutput(swap.on(model))
