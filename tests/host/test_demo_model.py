"""The demo model in ComfyUI's own graphs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from tests.host.comfyui import ComfyUI
from tests.host.graphs import Graph, demo, ksampler, node, shown


@pytest.mark.long
def test_every_sampler_and_every_scheduler_gives_a_finite_latent(comfyui: ComfyUI) -> None:
    offered = comfyui.get("/object_info/KSampler")["KSampler"]["input"]["required"]
    samplers, schedulers = (_options(offered[name]) for name in ("sampler_name", "scheduler"))
    graph = demo()
    for name in samplers:
        graph |= {name: ksampler(3, name, steps=3), f"{name} shown": node("ProbeLatent", latent=[name, 0])}
    for name in schedulers:
        graph |= {
            f"s {name}": ksampler(3, steps=3, scheduler=name),
            f"s {name} shown": node("ProbeLatent", latent=[f"s {name}", 0]),
        }
    shown = comfyui.run(graph)
    assert len(shown) == len(samplers) + len(schedulers) > 40
    bad = {name for name, latent in shown.items() if not latent["finite"][0] or latent["shape"] != [[1, 4, 16, 16]]}
    assert not bad


@pytest.mark.parametrize(("width", "height", "batch"), [(128, 128, 3), (192, 128, 1), (136, 152, 2)])
def test_a_picture_of_any_size_and_batch_comes_out(comfyui: ComfyUI, width: int, height: int, batch: int) -> None:
    graph = demo(batch=batch, width=width, height=height)
    pictures = _pictures(comfyui, graph | {"sampled": ksampler(1)} | _decoded("sampled"))
    assert [picture.shape for picture in pictures] == [(height, width, 3)] * batch


def test_the_prompt_and_its_weights_reach_the_picture(comfyui: ComfyUI) -> None:
    prompts = [
        "a red ball",
        "a (red:1.0) ball",
        "a (red:1.6) ball",
        "a blue ball",
        "embedding:nothing (",
        "\U0001f600 " * 3000,
    ]
    graph: Graph = {"demo": node("GoodSeedDemoModel")}
    for i, prompt in enumerate(prompts):
        graph[f"{i}"] = node("CLIPTextEncode", clip=["demo", 1], text=prompt)
        graph[f"{i} shown"] = node("ProbeConditioning", conditioning=[f"{i}", 0])
    shown = comfyui.run(graph)
    hashes = [shown[f"{i} shown"]["hashes"][0] for i in range(len(prompts))]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == len(prompts) - 1
    assert all(shown[f"{i} shown"]["shape"] == [[1, 16, 128]] for i in range(len(prompts)))


def test_image_to_image_keeps_more_of_the_picture_at_lower_denoise(comfyui: ComfyUI) -> None:
    graph = demo() | {
        "picture": node("EmptyImage", width=128, height=128, batch_size=1, color=0x3060C0),
        "encoded": node("VAEEncode", pixels=["picture", 0], vae=["demo", 2]),
    }
    for denoise in (0.1, 1.0):
        graph[f"at {denoise}"] = ksampler(5, latent_image=["encoded", 0], denoise=denoise, steps=4)
        graph[f"{denoise}"] = node("ProbeLatent", latent=[f"at {denoise}", 0], name=f"img2img-{denoise}")
    graph["kept"] = node("ProbeLatent", latent=["encoded", 0], name="img2img-start")
    comfyui.run(graph)
    start, little, much = (np.load(comfyui.output / f"img2img-{name}.npy") for name in ("start", "0.1", "1.0"))
    assert start.shape == (1, 4, 16, 16)
    assert np.abs(little - start).mean() < np.abs(much - start).mean()


@pytest.mark.parametrize("way", ["SetLatentNoiseMask", "VAEEncodeForInpaint"])
def test_inpainting_changes_only_what_the_mask_covers(comfyui: ComfyUI, way: str) -> None:
    graph = demo() | {
        "first": ksampler(7),
        "picture": node("VAEDecode", samples=["first", 0], vae=["demo", 2]),
        "mask": node("SolidMask", value=0.0, width=128, height=128),
        "patch": node("SolidMask", value=1.0, width=64, height=64),
        "half": node("MaskComposite", destination=["mask", 0], source=["patch", 0], x=0, y=0, operation="add"),
        "inpainted": ksampler(8, latent_image=["masked", 0]),
        "kept": node("ProbeLatent", latent=["masked", 0], name=f"{way}-start"),
        "made": node("ProbeLatent", latent=["inpainted", 0], name=f"{way}-end"),
    }
    if way == "SetLatentNoiseMask":
        graph["encoded"] = node("VAEEncode", pixels=["picture", 0], vae=["demo", 2])
        graph["masked"] = node("SetLatentNoiseMask", samples=["encoded", 0], mask=["half", 0])
    else:
        graph["masked"] = node(
            "VAEEncodeForInpaint", pixels=["picture", 0], vae=["demo", 2], mask=["half", 0], grow_mask_by=0
        )
    comfyui.run(graph)
    before, after = (np.load(comfyui.output / f"{way}-{end}.npy") for end in ("start", "end"))
    change = np.abs(after - before)[0].max(axis=0)
    assert change[9:, :].max() < 1e-5
    assert change[:7, :7].min() > 1e-5


def test_tiled_decoding_gives_nearly_the_same_picture(comfyui: ComfyUI) -> None:
    graph = demo(width=256, height=256) | {"sampled": ksampler(1)} | _decoded("sampled")
    whole = _pictures(comfyui, graph)[0]
    graph["decoded"] = node(
        "VAEDecodeTiled",
        samples=["sampled", 0],
        vae=["demo", 2],
        tile_size=128,
        overlap=64,
        temporal_size=64,
        temporal_overlap=8,
    )
    assert np.abs(_pictures(comfyui, graph)[0] - whole).mean() < 0.5


def test_the_inpainting_variant_has_a_model_and_a_vae_of_its_own_and_records_name_them(comfyui: ComfyUI) -> None:
    graph = demo() | {
        "sampled": ksampler(1),
        "decoded": node("VAEDecode", samples=["sampled", 0], vae=["demo", 2]),
        "saved": node("GoodSeedProvenanceSaver", images=["decoded", 0], filename_prefix="variant"),
        "record": shown("saved", 1),
        "text": node("ProbeConditioning", conditioning=["positive", 0]),
        "pixels": node("ProbePixels", images=["decoded", 0]),
    }
    model, variant = (
        comfyui.run(graph | {"demo": node("GoodSeedDemoModel", **chosen)}) for chosen in ({}, {"variant": "inpainting"})
    )
    assert model["text"]["hashes"] == variant["text"]["hashes"]
    assert model["pixels"]["hashes"] != variant["pixels"]["hashes"]
    for given, prefix in ((model, ""), (variant, "inpaint-")):
        files = {entry["role"]: entry["name"] for entry in json.loads(given["record"]["text"][0])["models"]}
        assert files == {
            "diffusion_models": f"{prefix}denoiser.safetensors",
            "text_encoders": "text_encoder.safetensors",
            "vae": f"{prefix}autoencoder.safetensors",
        }


def test_loading_the_demo_model_leaves_the_global_random_state(comfyui: ComfyUI) -> None:
    comfyui.free()
    before = comfyui.run({"state": node("ProbeRandomState")})["state"]
    loaded = comfyui.run({"demo": node("GoodSeedDemoModel"), "state": node("ProbeRandomState", model=["demo", 0])})[
        "state"
    ]
    assert before == loaded


def _options(spec: list) -> list[str]:
    return spec[1]["options"] if spec[0] == "COMBO" else spec[0]


def _decoded(latent: str) -> Graph:
    return {
        "decoded": node("VAEDecode", samples=[latent, 0], vae=["demo", 2]),
        "shown": node("PreviewImage", images=["decoded", 0]),
    }


def _pictures(comfyui: ComfyUI, graph: Graph) -> list[np.ndarray]:
    shown = comfyui.run(graph)["shown"]["images"]
    return [np.asarray(Image.open(comfyui.image(image)).convert("RGB"), dtype=np.int16) for image in shown]
