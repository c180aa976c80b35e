"""GoodSeedDemoModel: a miniature diffusion model that comes with the pack."""

from __future__ import annotations

from comfy_api.latest import io

from goodseed.demo.weights import TEXT_TO_IMAGE, VARIANTS

from ..host.demo_model import load_demo


class DemoModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodSeedDemoModel",
            display_name="Demo Model (Good Seed)",
            category="Good Seed",
            description="A miniature diffusion model of drawn scenes, 128×128 px: no download, runs on a CPU.",
            inputs=[
                io.Combo.Input(
                    "variant",
                    options=list(VARIANTS),
                    default=TEXT_TO_IMAGE,
                    optional=True,
                    tooltip=(
                        "text to image: the model. inpainting: the same, trained further on scenes in which signs hang,"
                        " to fill holes; like larger inpainting models it sometimes writes into them."
                    ),
                ),
            ],
            outputs=[
                io.Model.Output(display_name="MODEL", tooltip="A rectified-flow denoiser for any sampler."),
                io.Clip.Output(
                    display_name="CLIP", tooltip="A text encoder of the demo's words; it reads the first 15."
                ),
                io.Vae.Output(display_name="VAE", tooltip="An autoencoder with 8× downscaling and 4 channels."),
            ],
        )

    @classmethod
    def execute(cls, variant: str = TEXT_TO_IMAGE) -> io.NodeOutput:
        return io.NodeOutput(*load_demo(variant))
