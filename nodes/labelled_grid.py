"""GoodSeedLabelledGrid: images with their labels, as one image."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from goodseed.grid import arrange, draw_grid, labels_of
from goodseed.grid.draw import BACKGROUNDS


class LabelledGrid(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodSeedLabelledGrid",
            display_name="Labelled Grid (Good Seed)",
            category="Good Seed",
            description="Puts images side by side in one image, with their labels as headings or captions.",
            is_input_list=True,
            inputs=[
                io.Image.Input("images", tooltip="The images: a list, a batch, or both."),
                io.String.Input(
                    "labels",
                    default="",
                    multiline=True,
                    tooltip=(
                        "A label for each image, as a list or one a line. Labels such as row | column make a table;"
                        " others stand below their images."
                    ),
                ),
                io.Int.Input(
                    "columns",
                    default=0,
                    min=0,
                    max=1000,
                    tooltip="Images in a row; 0: as the labels say, or about as many as there are rows.",
                ),
                io.Int.Input(
                    "cell_size",
                    default=0,
                    min=0,
                    max=4096,
                    tooltip="The longer side of a cell in pixels; 0: that of the largest image.",
                ),
                io.Combo.Input("background", options=list(BACKGROUNDS), tooltip="The colour between the images."),
            ],
            outputs=[io.Image.Output("IMAGE", tooltip="All images in one.")],
        )

    @classmethod
    def execute(
        cls,
        images: list[torch.Tensor],
        labels: list[str],
        columns: list[int],
        cell_size: list[int],
        background: list[str],
    ) -> io.NodeOutput:
        pictures = [image.float().cpu().numpy() for batch in images for image in batch]
        arrangement = arrange(labels_of(labels, [len(batch) for batch in images]), columns[0])
        return io.NodeOutput(torch.from_numpy(draw_grid(pictures, arrangement, background[0], cell_size[0]))[None])
