"""GoodSeedSeedSwapGrid: the runs of a figure of seed swaps, one list entry each."""

from __future__ import annotations

from comfy_api.latest import io

from goodseed.noise.swap_grid import plan_grid


class SeedSwapGrid(io.ComfyNode):
    """The figure of "Good Seed Makes a Good Crop", section 3.1."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodSeedSeedSwapGrid",
            display_name="Seed Swap Grid (Good Seed)",
            category="Good Seed",
            description="Lists the runs of a figure that shows what a swap of the seed changes, early to late.",
            inputs=[
                io.String.Input(
                    "seeds", default="0-3", tooltip="The seeds to begin with, such as 0-3 or 7, 12. A row for each."
                ),
                io.String.Input(
                    "swap_seeds",
                    default="100-103",
                    tooltip="The seed that each of them is swapped for, as many as there are seeds, or one for all.",
                ),
                io.String.Input(
                    "fractions",
                    default="0.75, 0.5, 0.25, 0",
                    tooltip="After which parts of the steps to swap. A column for each.",
                ),
                io.Boolean.Input("alone", default=True, tooltip="A column with the first seed, not swapped."),
                io.Boolean.Input(
                    "first_noise",
                    default=True,
                    tooltip="A column with the second seed's first noise and the first seed's step noise.",
                ),
                io.Boolean.Input("other_alone", default=True, tooltip="A column with the second seed, not swapped."),
            ],
            outputs=[
                _list(io.Int, "seed", "Into the Seed Swap KSampler: the seed of each run."),
                _list(io.Int, "swap_seed", "Into the Seed Swap KSampler."),
                _list(io.Float, "swap_at", "Into the Seed Swap KSampler, with swap_unit fraction."),
                _list(io.Int, "initial_seed", "Into the Seed Swap KSampler: the seed of the first noise."),
                _list(io.String, "label", "Into the Labelled Grid: row | column of each run."),
            ],
        )

    @classmethod
    def execute(
        cls, seeds: str, swap_seeds: str, fractions: str, alone: bool, first_noise: bool, other_alone: bool
    ) -> io.NodeOutput:
        runs = plan_grid(seeds, swap_seeds, fractions, alone, first_noise, other_alone)
        names = ("seed", "swap_seed", "swap_at", "initial_seed", "label")
        return io.NodeOutput(*([getattr(run, name) for run in runs] for name in names))


def _list(kind: type[io.ComfyType], name: str, tooltip: str) -> io.Output:
    return kind.Output(name, display_name=name, is_output_list=True, tooltip=tooltip)
