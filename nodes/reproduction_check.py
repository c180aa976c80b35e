"""GoodSeedReproductionCheck: are these the same pixels as before?"""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..host.check import check_images, show_images


class ReproductionCheck(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodSeedReproductionCheck",
            display_name="Reproduction Check (Good Seed)",
            category="Good Seed",
            description="Says whether images are the same, pixel for pixel, as a picture or a record; if not, why.",
            inputs=[
                io.Image.Input("images", tooltip="The images to check."),
                io.Image.Input(
                    "reference",
                    optional=True,
                    tooltip="What they should be: one picture, or as many as there are images.",
                ),
                io.String.Input(
                    "record",
                    optional=True,
                    force_input=True,
                    tooltip="The record that they should follow, from Provenance Loader; it names what differs.",
                ),
            ],
            outputs=[
                io.String.Output(
                    "verdict", display_name="verdict", tooltip="identical, same-to-the-eye, different, or unchecked."
                ),
                io.Boolean.Output(
                    "identical", display_name="identical", tooltip="True when every image is the same to the last bit."
                ),
                io.String.Output(
                    "report", display_name="report", tooltip="How far each image is off, and what accounts for it."
                ),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, images: Any, reference: Any = None, record: str | None = None) -> io.NodeOutput:
        checked, records = check_images(images, reference, record, cls.hidden.prompt, cls.hidden.unique_id)
        shown = {"images": show_images(images, cls), "text": [str(checked)], "goodseed_records": records}
        return io.NodeOutput(checked.verdict, checked.identical, str(checked), ui=shown)
