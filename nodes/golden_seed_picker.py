"""GoodSeedGoldenSeedPicker: the best seeds of a bank, by a stated rule."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from goodseed.banks import pick
from goodseed.banks.chart import draw_standing
from goodseed.banks.clean import CLEAN
from goodseed.banks.golden import RULES
from goodseed.banks.limits import parse_limits
from goodseed.banks.summary import golden_note, golden_summary
from goodseed.errors import ChoiceError

from ..host.banks import load_bank
from ..host.models import compare
from ..host.seed_use import choice_fingerprint
from ..host.show import show_pictures
from .inputs import bank_input, match_inputs

MAX_PLACE = 999_999


class GoldenSeedPicker(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodSeedGoldenSeedPicker",
            display_name="Golden Seed Picker (Good Seed)",
            category="Good Seed",
            description="Picks seeds that gave better images than others when a study measured them on this model.",
            inputs=[
                bank_input(),
                io.Combo.Input(
                    "rule",
                    options=[*RULES, "metric", CLEAN],
                    default="paper",
                    tooltip=(
                        "paper: seeds in the top quarter of every metric's list. rank-sum: the smallest sum of "
                        "places. pareto: seeds that no other beats in every metric. metric: the list of one metric. "
                        "clean: the least unwanted text when inpainting, where the bank measured it."
                    ),
                ),
                io.String.Input(
                    "metric", default="score", tooltip="With rule metric: the metric's name, such as score or fid."
                ),
                io.Combo.Input(
                    "which",
                    options=["golden", "inferior"],
                    default="golden",
                    tooltip="golden: the best seeds, best first. inferior: the worst, worst first, to compare with.",
                ),
                io.Int.Input(
                    "index",
                    default=0,
                    min=0,
                    max=MAX_PLACE,
                    tooltip="Which of the seeds to give as seed: 0 is the first.",
                ),
                io.Int.Input("count", default=4, min=1, max=MAX_PLACE + 1, tooltip="How many seeds to give as a list."),
                io.String.Input(
                    "avoid",
                    default="",
                    tooltip=(
                        "Traits to avoid, such as border, grayscale=0.3: seeds with a larger share of such images are"
                        " left out. Without a number the limit is 0.5."
                    ),
                ),
                *match_inputs(),
                io.Combo.Input(
                    "task",
                    options=["all", "removal", "completion"],
                    default="all",
                    optional=True,
                    tooltip=(
                        "With rule clean: what the inpainting is for. removal: to take something away. completion: to "
                        "draw something. all: every task that the bank measured."
                    ),
                ),
            ],
            outputs=[
                io.Int.Output("seed", display_name="seed", tooltip="The seed at place index."),
                io.Int.Output(
                    "seeds",
                    display_name="seeds",
                    is_output_list=True,
                    tooltip="The first count seeds; the nodes below run once for each.",
                ),
                io.String.Output(
                    "report",
                    display_name="report",
                    tooltip="Where the seed stands in the bank, and what speaks for it.",
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, bank: str = "", **others: Any) -> str:
        return choice_fingerprint(bank)

    @classmethod
    def execute(
        cls,
        bank: str,
        rule: str,
        metric: str,
        which: str,
        index: int,
        count: int,
        avoid: str,
        on_mismatch: str,
        model: Any = None,
        latent: Any = None,
        task: str = "all",
    ) -> io.NodeOutput:
        measured = load_bank(bank)
        warnings = compare(measured, model, latent, on_mismatch)
        asked = metric if rule == "metric" else rule
        one_task = task if rule == CLEAN and task != "all" else None
        limits, worst = parse_limits(avoid), which == "inferior"
        choice = pick(measured, asked, max(count, index + 1), limits, worst=worst, task=one_task)
        if index >= len(choice.seeds):
            raise ChoiceError(
                f"index {index}: rule {asked} gives {len(choice.seeds)} seeds; lower the index or use rank-sum"
            )
        seed, seeds = choice.seeds[index], choice.seeds[:count]
        shown = show_pictures([draw_standing(measured, seed, seeds)], "goodseed-picker")
        note = golden_note(measured, choice, index, warnings)
        report = golden_summary(measured, choice, index, warnings)
        return io.NodeOutput(seed, seeds, report, ui={"images": shown, "text": [note]})
