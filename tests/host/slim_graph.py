"""A workflow for the slim Stable Diffusion 1.5."""

from __future__ import annotations

from tests.host.graphs import Graph, ksampler, node
from tests.host.slim import Slim


def slim_graph(slim: Slim, side: int = 64, steps: int = 2) -> Graph:
    """Checkpoint, two texts, KSampler, Save Image."""
    return {
        "checkpoint": node("CheckpointLoaderSimple", ckpt_name=slim.checkpoint),
        "positive": node("CLIPTextEncode", clip=["checkpoint", 1], text="a red ball"),
        "negative": node("CLIPTextEncode", clip=["checkpoint", 1], text="blurry"),
        "latent": node("EmptyLatentImage", width=side, height=side, batch_size=1),
        "sampled": ksampler(0, steps=steps, model=["checkpoint", 0]),
        "decoded": node("VAEDecode", samples=["sampled", 0], vae=["checkpoint", 2]),
        "saved": node("SaveImage", images=["decoded", 0], filename_prefix="study"),
    }
