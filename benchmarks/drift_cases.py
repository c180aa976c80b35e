"""What drift.py plants: pairs of graphs, with the server that runs each and what is done before."""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.host.graphs import Graph, node
from tests.host.reproduce_graphs import (
    DEMO,
    SLIM,
    batch,
    custom,
    guarded,
    hires,
    img2img,
    inpaint,
    linked_prompt,
    linked_seed,
    lora,
    renumbered,
    saved_with_record,
    txt2img,
)

SERVERS: dict[str, tuple[str, list[str], dict[str, str]]] = {
    "newest": ("newest", [], {}),
    "floor": ("floor", [], {}),
    "again": ("newest", [], {}),
    "fp16-unet": ("newest", ["--fp16-unet"], {}),
    "bf16-unet": ("newest", ["--bf16-unet"], {}),
    "bf16-text": ("newest", ["--bf16-text-enc"], {}),
    "bf16-vae": ("newest", ["--bf16-vae"], {}),
    "split": ("newest", ["--use-split-cross-attention"], {}),
}
"""A version of ComfyUI, arguments and environment variables, by name; `again` is a second process, elsewhere."""

FLOOR = ("floor", "newest")
DRIFTING, DRIFTING_MASK = "drifting.png", "sub/drifting-mask.png"
"""Input pictures that drift.py edits under their names."""
PROMPT = "the fish's café, a red boat on the sea"


@dataclass(frozen=True)
class Shot:
    """One image: a graph, where it runs, and what is done before: a step of drift.py's `PREPARE`."""

    graph: Graph
    server: str = "newest"
    before: str = ""


@dataclass(frozen=True)
class Case:
    """Two images and the causes planted between them; none where they should be the same."""

    name: str
    causes: tuple[str, ...]
    a: Shot
    b: Shot
    inputs: tuple[str, ...] = field(default=())
    """The inputs changed, by name, as a comparison of graphs could name them."""


def observed(graph: Graph, **saver: Any) -> Graph:
    """Return the graph with a Guard before the sampler and the Provenance Saver at the end."""
    settings = {"format": "png", "quality": 90, "sidecar": True, "a1111": False, "log": False}
    return saved_with_record(guarded(graph, mode="warn", portable_noise=False), **{**settings, **saver})


def plain(prompt: str = PROMPT, **sampler: Any) -> Graph:
    graph = txt2img(SLIM)
    graph["positive"]["inputs"]["text"] = prompt
    graph["sampled"]["inputs"] |= sampler
    return graph


def edited(graph: Graph, **changes: Any) -> Graph:
    """Return a copy with inputs changed, each named node__input."""
    graph = copy.deepcopy(graph)
    for path, value in changes.items():
        key, _, name = path.partition("__")
        graph[key]["inputs"][name] = value
    return graph


def after_decoding(graph: Graph, **nodes: Any) -> Graph:
    """Return the graph with nodes put between decoding and saving, each taking `image`."""
    graph, last = copy.deepcopy(graph), "decoded"
    for key, made in nodes.items():
        graph[key] = copy.deepcopy(made)
        graph[key]["inputs"]["image"] = [last, 0]
        last = key
    graph["saver"]["inputs"]["images"] = [last, 0]
    return graph


def before_sampling(graph: Graph, key: str, made: Any) -> Graph:
    """Return the graph with a node put between the model and the sampler."""
    graph = copy.deepcopy(graph)
    graph[key] = copy.deepcopy(made)
    graph[key]["inputs"]["model"] = graph["sampled"]["inputs"]["model"]
    graph["sampled"]["inputs"]["model"] = [key, 0]
    return graph


def own_vae(name: str) -> Graph:
    graph = plain() | {"vae": node("VAELoader", vae_name=name)}
    return edited(graph, decoded__vae=["vae", 0])


