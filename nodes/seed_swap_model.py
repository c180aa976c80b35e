"""GoodSeedSeedSwapModel: a MODEL whose samplers take another seed for their step noise in mid-run."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..host.seed_swap import SeedSwap, read_swaps, teller
from .inputs import step_noise_input, swap_inputs, swaps_input


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
    ) -> io.NodeOutput:
        asked = read_swaps(swap_seed, swap_at, swap_unit, swaps)
        return io.NodeOutput(SeedSwap(asked, step_noise, tell=teller(cls.hidden.unique_id)).on(model))
