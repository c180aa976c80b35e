"""Records in image files: what goes in comes out, in every format, and ComfyUI's own texts stay ComfyUI's."""

from __future__ import annotations

import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from goodseed.errors import OutputError
from goodseed.provenance.embed import ENDINGS, LOSSLESS, Options, embed, encode, formats, graph_texts, to_uint8
from goodseed.provenance.embed.exif import build_exif, exif_texts
from goodseed.provenance.fingerprint import pixels_of
from goodseed.provenance.read import read_image
from goodseed.provenance.sidecar import parse_sidecar, read_sidecar, sidecar_bytes, sidecar_of
from tests.library.record_maker import PROMPT, sample_record

WORKFLOW = {"nodes": [{"id": 1, "title": "café 🌵"}], "links": [], "version": 0.4}
TEXTS = [
    "plain",
    "café crème",
    "🌵👩‍👩‍👧 emoji",
    "quote ’ and \u200b zero-width",
    "line\nbreak\ttab",
    "\x01 odd",
    "x" * 1_000_000,
]
FORMATS = formats()


def picture(height: int = 40, width: int = 56, channels: int = 3) -> np.ndarray:
    """Smooth colours with some noise; the same each time."""
    rows, columns, depth = np.mgrid[0:height, 0:width, 0:channels]
    noise = np.random.default_rng(4).integers(0, 9, (height, width, channels))
    return ((rows * 3 + columns * 2 + depth * 60 + noise) % 256).astype(np.uint8)


def with_prompt(text: str) -> dict[str, Any]:
    return sample_record(prompts__0__text=text)


def test_all_formats_are_offered_here() -> None:
    assert list(ENDINGS) == FORMATS


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:12]))
@pytest.mark.parametrize("fmt", FORMATS)
def test_a_record_comes_out_as_it_went_in(fmt: str, text: str, tmp_path: Path) -> None:
    record, image = with_prompt(text), picture()
    embedded = embed(image, fmt, record, graph_texts(PROMPT, {"workflow": WORKFLOW}), Options())
    path = tmp_path / f"a.{ENDINGS[fmt]}"
    path.write_bytes(embedded.data)
    if embedded.left_out:
        assert fmt == "jpeg"
        assert len(text) > 60_000
        kept = {key: graph_texts(PROMPT, {"workflow": WORKFLOW})[key] for key in embedded.left_out[1:]}
        sidecar_of(path).write_bytes(sidecar_bytes(embedded.record, kept))
    reading = read_image(path)
    expected = {**record, "pixels": pixels_of(image), **({} if fmt in LOSSLESS else {"lossy": True})}
    assert reading.record == expected == embedded.record
    assert (reading.prompt, reading.workflow) == (PROMPT, WORKFLOW)
    assert reading.source == "goodseed"
    assert reading.notes == []
    assert reading.sidecar_used == bool(embedded.left_out)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("fmt", LOSSLESS)
def test_a_lossless_format_keeps_every_bit(fmt: str, channels: int) -> None:
    image = picture(channels=channels)
    reading = read_image(encode(image, fmt, sample_record()), keep_image=True)
    expected = np.repeat(image, 3, axis=2) if channels == 1 else image
    assert np.array_equal(reading.image, expected)
    assert reading.record["pixels"] == reading.pixels == pixels_of(expected)


@pytest.mark.parametrize("fmt", FORMATS)
def test_an_opaque_alpha_channel_reads_back_as_it_was_recorded(fmt: str) -> None:
    image = np.concatenate([picture(), np.full((40, 56, 1), 255, np.uint8)], axis=2)
    reading = read_image(encode(image, fmt, sample_record()))
    assert reading.notes == []
    assert reading.record["pixels"]["shape"] == reading.pixels["shape"]


@pytest.mark.parametrize("fmt", FORMATS)
def test_without_a_record_and_a_graph_nothing_is_written(fmt: str) -> None:
    data = encode(picture(), fmt)
    assert read_image(data).source == "none"
    assert b"goodseed" not in data
    assert not Image.open(io.BytesIO(data)).getexif()


def test_the_png_chunks_of_comfyui_are_the_bytes_that_saveimage_writes() -> None:
    """nodes.py, SaveImage: PngInfo.add_text of json.dumps, compress_level 4."""
    image, extra = picture(), {"workflow": WORKFLOW, "other pack": [1, {"é": None}]}
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", json.dumps(PROMPT))
    for key in extra:
        info.add_text(key, json.dumps(extra[key]))
    stock = io.BytesIO()
    Image.fromarray(image).save(stock, pnginfo=info, compress_level=4, format="PNG")
    assert embed(image, "png", None, graph_texts(PROMPT, extra), Options()).data == stock.getvalue()


def test_the_record_lies_in_an_uncompressed_itxt_chunk() -> None:
    kinds = {
        body.partition(b"\0")[0]: (kind, body) for kind, body in _chunks(encode(picture(), "png", sample_record()))
    }
    kind, body = kinds[b"goodseed.record"]
    assert kind == b"iTXt"
    assert body[len(b"goodseed.record\0") :][:2] == b"\0\0"


@pytest.mark.parametrize("fmt", ["webp", "webp lossless", "avif"])
def test_the_front_end_finds_the_graph_where_comfyui_puts_it(fmt: str) -> None:
    """comfy_api/latest/_ui.py: `prompt:` in Model, `workflow:` in Make, as ASCII."""
    exif = Image.open(io.BytesIO(encode(picture(), fmt, sample_record(), PROMPT, WORKFLOW))).getexif()
    assert exif[0x0110] == "prompt:" + json.dumps(PROMPT)
    assert exif[0x010F] == "workflow:" + json.dumps(WORKFLOW)