def two_checkpoints(name: str) -> Graph:
    """A graph whose text encoder comes from a checkpoint of its own."""
    graph = plain() | {"texts": node("CheckpointLoaderSimple", ckpt_name=name)}
    return edited(graph, positive__clip=["texts", 1], negative__clip=["texts", 1])


def refined(graph: Graph) -> Graph:
    graph = copy.deepcopy(graph)
    graph["refiner"] = node("CheckpointLoaderSimple", ckpt_name="other.safetensors")
    graph["refined"] = SLIM.sampler(model=["refiner", 0], latent_image=["sampled", 0], denoise=0.4, seed=5)
    return edited(graph, decoded__samples=["refined", 0])


def second_lora() -> Graph:
    more = node("LoraLoaderModelOnly", lora_name="other-lora.safetensors", strength_model=0.5)
    return before_sampling(lora(SLIM), "more", more)


def combined() -> Graph:
    graph = plain()
    graph["also"] = node("CLIPTextEncode", clip=["model", 1], text="on grass")
    graph["both"] = node("ConditioningCombine", conditioning_1=["positive", 0], conditioning_2=["also", 0])
    return edited(graph, sampled__positive=["both", 0])


def from_picture() -> Graph:
    return edited(img2img(SLIM), picture__image=DRIFTING)


def from_mask() -> Graph:
    graph = inpaint(SLIM) | {"mask": node("LoadImageMask", image=f"{DRIFTING_MASK} [input]", channel="alpha")}
    return edited(graph, latent__mask=["mask", 0])


def tiled() -> Graph:
    graph = plain()
    sizes = {"tile_size": 64, "overlap": 16, "temporal_size": 64, "temporal_overlap": 8}
    graph["decoded"] = node("VAEDecodeTiled", samples=["sampled", 0], vae=["model", 2], **sizes)
    return edited(graph, latent__width=128, latent__height=128)


def not_tiled() -> Graph:
    return edited(plain(), latent__width=128, latent__height=128)


def ancestral(eta: float = 1.0) -> Graph:
    return custom(SLIM) | {"chosen": node("SamplerEulerAncestral", eta=eta, s_noise=1.0)}


def half(sampler: str) -> Graph:
    graph = plain(sampler_name=sampler, latent_image=["half", 0])
    return graph | {"half": node("ProbeCast", latent=["latent", 0], dtype="float16")}


SHARPEN = node("ImageSharpen", sharpen_radius=1, sigma=1.0, alpha=1.0)
BLUR = node("ImageBlur", blur_radius=2, sigma=1.0)
NOISE = node("ImageAddNoise", seed=1, strength=0.2)
GRAIN = node("ProbeGrain")


def case(
    name: str,
    causes: str,
    a: Graph,
    b: Graph,
    *inputs: str,
    servers: tuple[str, str] = ("newest", "newest"),
    before: tuple[str, str] = ("", ""),
    savers: tuple[dict[str, Any], dict[str, Any]] = ({}, {}),
) -> Case:
    """Return a case; `servers`, `before` and `savers` are those of the two images."""
    shots = [Shot(observed(graph, **savers[i]), servers[i], before[i]) for i, graph in enumerate((a, b))]
    return Case(name, tuple(causes.split()), shots[0], shots[1], inputs)


def single_drifts() -> list[Case]:
    """One change each, by the cause that it is."""
    return [
        *_models(),
        *_samplers(),
        *_numbers(),
        *_adapters(),
        *_numerics(),
        *_prompts(),
        *_after(),
        *_hosts(),
        *_graphs(),
    ]


