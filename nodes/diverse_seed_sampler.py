"""GoodSeedDiverseSeedSampler: seeds of a bank that give varied images."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from goodseed.banks import diverse
from goodseed.banks.diverse import BY, WITHIN
from goodseed.banks.summary import diverse_summary
from goodseed.plain import plain
from goodseed.seeds import MAX_SEED

from ..host.banks import load_bank
from ..host.models import compare
from ..host.seed_use import choice_fingerprint
from ..host.spec_noise import noise_of_bank
from .inputs import bank_input, match_inputs

_NOISE = 1  # the output that is noise


class DiverseSeedSampler(io.ComfyNode):
    """Farthest point sampling over seeds, "Good Seed Makes a Good Crop", section 4.2."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodSeedDiverseSeedSampler",
            display_name="Diverse Seed Sampler (Good Seed)",
            category="Good Seed",
            description=(
                "Chooses seeds whose images differ most in style or composition, and gives each item of a "
                "batch its own seed's noise."
            ),
            inputs=[
                bank_input(),
                io.Combo.Input(
                    "by",
                    options=list(BY),
                    default="style",
                    tooltip=(
                        "What is to differ: style (colours and textures), composition (place and size of the object),"
                        " or both."
                    ),
                ),
                io.Int.Input(
                    "count",
                    default=4,
                    min=1,
                    max=4096,
                    tooltip="How many seeds. With the noise output: set the latent's batch_size to the same.",
                ),
                io.Int.Input(
                    "start",
                    default=-1,
                    min=-1,
                    max=MAX_SEED,
                    tooltip="The seed to begin with, one of the bank's; -1 draws it with random_seed.",
                ),
                io.Int.Input(
                    "random_seed",
                    default=0,
                    min=0,
                    max=MAX_SEED,
                    control_after_generate=True,
                    tooltip=(
                        "With start -1: the number that the first seed is drawn with. It is not the seed of an image."
                    ),
                ),
                io.Combo.Input(
                    "within",
                    options=list(WITHIN),
                    default="all",
                    tooltip="all: any seed of the bank. golden: only seeds in the top quarter of every metric's list.",
                ),
                *match_inputs(),
            ],
            outputs=[
                io.Int.Output(
                    "seeds",
                    display_name="seeds",
                    is_output_list=True,
                    tooltip="The seeds; the nodes below run once for each.",
                ),
                io.Noise.Output(
                    "noise",
                    display_name="noise",
                    tooltip="For SamplerCustomAdvanced: item i of the batch starts from the noise of seed i alone.",
                ),
                io.String.Output(
                    "report", display_name="report", tooltip="The seeds, and how varied they are beside random ones."
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, bank: str = "", **others: Any) -> str:
        return choice_fingerprint(bank, _NOISE)

    @classmethod
    def execute(
        cls,
        bank: str,
        by: str,
        count: int,
        start: int,
        random_seed: int,
        within: str,
        on_mismatch: str,
        model: Any = None,
        latent: Any = None,
    ) -> io.NodeOutput:
        measured = load_bank(bank)
        warnings = compare(measured, model, latent, on_mismatch, noise_output=_NOISE)
        choice = diverse(measured, by, count, start if start >= 0 else None, within, random_state=random_seed)
        report = diverse_summary(measured, choice, warnings)
        noise = noise_of_bank(measured, choice.seeds)
        return io.NodeOutput(choice.seeds, noise, report, ui={"text": [plain(report)]})
