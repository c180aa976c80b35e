"""The graphs that every promise of reproduction is held against: each ends in `saver`, each for two models."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.host.graphs import Graph, Node, node

PICTURE = "reproduce.png"
"""The input picture of img2img and inpainting; its alpha is the mask."""


@dataclass(frozen=True)
class Model:
    """What a graph needs to know of a model: its loader (MODEL, CLIP, VAE), a size and words it reads."""

    name: str
    loader: Node
    size: int
    prompt: str
    scheduler: str
    lora: str | None = None

    def start(self, batch: int = 1) -> Graph:
        """The loader, a prompt, a negative one and an empty latent."""
        return {
            "model": copy.deepcopy(self.loader),
            "positive": node("CLIPTextEncode", clip=["model", 1], text=self.prompt),
            "negative": node("CLIPTextEncode", clip=["model", 1], text=""),
            "latent": node("EmptyLatentImage", width=self.size, height=self.size, batch_size=batch),
        }

    def sampler(self, **changes: object) -> Node:
        """A KSampler over the parts of `start`."""
        inputs: dict[str, object] = {
            "model": ["model", 0], "seed": 42, "steps": 3, "cfg": 4.0, "sampler_name": "euler_ancestral",
            "scheduler": self.scheduler, "positive": ["positive", 0], "negative": ["negative", 0],
            "latent_image": ["latent", 0], "denoise": 1.0,
        }  # fmt: skip
        return node("KSampler", **{**inputs, **changes})


SLIM = Model(
    "slim",
    node("CheckpointLoaderSimple", ckpt_name="slim.safetensors"),
    64,
    "a café on a hill, 🌅",
    "karras",
    lora="slim-lora.safetensors",
)
DEMO = Model("demo", node("GoodSeedDemoModel"), 128, "a striped house under the sky", "simple")


def save(graph: Graph, latent: str, **saver: object) -> Graph:
    """Decode the latent of a node and save it with the stock saver."""
    return graph | {
        "decoded": node("VAEDecode", samples=[latent, 0], vae=["model", 2]),
        "saver": node("SaveImage", images=["decoded", 0], **{"filename_prefix": "reproduce", **saver}),
    }


def txt2img(model: Model) -> Graph:
    return save(model.start() | {"sampled": model.sampler()}, "sampled")


def img2img(model: Model) -> Graph:
    graph = model.start() | {"picture": node("LoadImage", image=PICTURE)}
    graph["latent"] = node("VAEEncode", pixels=["picture", 0], vae=["model", 2])
    return save(graph | {"sampled": model.sampler(denoise=0.6, steps=5)}, "sampled")


def inpaint(model: Model) -> Graph:
    graph = img2img(model)
    graph["encoded"] = graph["latent"]
    graph["latent"] = node("SetLatentNoiseMask", samples=["encoded", 0], mask=["picture", 1])
    return graph


def hires(model: Model) -> Graph:
    larger = model.size + model.size // 2
    graph = model.start() | {
        "first": model.sampler(),
        "upscaled": node(
            "LatentUpscale",
            samples=["first", 0],
            upscale_method="bislerp",
            width=larger,
            height=larger,
            crop="disabled",
        ),
        "second": model.sampler(latent_image=["upscaled", 0], denoise=0.5, seed=7, sampler_name="dpmpp_2m", steps=4),
    }
    return save(graph, "second")


def custom(model: Model) -> Graph:
    graph = model.start() | {
        "noise": node("RandomNoise", noise_seed=11),
        "guider": node("CFGGuider", model=["model", 0], positive=["positive", 0], negative=["negative", 0], cfg=3.5),
        "chosen": node("KSamplerSelect", sampler_name="dpmpp_2m_sde"),
        "sigmas": node("BasicScheduler", model=["model", 0], scheduler=model.scheduler, steps=3, denoise=1.0),
        "sampled": node(
            "SamplerCustomAdvanced", noise=["noise", 0], guider=["guider", 0], sampler=["chosen", 0],
            sigmas=["sigmas", 0], latent_image=["latent", 0],
        ),
    }  # fmt: skip
    return save(graph, "sampled")


def lora(model: Model) -> Graph:
    graph = txt2img(model)
    graph["lora"] = node(
        "LoraLoader", model=["model", 0], clip=["model", 1], lora_name=model.lora, strength_model=0.8, strength_clip=0.6
    )
    graph["sampled"]["inputs"]["model"] = ["lora", 0]
    for text in ("positive", "negative"):
        graph[text]["inputs"]["clip"] = ["lora", 1]
    return graph


def batch(model: Model) -> Graph:
    graph = txt2img(model)
    graph["latent"]["inputs"]["batch_size"] = 4
    return graph


def linked_seed(model: Model) -> Graph:
    graph = txt2img(model) | {"number": node("PrimitiveInt", value=123456789012345)}
    graph["sampled"]["inputs"]["seed"] = ["number", 0]
    return graph


def linked_prompt(model: Model) -> Graph:
    graph = txt2img(model) | {
        "words": node("PrimitiveStringMultiline", value=model.prompt),
        "joined": node("StringConcatenate", string_a=["words", 0], string_b="on stripes", delimiter=" "),
    }
    graph["positive"]["inputs"]["text"] = ["joined", 0]
    return graph


def seed_swap(model: Model) -> Graph:
    inputs = {**model.sampler()["inputs"], "swap_seed": 2**64 - 2, "swap_at": 1.0, "swap_unit": "step"}
    sampler = node("GoodSeedSeedSwapKSampler", **inputs, initial_seed=7, swaps="")
    return save(model.start() | {"sampled": sampler}, "sampled")


def seed_swap_model(model: Model) -> Graph:
    graph = custom(model)
    inputs = {"swap_seed": 5, "swap_at": 0.5, "swap_unit": "fraction"}
    graph["swap"] = node("GoodSeedSeedSwapModel", model=["model", 0], **inputs)
    graph["guider"]["inputs"]["model"] = ["swap", 0]
    return graph


def subgraph(model: Model) -> Graph:
    """What the front end queues for sampler and texts in a subgraph: the inner nodes, named outer:inner."""
    inner = {"positive": "101:1", "negative": "101:2", "sampled": "101:103:4"}
    return renumbered(txt2img(model), inner)


def renumbered(graph: Graph, names: dict[str, str]) -> Graph:
    """Return the graph with other node ids, all links following."""
    changed: Graph = {}
    for key, part in graph.items():
        inputs = {
            name: [names.get(value[0], value[0]), value[1]] if isinstance(value, list) else value
            for name, value in part["inputs"].items()
        }
        changed[names.get(key, key)] = {**part, "inputs": inputs}
    return changed


CASES: dict[str, Callable[[Model], Graph]] = {
    "txt2img": txt2img,
    "img2img": img2img,
    "inpaint": inpaint,
    "hires": hires,
    "custom": custom,
    "lora": lora,
    "batch": batch,
    "linked_seed": linked_seed,
    "linked_prompt": linked_prompt,
    "subgraph": subgraph,
    "seed_swap": seed_swap,
    "seed_swap_model": seed_swap_model,
}

GRAPHS: dict[str, Graph] = {
    f"{model.name}-{name}": make(model)
    for model in (SLIM, DEMO)
    for name, make in CASES.items()
    if (name != "lora" or model.lora) and not (name.startswith("seed_swap") and model is SLIM)
}
"""Each case with each model, by name; do not change them, copy them (`copy.deepcopy`)."""

SAMPLES = (
    "KSampler", "KSamplerAdvanced", "GoodSeedSeedSwapKSampler", "CFGGuider", "BasicGuider", "DualCFGGuider",
    "BasicScheduler",
)  # fmt: skip


def guarded(graph: Graph, **guard: object) -> Graph:
    """Return the graph with a Determinism Guard before everything that samples, one for each model in it."""
    graph = copy.deepcopy(graph)
    guards: dict[tuple[str, int], str] = {}
    for part in list(graph.values()):
        link = part["inputs"].get("model")
        if part["class_type"] in SAMPLES and link is not None:
            name = guards.setdefault(tuple(link), f"guard{len(guards)}")
            part["inputs"]["model"] = [name, 0]
    for link, name in guards.items():
        inputs = {"mode": "enforce", "portable_noise": False, **guard}
        graph[name] = node("GoodSeedDeterminismGuard", model=list(link), **inputs)
    return graph


def saved_with_record(graph: Graph, **saver: object) -> Graph:
    """Return the graph with the Provenance Saver in place of the stock one."""
    choices = {"format": "png", "quality": 90, "sidecar": True, "a1111": False, "log": True}
    inputs = {**graph["saver"]["inputs"], **choices, **saver}
    return {**copy.deepcopy(graph), "saver": node("GoodSeedProvenanceSaver", **inputs)}


def write_picture(folder: Path, name: str = PICTURE) -> Path:
    """Write the input picture: a gradient, with the middle transparent."""
    x, y = np.meshgrid(np.arange(64), np.arange(64))
    alpha = np.where((abs(x - 32) < 16) & (abs(y - 32) < 16), 0, 255)
    pixels = np.stack([4 * x, 4 * y, 255 - 4 * x, alpha], axis=-1).astype(np.uint8)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(folder / name)
    return folder / name