def _models() -> list[Case]:
    rolled = edited(plain(), model__ckpt_name="rolling.safetensors")
    other = edited(plain(), model__ckpt_name="other.safetensors")
    first_vae, rolled_vae = own_vae("slim-vae.safetensors"), own_vae("rolling-vae.safetensors")
    return [
        case("another checkpoint", "model", plain(), other, "ckpt_name"),
        case("the checkpoint rolled forward under its name", "model", rolled, rolled, "ckpt_name",
             before=("roll 1", "roll 2")),
        case("another VAE file", "model", first_vae, own_vae("other-vae.safetensors"), "vae_name"),
        case("another text encoder", "model", two_checkpoints("slim.safetensors"),
             two_checkpoints("other.safetensors"), "ckpt_name"),
        case("the VAE rolled forward under its name", "model", rolled_vae, rolled_vae, "vae_name",
             before=("roll vae 1", "roll vae 2")),
    ]  # fmt: skip


def _samplers() -> list[Case]:
    return [
        case("euler to heun", "sampler", plain(sampler_name="euler"), plain(sampler_name="heun"), "sampler_name"),
        case("karras to exponential", "sampler", plain(), plain(scheduler="exponential"), "scheduler"),
        case("dpmpp_2m to dpmpp_2m_sde", "sampler", plain(sampler_name="dpmpp_2m"), plain(sampler_name="dpmpp_2m_sde"),
             "sampler_name"),
        case("another sampler in a custom graph", "sampler", custom(SLIM),
             edited(custom(SLIM), chosen__sampler_name="dpmpp_sde"), "sampler_name"),
        case("another scheduler in a custom graph", "sampler", custom(DEMO),
             edited(custom(DEMO), sigmas__scheduler="beta"), "scheduler"),
        case("a sampler node for another", "sampler", custom(SLIM), ancestral(), "class_type"),
    ]  # fmt: skip


def _numbers() -> list[Case]:
    return [
        case("cfg 8 to 7.5", "number", plain(cfg=8), plain(cfg=7.5), "cfg"),
        case("one step more", "number", plain(), plain(steps=4), "steps"),
        case("seed", "number", plain(), plain(seed=43), "seed"),
        case("seed by link", "number", linked_seed(SLIM), edited(linked_seed(SLIM), number__value=7), "value"),
        case("denoise by a tenth", "number", img2img(SLIM), edited(img2img(SLIM), sampled__denoise=0.7),
             "denoise"),
        case("width", "number", plain(), edited(plain(), latent__width=72), "width"),
        case("batch size", "number", batch(DEMO), edited(batch(DEMO), latent__batch_size=3), "batch_size"),
        case("eta", "number", ancestral(), ancestral(0.9), "eta"),
        case("second sampler's denoise", "number", hires(DEMO), edited(hires(DEMO), second__denoise=0.55), "denoise"),
        case("noise seed in a custom graph", "number", custom(DEMO), edited(custom(DEMO), noise__noise_seed=12),
             "noise_seed"),
    ]  # fmt: skip


def _adapters() -> list[Case]:
    return [
        case("LoRA weight 0.8 to 0.81", "adapter", lora(SLIM), edited(lora(SLIM), lora__strength_model=0.81),
             "strength_model"),
        case("LoRA's text weight", "adapter", lora(SLIM), edited(lora(SLIM), lora__strength_clip=0.7), "strength_clip"),
        case("another LoRA", "adapter", lora(SLIM), edited(lora(SLIM), lora__lora_name="other-lora.safetensors"),
             "lora_name"),
        case("a LoRA put in", "adapter", txt2img(SLIM), lora(SLIM), "lora"),
        case("a LoRA taken out of two", "adapter", second_lora(), lora(SLIM), "more"),
        case("a refiner put in", "adapter", plain(), refined(plain()), "refiner"),
    ]  # fmt: skip


def _numerics() -> list[Case]:
    return [
        case(f"started with {' '.join(SERVERS[name][1])}", "numerics", plain(), plain(), servers=("newest", name))
        for name in ("fp16-unet", "bf16-unet", "bf16-text", "bf16-vae", "split")
    ]


