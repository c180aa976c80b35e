"""GoodSeedSeedSwapKSampler: a KSampler whose step noise takes another seed in mid-run."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from goodseed.noise import DEFAULT_CARD
from goodseed.noise.swap import MOST_STEPS
from goodseed.seeds import MAX_SEED

from ..host.seed_swap import SAMPLERS, SCHEDULERS, SeedSwap, read_swaps, sample
from .inputs import step_noise_card_input, step_noise_input, swap_inputs, swaps_input


class SeedSwapKSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodSeedSeedSwapKSampler",
            display_name="Seed Swap KSampler (Good Seed)",
            category="Good Seed",
            description=(
                "Samples as KSampler does, but swaps the seed of the noise that stochastic samplers add between their"
                " steps; the first noise has a seed of its own."
            ),
            inputs=[
                io.Model.Input("model", tooltip="The model to sample with."),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=MAX_SEED,
                    control_after_generate=True,
                    tooltip="Of the step noise until the swap, and of the first noise unless initial_seed is set.",
                ),
                *swap_inputs(),
                io.Int.Input("steps", default=20, min=1, max=MOST_STEPS, tooltip="How many steps."),
                io.Float.Input(
                    "cfg", default=8.0, min=0.0, max=100.0, step=0.1, round=0.01, tooltip="The guidance scale."
                ),
                io.Combo.Input(
                    "sampler_name",
                    options=list(SAMPLERS),
                    default="euler_ancestral",
                    tooltip="The sampler; one that adds noise between its steps, or the swap has no effect.",
                ),
                io.Combo.Input("scheduler", options=list(SCHEDULERS), tooltip="The scheduler of the noise levels."),
                io.Conditioning.Input("positive", tooltip="What the image is to show."),
                io.Conditioning.Input("negative", tooltip="What it is not to show."),
                io.Latent.Input("latent_image", tooltip="The latent to denoise."),
                io.Float.Input(
                    "denoise",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="How much of the latent is made anew. Below 1, step 0 is the first of the steps left.",
                ),
                *_advanced_inputs(),
                swaps_input(),
                step_noise_input(),
                step_noise_card_input(),
            ],
            outputs=[
                io.Latent.Output("LATENT", tooltip="The denoised latent."),
                io.String.Output("report", display_name="report", tooltip="Which seed gave the noise of which steps."),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        seed: int,
        swap_seed: int,
        swap_at: float,
        swap_unit: str,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        positive: Any,
        negative: Any,
        latent_image: Any,
        denoise: float,
        initial_seed: int = -1,
        add_noise: str = "enable",
        start_at_step: int = 0,
        end_at_step: int = MOST_STEPS,
        return_with_leftover_noise: str = "disable",
        swaps: str = "",
        step_noise: str = "comfy",
        step_noise_card: str = DEFAULT_CARD.name,
    ) -> io.NodeOutput:
        asked = read_swaps(swap_seed, swap_at, swap_unit, swaps)
        latent, report = sample(
            SeedSwap(asked, step_noise, steps, start_at_step, seed, step_noise_card),
            model,
            seed if initial_seed < 0 else initial_seed,
            steps,
            cfg,
            sampler_name,
            scheduler,
            positive,
            negative,
            latent_image,
            denoise=denoise,
            disable_noise=add_noise == "disable",
            start_step=start_at_step,
            last_step=end_at_step,
            force_full_denoise=return_with_leftover_noise == "disable",
        )
        return io.NodeOutput(latent, report, ui={"text": [report]})


def _advanced_inputs() -> list[io.Input]:
    """Inputs that change nothing as they stand, spelled as in KSamplerAdvanced."""
    return [
        io.Int.Input(
            "initial_seed",
            optional=True,
            default=-1,
            min=-1,
            max=MAX_SEED,
            tooltip="The seed of the noise that the sampling starts from; -1: seed.",
        ),
        io.Combo.Input(
            "add_noise",
            optional=True,
            options=["enable", "disable"],
            default="enable",
            tooltip="disable: start from the latent as it is, without first noise.",
        ),
        io.Int.Input(
            "start_at_step",
            optional=True,
            default=0,
            min=0,
            max=MOST_STEPS,
            tooltip="The first step to run. Swaps are counted from step 0 all the same.",
        ),
        io.Int.Input(
            "end_at_step",
            optional=True,
            default=MOST_STEPS,
            min=0,
            max=MOST_STEPS,
            tooltip="The step to stop before.",
        ),
        io.Combo.Input(
            "return_with_leftover_noise",
            optional=True,
            options=["disable", "enable"],
            default="disable",
            tooltip="enable: where the run stops early, leave the rest of the noise in the latent.",
        ),
    ]
