"""GoodSeedNoise: initial noise as ComfyUI, or as another tool, draws it from a seed."""

from __future__ import annotations

from comfy_api.latest import io

from goodseed.noise import CARDS, DEFAULT_CARD
from goodseed.noise.spec import DTYPES
from goodseed.noise.streams import NAMES
from goodseed.plain import plain
from goodseed.seeds import MAX_SEED

from ..host.spec_noise import ONE_DRAW, PER_ITEM, make_noise, noise_summary


class SeedNoise(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodSeedNoise",
            display_name="Seed Noise (Good Seed)",
            category="Good Seed",
            description=(
                "Draws a seed's noise as ComfyUI does, or as diffusers and A1111 do on the CPU or on a CUDA card, so "
                "that a seed found there is the same seed here."
            ),
            inputs=[
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=MAX_SEED,
                    control_after_generate=True,
                    tooltip="The seed of the noise.",
                ),
                io.Combo.Input(
                    "spec",
                    options=list(NAMES),
                    default="comfy",
                    tooltip=(
                        "comfy: as this ComfyUI draws noise. cpu: a CPU generator, the same on every machine. cuda: the"
                        " generator of a CUDA card, as diffusers and A1111 draw on a GPU; computed here on the CPU."
                    ),
                ),
                io.Combo.Input(
                    "per_item",
                    options=list(PER_ITEM),
                    default=ONE_DRAW,
                    tooltip=(
                        "How the items of a batch get their noise. one draw: one seed for the whole batch. next seeds: "
                        "seed, seed+1 and so on, each item by itself. listed seeds: the seeds input, one for each item."
                    ),
                ),
                io.String.Input(
                    "seeds",
                    default="",
                    tooltip="With listed seeds: the seed of each item of the batch, such as 469, 696, 0-3.",
                ),
                io.Combo.Input(
                    "drawn_in",
                    options=list(DTYPES),
                    default="float32",
                    tooltip=(
                        "With cpu and cuda: the dtype of the other tool's noise. A1111 draws in float32, a diffusers "
                        "pipeline in its own dtype, often float16: the same noise, rounded."
                    ),
                ),
                io.Combo.Input(
                    "card",
                    options=list(CARDS),
                    default=DEFAULT_CARD.name,
                    optional=True,
                    tooltip="With cuda: the card that the seed was found on. It matters for large latents only.",
                ),
            ],
            outputs=[
                io.Noise.Output("noise", display_name="noise", tooltip="For SamplerCustomAdvanced."),
                io.String.Output(
                    "report", display_name="report", tooltip="Whose noise it is, which seeds, and where it is the same."
                ),
            ],
        )

    @classmethod
    def execute(
        cls, seed: int, spec: str, per_item: str, seeds: str, drawn_in: str, card: str = DEFAULT_CARD.name
    ) -> io.NodeOutput:
        noise = make_noise(seed, spec, per_item, seeds, drawn_in, card)
        report = noise_summary(noise)
        return io.NodeOutput(noise, report, ui={"text": [plain(report)]})