def _prompts() -> list[Case]:
    decomposed = unicodedata.normalize("NFD", PROMPT)
    changes: dict[str, Any] = {
        "a curly apostrophe": PROMPT.replace("'", "\u2019"),
        "é decomposed": decomposed,
        "a blank at the end": f"{PROMPT} ",
        "a zero-width space": PROMPT.replace("red boat", "red\u200b boat"),
        "a Cyrillic e": PROMPT.replace("red", "r\u0435d"),
        "a no-break space": PROMPT.replace("red boat", "red\u00a0boat"),
        "a word": PROMPT.replace("red", "blue"),
    }
    joined = edited(linked_prompt(SLIM), joined__string_b="on dots")
    return [
        *(case(name, "prompt", plain(), plain(text), "text") for name, text in changes.items()),
        case("the negative prompt", "prompt", plain(), edited(plain(), negative__text="blurry"), "text"),
        case("a part of a prompt put together", "prompt", linked_prompt(SLIM), joined, "string_b"),
    ]


def _after() -> list[Case]:
    jpegs = {"format": "jpeg"}, {"format": "jpeg", "quality": 60}
    return [
        case("a sharpener put in", "post-process", plain(), after_decoding(plain(), sharp=SHARPEN), "sharp"),
        case("a blur changed", "post-process", after_decoding(plain(), blur=BLUR),
             edited(after_decoding(plain(), blur=BLUR), blur__sigma=1.1), "sigma"),
        case("two filters in another order", "post-process", after_decoding(plain(), sharp=SHARPEN, blur=BLUR),
             after_decoding(plain(), blur=BLUR, sharp=SHARPEN), "image"),
        case("another seed of the noise on the image", "post-process", after_decoding(plain(), noise=NOISE),
             edited(after_decoding(plain(), noise=NOISE), noise__seed=2), "seed"),
        case("noise on the image without a seed", "post-process", after_decoding(plain(), grain=GRAIN),
             after_decoding(plain(), grain=GRAIN)),
        case("JPEG quality", "post-process", plain(), plain(), "quality", savers=jpegs),
    ]  # fmt: skip


def _hosts() -> list[Case]:
    graphs = {f"{name} on 0.3.64": plain(sampler_name=name) for name in ("euler_ancestral", "lcm", "er_sde", "seeds_2")}
    graphs["dpmpp_2s_ancestral of the demo model on 0.3.64"] = edited(
        txt2img(DEMO), sampled__sampler_name="dpmpp_2s_ancestral"
    )
    graphs["half-precision latents on 0.3.64"] = half("dpmpp_2m")
    return [case(name, "host", graph, graph, servers=FLOOR) for name, graph in graphs.items()]


def _graphs() -> list[Case]:
    rescale = node("RescaleCFG", multiplier=0.7)
    upscaled = edited(hires(SLIM), decoded__samples=["first", 0])
    return [
        case("a second prompt combined", "graph", plain(), combined(), "both"),
        case("decoding in tiles", "graph", not_tiled(), tiled(), "class_type"),
        case("a patch on the model", "graph", plain(), before_sampling(plain(), "rescale", rescale), "rescale"),
        case("a second pass put in", "graph", upscaled, hires(SLIM), "samples"),
        case("one pixel of the input picture under its name", "graph", from_picture(), from_picture(), "image",
             before=("picture 1", "picture 2")),
        case("the mask replaced under its name", "graph", from_mask(), from_mask(), "image",
             before=("mask 1", "mask 2")),
        case("the last pass left out of the wires", "graph", txt2img(SLIM), _flipped(), "flipped"),
    ]  # fmt: skip


def _flipped() -> Graph:
    graph = txt2img(SLIM) | {"flipped": node("LatentFlip", samples=["sampled", 0], flip_method="y-axis: horizontally")}
    return edited(graph, decoded__samples=["flipped", 0])


