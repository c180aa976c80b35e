"""Images of other tools, with texts as those tools write them, and our own A1111 text read by sd-parsers."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from sd_parsers import ParserManager

from goodseed.provenance.a1111 import parameters_text
from goodseed.provenance.embed import Options, embed, formats
from goodseed.provenance.read import Reading, read_image
from goodseed.provenance.record import check_record
from tests.library.record_maker import sample_record, sha256

A1111 = """a red ball, (soft:1.2)
second line
Negative prompt: blurry, Size: none
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 18446744073709551615, Size: 512x768, \
Model hash: 6ce0161689, Model: v1-5-pruned, Denoising strength: 0.7, Version: v1.10.1"""
FOOOCUS = {
    "prompt": "a red ball", "negative_prompt": "blurry", "seed": "7", "steps": 30, "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras", "guidance_scale": 4.0, "sharpness": 2.0, "resolution": "(1152, 896)",
    "base_model": "juggernaut", "base_model_hash": "aeb7e9e689", "version": "Fooocus v2.5.0",
}  # fmt: skip
INVOKE = {
    "positive_prompt": "a red ball", "negative_prompt": "blurry", "seed": 7, "steps": 30, "scheduler": "euler_a",
    "cfg_scale": 6.5, "width": 512, "height": 640, "model": {"model_name": "sdxl", "base_model": "sdxl"},
}  # fmt: skip
NOVELAI = {
    "steps": 28, "sampler": "k_euler_ancestral", "seed": 7, "strength": 0.7, "noise": 0.2, "scale": 11.0,
    "uc": "blurry",
}  # fmt: skip
SWARM = {
    "sui_image_params": {
        "prompt": "a red ball", "negativeprompt": "blurry", "model": "OfficialStableDiffusion/sd_xl_base_1.0",
        "seed": 7, "steps": 20, "cfgscale": 7.0, "width": 1024, "height": 768, "sampler": "euler",
        "scheduler": "normal", "loras": ["soft"], "swarm_version": "0.9.2.1",
    }
}  # fmt: skip
DREAM = '"a red ball [blurry]" -s 50 -S 7 -W 512 -H 640 -C 7.5 -A k_lms'
COMMON = {"prompt_sha256": sha256("a red ball"), "negative_sha256": sha256("blurry"), "seed": 7}


def read(**texts: str) -> Reading:
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=info)
    return read_image(buffer.getvalue())


@pytest.mark.parametrize(
    ("source", "texts", "expected"),
    [
        (
            "a1111",
            {"parameters": A1111},
            {
                "seed": 2**64 - 1, "sampler": "DPM++ 2M", "scheduler": "Karras", "steps": 20, "cfg": 7.5, "width": 512,
                "height": 768, "denoise": 0.7, "prompt_sha256": sha256("a red ball, (soft:1.2)\nsecond line"),
                "negative_sha256": sha256("blurry, Size: none"),
            },
        ),
        (
            "fooocus",
            {"parameters": json.dumps(FOOOCUS), "fooocus_scheme": "fooocus"},
            COMMON | {"sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras", "steps": 30, "cfg": 4.0, "width": 1152,
                      "height": 896},
        ),
        (
            "invokeai",
            {"invokeai_metadata": json.dumps(INVOKE)},
            COMMON | {"sampler": "euler_a", "steps": 30, "cfg": 6.5, "width": 512, "height": 640},
        ),
        (
            "invokeai",
            {"Dream": DREAM},
            COMMON | {"sampler": "k_lms", "steps": 50, "cfg": 7.5, "width": 512, "height": 640},
        ),
        (
            "novelai",
            {"Description": "a red ball", "Source": "Stable Diffusion 1D44365E", "Software": "NovelAI",
             "Comment": json.dumps(NOVELAI)},
            COMMON | {"sampler": "k_euler_ancestral", "steps": 28, "cfg": 11.0, "denoise": 0.7},
        ),
        (
            "swarmui",
            {"parameters": json.dumps(SWARM, indent=2)},
            COMMON | {"sampler": "euler", "scheduler": "normal", "steps": 20, "cfg": 7.0, "width": 1024, "height": 768},
        ),
    ],
    ids=["a1111", "fooocus", "invokeai", "dream", "novelai", "swarmui"],
)  # fmt: skip
def test_what_another_tool_wrote_is_given_and_the_rest_unknown(
    source: str, texts: dict[str, str], expected: dict[str, Any]
) -> None:
    reading = read(**texts)
    check_record(reading.record)
    assert reading.source == source == reading.record["source"]
    known = {name: entry["value"] for name, entry in reading.record["tuple"].items() if entry["known"] != "unknown"}
    assert known == expected
    assert {entry["known"] for entry in reading.record["tuple"].values()} <= {"given", "unknown"}
    assert (reading.record["recipe"], reading.record["runs"]) == (None, [])


def test_a_short_hash_is_no_sha256_of_a_model() -> None:
    record = read(parameters=A1111).record
    assert record["models"][0]["short_hash"] == "6ce0161689"
    assert record["models"][0]["sha256"]["known"] == "unknown"
    assert record["tuple"]["model"]["value"] is None


@pytest.mark.parametrize("byte_order", ["utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("fmt", ["JPEG", "WEBP"])
def test_parameters_in_a_user_comment_are_read(fmt: str, byte_order: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + A1111.encode(byte_order)
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, fmt, exif=exif)
    reading = read_image(buffer.getvalue())
    assert reading.source == "a1111"
    assert reading.record["tuple"]["seed"]["value"] == 2**64 - 1


@pytest.mark.parametrize(
    "texts",
    [
        {"parameters": "Steps: 1"},
        {"parameters": "[]"},
        {"parameters": '{"sui_image_params": 3}'},
        {"parameters": "a\nNegative prompt: b\nNegative prompt: c\nSteps: 1, Sampler: x, Seed: 1"},
        {"invokeai_metadata": "[]"},
        {"invokeai_metadata": '{"scheduler": null, "model": 4}'},
        {"sd-metadata": '{"image": {"sampler": "a", "prompt": [{"prompt": 3}]}}'},
        {"Comment": "{}", "Description": "x", "Source": "y"},
        {"Dream": '"' + " -" * 3900},
        {"parameters": "{" * 100_000},
    ],
    ids=lambda texts: next(iter(texts.items()))[0] + str(len(str(texts))),
)
def test_a_text_that_no_parser_understands_is_no_record(texts: dict[str, str]) -> None:
    reading = read(**texts)
    assert reading.record is None
    assert reading.source == "none"


@pytest.mark.parametrize(
    "texts",
    [
        {"parameters": "Hashes: {" * 100_000},
        {"parameters": "," + " " * 1_000_000 + "Steps"},
        {"Source": " " * 200_000, "Comment": '{"sampler": "x"}', "Description": "x"},
        {"Dream": '"x"' + " " * 200_000},
        {"parameters": "Steps: 1, Sampler: x, Seed: 1\n" * 50_000},
    ],
    ids=["hashes", "blanks", "source", "dream", "lines"],
)
def test_a_text_made_to_stall_a_parser_does_not(texts: dict[str, str]) -> None:
    import time

    start = time.process_time()
    read(**texts)
    assert time.process_time() - start < 1


def test_without_sd_parsers_the_note_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sd_parsers", None)
    for name in [name for name in sys.modules if name.startswith("sd_parsers.")]:
        monkeypatch.setitem(sys.modules, name, None)
    reading = read(parameters=A1111)
    assert reading.record is None
    assert reading.notes == [
        "sd-parsers: is not installed, and the image was made by another tool; pip install sd-parsers"
    ]


@pytest.mark.parametrize("fmt", [name for name in formats() if name != "avif"])  # sd-parsers reads no AVIF
@pytest.mark.parametrize("text", ["a red ball", "café 🌵, quotes “x”", "two\nlines"])
def test_sd_parsers_reads_our_a1111_text(fmt: str, text: str) -> None:
    record = sample_record(prompts__0__text=text)
    image = np.zeros((8, 8, 3), np.uint8)
    data = embed(image, fmt, record, {}, Options(a1111=True)).data
    info = ParserManager().parse(io.BytesIO(data))
    assert info.full_prompt == text
    assert info.full_negative_prompt == "blurry"
    sampler = info.samplers[0]
    assert sampler.name == "Euler"
    assert {name: sampler.parameters[name] for name in ("steps", "seed", "cfg_scale", "scheduler")} == {
        "steps": "2", "seed": "42", "cfg_scale": "7.5", "scheduler": "Simple",
    }  # fmt: skip
    assert (sampler.model.name, sampler.model.hash) == ("model", sha256("model")[:10])
    assert read_image(data).source == "goodseed"


def test_a1111_text_in_an_avif_is_read_back() -> None:
    from goodseed.provenance.embed.decode import Picture

    data = embed(np.zeros((8, 8, 3), np.uint8), "avif", sample_record(), {}, Options(a1111=True)).data
    assert Picture(io.BytesIO(data), "a").texts["parameters"] == parameters_text(sample_record())


def test_the_text_is_as_a1111_writes_it() -> None:
    assert parameters_text(sample_record(tuple__denoise__value=0.5)).split("\n") == [
        "a red ball",
        "Negative prompt: blurry",
        "Steps: 2, Sampler: Euler, Schedule type: Simple, CFG scale: 7.5, Seed: 42, Size: 64x64, "
        f"Model hash: {sha256('model')[:10]}, Model: model, Denoising strength: 0.5, "
        f'Lora hashes: "soft: {sha256("soft")[:10]}", Version: ComfyUI 0.33.0',
    ]


def test_without_a_seed_there_is_no_a1111_text() -> None:
    record = sample_record(tuple__seed={"value": None, "known": "unknown"})
    assert parameters_text(record) is None
    data = embed(np.zeros((8, 8, 3), np.uint8), "png", record, {}, Options(a1111=True)).data
    assert b"parameters" not in data


def test_a_backslash_in_a_models_name_stays_out() -> None:
    text = parameters_text(sample_record(models__0__name="sd\\base\\model.v1.safetensors"))
    assert ", Model: model.v1, " in text
