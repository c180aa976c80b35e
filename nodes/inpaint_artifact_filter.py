"""GoodSeedInpaintArtifactFilter: inpainted images without text in the hole, and those with."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from goodseed.inpaint.engines import ENGINES
from goodseed.inpaint.sorting import MODES, WHEN_NONE
from goodseed.seeds import MAX_SEED

from ..host.inpaint import Asked, filter_images, shown_on_node

MOST_IMAGES = 4096


class InpaintArtifactFilter(io.ComfyNode):
    """Text inside the mask, "Good Seed Makes a Good Crop", section 4.3."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodSeedInpaintArtifactFilter",
            display_name="Inpaint Artifact Filter (Good Seed)",
            category="Good Seed",
            description=(
                "Reads inpainted images inside their mask and keeps those without unwanted text. Takes a batch or a"
                " list, and keeps each image's seed with it."
            ),
            is_input_list=True,
            inputs=[
                io.Image.Input("images", tooltip="The inpainted images: a batch, or a list of any sizes."),
                io.Mask.Input(
                    "mask", tooltip="Where text counts: what was inpainted. One for all images, or one for each."
                ),
                io.Combo.Input(
                    "mode",
                    options=list(MODES),
                    default="keep",
                    tooltip=(
                        "keep: all images that are clean. best: the count images with the least text. sort: all"
                        " images, the least text first."
                    ),
                ),
                io.Float.Input(
                    "threshold",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    tooltip="The share of the mask that text may cover in a clean image; 0: none at all.",
                ),
                io.Int.Input(
                    "count", default=1, min=1, max=MOST_IMAGES, tooltip="With mode best: how many images to keep."
                ),
                io.Combo.Input(
                    "when_none",
                    options=list(WHEN_NONE),
                    default="stop",
                    tooltip=(
                        "With mode keep, when no image is clean: stop the run and say why, or keep the one with the"
                        " least text."
                    ),
                ),
                io.Image.Input(
                    "original",
                    optional=True,
                    tooltip="The image before inpainting: text that was there already does not count.",
                ),
                io.String.Input(
                    "prompt",
                    default="",
                    optional=True,
                    tooltip="The prompt of the inpainting, to say how much of the text is the prompt's own.",
                ),
                io.Int.Input(
                    "seeds",
                    default=0,
                    min=0,
                    max=MAX_SEED,
                    optional=True,
                    force_input=True,
                    tooltip="The seeds of the images: one for each image, or one for each batch.",
                ),
                io.Boolean.Input(
                    "invert", default=False, optional=True, tooltip="The mask is 1 where nothing was inpainted."
                ),
                io.Combo.Input(
                    "engine",
                    options=list(ENGINES),
                    default=ENGINES[0],
                    optional=True,
                    tooltip="What reads the text. rapidocr finds more; tesseract is what the paper used.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    "clean",
                    display_name="images",
                    is_output_list=True,
                    tooltip="The images that are kept, unchanged; the nodes below run once for each.",
                ),
                io.Int.Output(
                    "clean_seeds",
                    display_name="seeds",
                    is_output_list=True,
                    tooltip="The seeds of the images that are kept, in the same order.",
                ),
                io.Image.Output(
                    "rejected",
                    display_name="rejected",
                    is_output_list=True,
                    tooltip="The other images; when there are none, the nodes below do not run.",
                ),
                io.Int.Output(
                    "rejected_seeds",
                    display_name="rejected seeds",
                    is_output_list=True,
                    tooltip="The seeds of the other images, in the same order.",
                ),
                io.Float.Output(
                    "shares",
                    display_name="shares",
                    is_output_list=True,
                    tooltip="For each image that came in: the share of the mask that text covers, 0 to 1.",
                ),
                io.Image.Output(
                    "overlay",
                    display_name="overlay",
                    is_output_list=True,
                    tooltip="For each image that came in: a picture of what was found.",
                ),
                io.String.Output("report", display_name="report", tooltip="What was read in each image."),
            ],
        )

    @classmethod
    def execute(cls, images: Any, mask: Any, **inputs: Any) -> io.NodeOutput:
        asked = Asked.from_lists(inputs)
        outputs = filter_images(images, mask, inputs.get("original"), inputs.get("seeds"), asked)
        return io.NodeOutput(*outputs, ui=shown_on_node(*outputs[-2:]))
