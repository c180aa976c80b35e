"""Graphs in API format, put together from named parts."""

from __future__ import annotations

from typing import Any

Node = dict[str, Any]
Graph = dict[str, Node]


def node(class_type: str, **inputs: Any) -> Node:
    return {"class_type": class_type, "inputs": inputs}


def demo(prompt: str = "a red ball", batch: int = 1, width: int = 128, height: int = 128) -> Graph:
    """The demo model, a prompt and an empty one, an empty latent."""
    return {
        "demo": node("GoodSeedDemoModel"),
        "positive": node("CLIPTextEncode", clip=["demo", 1], text=prompt),
        "negative": node("CLIPTextEncode", clip=["demo", 1], text=""),
        "latent": node("EmptyLatentImage", width=width, height=height, batch_size=batch),
    }


def ksampler(seed: Any, sampler: str = "euler", steps: int = 2, **changes: Any) -> Node:
    """A KSampler over the parts of `demo`."""
    inputs = {
        "model": ["demo", 0], "seed": seed, "steps": steps, "cfg": 3.0, "sampler_name": sampler, "scheduler": "simple",
        "positive": ["positive", 0], "negative": ["negative", 0], "latent_image": ["latent", 0], "denoise": 1.0,
    }  # fmt: skip
    return node("KSampler", **{**inputs, **changes})


def custom_sampling(noise: Any, steps: int = 2, sampler: str = "euler", model: Any = ("demo", 0)) -> Graph:
    """SamplerCustomAdvanced over the parts of `demo`, called `sampled`."""
    model = list(model)
    return {
        "guider": node("CFGGuider", model=model, positive=["positive", 0], negative=["negative", 0], cfg=3.0),
        "sampler": node("KSamplerSelect", sampler_name=sampler),
        "sigmas": node("BasicScheduler", model=model, scheduler="simple", steps=steps, denoise=1.0),
        "sampled": node(
            "SamplerCustomAdvanced", noise=noise, guider=["guider", 0], sampler=["sampler", 0], sigmas=["sigmas", 0],
            latent_image=["latent", 0],
        ),
    }  # fmt: skip


def picker(bank: str, **changes: Any) -> Node:
    inputs = {
        "bank": bank, "rule": "paper", "metric": "score", "which": "golden", "index": 0, "count": 1, "avoid": "",
        "on_mismatch": "warn",
    }  # fmt: skip
    return node("GoodSeedGoldenSeedPicker", **{**inputs, **changes})


def diverse(bank: str, **changes: Any) -> Node:
    inputs = {
        "bank": bank, "by": "style", "count": 4, "start": -1, "random_seed": 0, "within": "all", "on_mismatch": "warn",
    }  # fmt: skip
    return node("GoodSeedDiverseSeedSampler", **{**inputs, **changes})


def seed_noise(seed: Any = 0, spec: str = "comfy", **changes: Any) -> Node:
    inputs = {"seed": seed, "spec": spec, "per_item": "one draw", "seeds": "", "drawn_in": "float32"}
    return node("GoodSeedNoise", **{**inputs, **changes})


def shown(*link: Any) -> Node:
    """A node that shows a value as text."""
    return node("PreviewAny", source=list(link))