def test_nan_and_fingerprints_stay_out_of_the_prompt() -> None:
    prompt = {
        "1": {"class_type": "A", "inputs": {"x": float("nan"), "y": [float("inf")]}, "is_changed": [float("nan")]}
    }
    data = encode(picture(), "png", sample_record(), prompt, {"n": float("-inf")})
    reading = read_image(data)
    assert reading.prompt == {"1": {"class_type": "A", "inputs": {"x": "nan", "y": ["inf"]}}}
    assert reading.workflow == {"n": "-inf"}
    assert b"NaN" not in data


def test_a_jpeg_over_64_kb_says_where_its_record_is(tmp_path: Path) -> None:
    record = with_prompt("x" * 70_000)
    embedded = embed(picture(), "jpeg", record, graph_texts(PROMPT, {"workflow": WORKFLOW}), Options())
    assert embedded.left_out == ("goodseed.record",)
    stub = json.loads(exif_texts(Image.open(io.BytesIO(embedded.data)).info["exif"])["goodseed.record"])
    assert stub.keys() == {"schema", "version", "in_sidecar"}


@pytest.mark.parametrize(
    ("big", "left_out"),
    [
        ({"workflow": {"x": "w" * 70_000}}, ("goodseed.record", "workflow")),
        ({"prompt": {"1": {"class_type": "p" * 70_000, "inputs": {}}}}, ("goodseed.record", "workflow", "prompt")),
        ({"other": "o" * 70_000}, ("goodseed.record", "other")),
    ],
    ids=["workflow", "prompt", "other"],
)
def test_what_does_not_fit_into_a_jpeg_is_named_and_kept_in_the_sidecar(
    big: dict[str, Any], left_out: tuple[str, ...], tmp_path: Path
) -> None:
    extra = {"workflow": WORKFLOW, **big}
    prompt = extra.pop("prompt", PROMPT)
    texts = graph_texts(prompt, extra)
    embedded = embed(picture(), "jpeg", sample_record(), texts, Options())
    assert embedded.left_out == left_out
    path = tmp_path / "a.jpg"
    path.write_bytes(embedded.data)
    sidecar_of(path).write_bytes(sidecar_bytes(embedded.record, {key: texts[key] for key in left_out[1:]}))
    reading = read_image(path)
    assert (reading.prompt, reading.workflow) == (prompt, extra["workflow"])
    assert read_sidecar(sidecar_of(path))[0] == embedded.record


@pytest.mark.parametrize("fmt", ["webp lossless", "webp"])
@pytest.mark.parametrize("channels", [3, 4])
def test_the_front_end_finds_exif_behind_every_picture_in_a_webp(fmt: str, channels: int) -> None:
    """ComfyUI's front end 1.27 steps over a chunk by its size, and forgets the byte that pads an odd one."""
    for side in range(1, 24):
        image = np.random.default_rng(side).integers(0, 256, (side, side + 1, channels), dtype=np.uint8)
        data = encode(image, fmt, None, PROMPT)
        place = 12
        while data[place : place + 4] != b"EXIF":
            place += 8 + int.from_bytes(data[place + 4 : place + 8], "little")
            assert place < len(data)
        with Image.open(io.BytesIO(data)) as file:
            assert exif_texts(file.info["exif"])["prompt"] == json.dumps(PROMPT)
            if fmt in LOSSLESS:
                assert np.array_equal(np.asarray(file), image)


def test_a_sidecar_is_the_record_and_no_workflow() -> None:
    record = sample_record()
    written = sidecar_bytes(record, {})
    assert json.loads(written) == {**record, "templates": []}  # for ComfyUI's front end, see tests/browser
    assert parse_sidecar(written, "a.json") == (record, {})


@pytest.mark.parametrize(
    ("fmt", "shape", "message"),
    [
        ("webp", (1, 16384, 3), "16384×1 px is over its limit of 16383; use png"),
        ("jpeg", (65501, 1, 3), "over its limit of 65500"),
        ("jpeg", (4, 4, 4), "has no transparency"),
        ("png", (4, 4, 2), "2 channels are no picture"),
        ("tiff", (4, 4, 3), "is unknown; use png,"),
    ],
)
def test_what_a_format_cannot_hold_is_one_line(fmt: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(OutputError, match=message) as raised:
        encode(np.zeros(shape, np.uint8), fmt, sample_record())
    assert "\n" not in str(raised.value)


def test_floats_become_the_bytes_of_saveimage() -> None:
    image = np.random.default_rng(1).normal(0.5, 0.5, (64, 64, 3)).astype(np.float32)
    assert np.array_equal(to_uint8(image), np.clip(255.0 * image, 0, 255).astype(np.uint8))
    before = image.copy()
    to_uint8(image)
    assert np.array_equal(image, before)


@pytest.mark.parametrize("byte_order", ["utf-16-be", "utf-16-le", "utf-16"])
def test_a_user_comment_is_read_in_either_byte_order(byte_order: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + "a café, Steps: 3".encode(byte_order)
    assert exif_texts(exif.tobytes()) == {"parameters": "a café, Steps: 3"}


def test_any_tag_is_searched_by_prefix() -> None:
    exif = Image.Exif()
    exif[0x010E] = 'Workflow:{"a": 1}'
    exif[0x0131] = 'prompt:{"b": 2}'
    exif[0x9C9C - 1] = "nothing keyed"
    assert exif_texts(exif.tobytes()) == {"workflow": '{"a": 1}', "prompt": '{"b": 2}'}


def test_exif_without_texts_is_empty() -> None:
    assert build_exif({}, None) == b""


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    place, found = 8, []
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        assert zlib.crc32(kind + body) == int.from_bytes(data[place + 8 + size : place + 12 + size], "big")
        found.append((kind, body))
        place += 12 + size
    return found