def double_drifts() -> list[Case]:
    """Two changes each; both must be named."""
    word = PROMPT.replace("red", "blue")
    return [
        case("prompt and sampler", "prompt sampler", plain(), plain(word, sampler_name="heun"), "text", "sampler_name"),
        case("cfg and seed", "number number", plain(), plain(cfg=4.5, seed=43), "cfg", "seed"),
        case("checkpoint and LoRA weight", "model adapter", lora(SLIM),
             edited(lora(SLIM), model__ckpt_name="other.safetensors", lora__strength_model=0.7),
             "ckpt_name", "strength_model"),
        case("scheduler and sharpener", "sampler post-process", plain(),
             after_decoding(plain(scheduler="normal"), sharp=SHARPEN), "scheduler", "sharp"),
        case("steps and a LoRA put in", "number adapter", txt2img(SLIM), edited(lora(SLIM), sampled__steps=4),
             "steps", "lora"),
        case("version and prompt", "host prompt", plain(), plain(word), "text", servers=FLOOR),
        case("half precision and cfg", "numerics number", plain(), plain(cfg=4.5), "cfg",
             servers=("newest", "fp16-unet")),
        case("VAE and negative prompt", "model prompt", own_vae("slim-vae.safetensors"),
             edited(own_vae("other-vae.safetensors"), negative__text="blurry"), "vae_name", "text"),
        case("a patch and a blur", "graph post-process", plain(),
             after_decoding(before_sampling(plain(), "rescale", node("RescaleCFG", multiplier=0.7)), blur=BLUR),
             "rescale", "blur"),
        case("width and sampler", "number sampler", plain(), edited(plain(sampler_name="heun"), latent__width=72),
             "width", "sampler_name"),
    ]  # fmt: skip


def no_drift() -> list[Case]:
    """Nothing that changes the image; the two must be the same."""
    ids = {key: str(number) for number, key in enumerate(reversed(list(plain())), 40) if key != "saver"}
    titled = copy.deepcopy(plain())
    titled["sampled"]["_meta"] = {"title": "my sampler"}
    backwards = {
        key: {**part, "inputs": dict(reversed(part["inputs"].items()))} for key, part in reversed(plain().items())
    }
    literal_seed, literal_text = edited(txt2img(SLIM), sampled__seed=123456789012345), txt2img(SLIM)
    joined = edited(txt2img(SLIM), positive__text=f"{SLIM.prompt} on stripes")
    copied = plain() | {"twin": node("CLIPTextEncode", clip=["model", 1], text="")}
    one_text = edited(txt2img(SLIM), positive__text=SLIM.prompt) | {
        "words": node("PrimitiveStringMultiline", value=SLIM.prompt)
    }
    renamed = edited(plain(), model__ckpt_name="renamed.safetensors")
    header = edited(plain(), model__ckpt_name="header.safetensors")
    makers: list[tuple[str, Graph, Graph, dict[str, Any]]] = [
        ("run again with nothing cached", plain(), plain(), {"before": ("", "free")}),
        ("another process, another folder", plain(), plain(), {"servers": ("newest", "again")}),
        ("nodes renumbered", plain(), renumbered(plain(), ids), {}),
        ("keys in another order", plain(), backwards, {}),
        ("a node with a title", plain(), titled, {}),
        ("cfg 7 and 7.0", plain(cfg=7), plain(cfg=7.0), {}),
        ("seed typed and linked", literal_seed, linked_seed(SLIM), {}),
        ("prompt typed and put together", joined, linked_prompt(SLIM), {}),
        ("prompt typed and linked", literal_text, edited(one_text, positive__text=["words", 0]), {}),
        ("one text twice", plain(), edited(copied, sampled__negative=["twin", 0]), {}),
        ("the checkpoint under another name", plain(), renamed, {}),
        ("the checkpoint with another header", plain(), header, {}),
        ("euler on 0.3.64", plain(sampler_name="euler"), plain(sampler_name="euler"), {"servers": FLOOR}),
    ]
    return [case(name, "", a, b, **more) for name, a, b, more in makers]


KINDS: dict[str, Callable[[], list[Case]]] = {"one": single_drifts, "two": double_drifts, "none": no_drift}
