"""GoodSeedProvenanceSaver: images saved with the record of everything that they depend on."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from goodseed.provenance.embed import Options, formats

from ..host.save import Saving, save_batch


class ProvenanceSaver(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodSeedProvenanceSaver",
            display_name="Provenance Saver (Good Seed)",
            category="Good Seed",
            description=(
                "Saves images with a record of everything that they depend on, so that they can be made again. Put a"
                " Determinism Guard before the sampler to record what was observed, too."
            ),
            inputs=[
                io.Image.Input("images", tooltip="The images to save."),
                io.String.Input(
                    "filename_prefix",
                    default="ComfyUI",
                    tooltip=(
                        "How the files' names begin, with folders inside the output folder if you like. %date:…% and"
                        " the like work as in Save Image."
                    ),
                ),
                io.Combo.Input(
                    "format",
                    options=formats(),
                    default="png",
                    optional=True,
                    tooltip=(
                        "png and webp lossless keep every bit. webp, jpeg and avif are smaller. ComfyUI does not read"
                        " the workflow of a jpeg."
                    ),
                ),
                io.Int.Input(
                    "quality",
                    default=90,
                    min=1,
                    max=100,
                    optional=True,
                    tooltip="Quality of webp, jpeg and avif; 100 is the best.",
                ),
                io.Boolean.Input(
                    "sidecar",
                    default=True,
                    optional=True,
                    tooltip="Write the record to a file beside each image as well, in case a tool strips the image.",
                ),
                io.Boolean.Input(
                    "a1111",
                    default=False,
                    optional=True,
                    tooltip=(
                        "Add the parameters as A1111 writes them, for sites that read nothing else. ComfyUI may then"
                        " load those instead of the workflow when the image is dropped on it."
                    ),
                ),
                io.Boolean.Input(
                    "log",
                    default=True,
                    optional=True,
                    tooltip="Add a line for each image to goodseed-log.jsonl in the same folder.",
                ),
            ],
            outputs=[
                io.Image.Output("saved", display_name="images", tooltip="The images, unchanged."),
                io.String.Output(
                    "records",
                    display_name="records",
                    is_output_list=True,
                    tooltip="The record of each image, as JSON; the nodes below run once for each.",
                ),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id, io.Hidden.dynprompt],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        images: Any,
        filename_prefix: str,
        format: str = "png",
        quality: int = 90,
        sidecar: bool = True,
        a1111: bool = False,
        log: bool = True,
    ) -> io.NodeOutput:
        saving = Saving(filename_prefix, format, Options(quality=quality, a1111=a1111), sidecar, log)
        hidden = cls.hidden
        shown, records, note = save_batch(
            images, saving, hidden.prompt, hidden.extra_pnginfo, hidden.unique_id, hidden.dynprompt
        )
        return io.NodeOutput(images, records, ui={"images": shown, "text": [note]})
