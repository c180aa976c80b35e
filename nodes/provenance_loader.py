"""GoodSeedProvenanceLoader: an image with what it says of itself, whichever tool made it."""

from __future__ import annotations

from comfy_api.latest import io

from goodseed.plain import plain
from goodseed.provenance.summary import reading_summary

from ..host.load import (
    image_fingerprint,
    image_names,
    image_problem,
    known_value,
    load_image,
    prompt_text,
    record_or_stop,
)


class ProvenanceLoader(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodSeedProvenanceLoader",
            display_name="Provenance Loader (Good Seed)",
            category="Good Seed",
            description=(
                "Loads an image with what it says of itself: a Good Seed record, ComfyUI's graph, or the parameters of"
                " A1111, Forge, Fooocus, InvokeAI, NovelAI or SwarmUI."
            ),
            inputs=[
                io.Combo.Input(
                    "image",
                    options=image_names(),
                    upload=io.UploadType.image,
                    image_folder=io.FolderType.input,
                    tooltip="The image: PNG, WebP, JPEG or AVIF, in the input folder.",
                ),
            ],
            outputs=[
                io.Image.Output("loaded", display_name="image", tooltip="The image."),
                io.String.Output(
                    "record",
                    display_name="record",
                    tooltip="The record as JSON, for Determinism Guard and Reproduction Check.",
                ),
                io.String.Output("positive", display_name="positive", tooltip="The positive prompt."),
                io.String.Output("negative", display_name="negative", tooltip="The negative prompt."),
                io.Int.Output("seed", display_name="seed", tooltip="The seed of the last sampling."),
                io.Int.Output("steps", display_name="steps", tooltip="The steps of the last sampling."),
                io.Float.Output("cfg", display_name="cfg", tooltip="The CFG of the last sampling."),
                io.Int.Output("width", display_name="width", tooltip="The width of the last sampling, in pixels."),
                io.Int.Output("height", display_name="height", tooltip="The height of the last sampling, in pixels."),
                io.String.Output(
                    "report", display_name="report", tooltip="What the image says, and how each value is known."
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, image: str) -> bool | str:
        return image_problem(image) or True

    @classmethod
    def fingerprint_inputs(cls, image: str) -> str:
        return image_fingerprint(image)

    @classmethod
    def execute(cls, image: str) -> io.NodeOutput:
        pixels, reading = load_image(image)
        prompts = (prompt_text(reading, role) for role in ("positive", "negative"))
        values = (known_value(reading, name) for name in ("seed", "steps", "cfg", "width", "height"))
        report = reading_summary(image, reading)
        outputs = (pixels, record_or_stop(reading), *prompts, *values, report)
        return io.NodeOutput(*outputs, ui={"text": [plain(report)]})
