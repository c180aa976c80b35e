"""Reading images: ours, ComfyUI's own, sidecars, and every kind of bad file, each with one clear line."""

from __future__ import annotations

import io
import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from goodseed.cli import run
from goodseed.errors import GoodSeedError, ImageError, RecordError
from goodseed.provenance.embed import ENDINGS, Options, embed, encode, formats, graph_texts
from goodseed.provenance.read import read_image, read_recorded
from goodseed.provenance.record import check_record
from goodseed.provenance.sidecar import sidecar_bytes, sidecar_of
from tests.library.record_maker import PROMPT, sample_record, sha256

FORMATS = formats()
SIZE = (24, 32, 3)


def picture(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, SIZE, dtype=np.uint8)


def png(**texts: str | bytes) -> bytes:
    """A PNG with texts, as other tools write them."""
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    buffer = io.BytesIO()
    Image.fromarray(picture()).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def with_chunk(kind: bytes, body: bytes, data: bytes | None = None, crc: int | None = None) -> bytes:
    """A PNG with one more chunk before its pixels."""
    data = data or png()
    chunk = len(body).to_bytes(4, "big") + kind + body
    return data[:33] + chunk + (zlib.crc32(kind + body) if crc is None else crc).to_bytes(4, "big") + data[33:]


def fails(data: bytes | Path, message: str, kind: type[GoodSeedError] = ImageError) -> None:
    with pytest.raises(kind, match=message) as raised:
        read_image(data, name=None if isinstance(data, Path) else "a.png")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400
    assert str(raised.value).startswith(("a.", "ComfyUI", "there"))


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_file_cut_short_anywhere_is_said_to_be(fmt: str) -> None:
    data = encode(picture(), fmt, sample_record(), PROMPT)
    for share in (0.02, 0.3, 0.6, 0.9, 0.98):
        fails(data[: int(len(data) * share)], "cut short")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"GIF89a" + b"x" * 50, "is no PNG, WebP, JPEG or AVIF image"),
        (b"just text", "is no PNG"),
        (b"\x89PNG\r\n\x1a\n", "is cut short"),
        (b"\xff\xd8\xff\xe0 no jpeg", "is damaged or cut short"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 xxxx", "is damaged or cut short"),
        (b"\x00\x00\x00\x1cftypavif" + b"\x00" * 40, "is damaged or cut short"),
        (png()[:-30], "is cut short"),
    ],
    ids=["empty", "gif", "text", "png head", "jpeg", "webp", "avif", "png cut"],
)
def test_what_is_no_image_is_one_line(data: bytes, message: str) -> None:
    fails(data, message)


def test_a_text_chunk_of_100_mb_is_refused_before_it_is_read() -> None:
    fails(with_chunk(b"tEXt", b"prompt\0" + b" " * (100 << 20)), "holds over 64 MB of text")


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_compressed_bomb_is_refused_within_bounds(kind: bytes) -> None:
    bomb = zlib.compress(b"\0" * (200 << 20), 9)
    body = b"prompt\0\0" + bomb if kind == b"zTXt" else b"prompt\0\1\0\0\0" + bomb
    fails(with_chunk(kind, body), "swells without end")


def test_many_texts_count_together() -> None:
    data = png()
    for number in range(5):
        data = with_chunk(b"tEXt", b"key%d\0" % number + b"x" * (15 << 20), data)
    fails(data, "holds over 64 MB of text")


def test_a_bomb_of_pixels_is_not_opened() -> None:
    rows = zlib.compress(b"\0" * (3 * 12_000 + 1) * 4000, 9)
    head = (12_000).to_bytes(4, "big") + (4000).to_bytes(4, "big") + b"\x08\x02\0\0\0"
    chunks = [(b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big") for kind, body in chunks
    )
    fails(data, "12000×4000 px in .* KB look like a decompression bomb")


def test_a_file_over_512_mb_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        file.truncate(600 << 20)
    fails(path, "600 MB are over the limit of 512 MB")


def test_a_missing_file_a_folder_and_a_device_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.folder").mkdir()
    fails(tmp_path / "a.png", "there is no such file")
    fails(tmp_path / "a.folder", "is no file")
    (tmp_path / "a.null").symlink_to("/dev/null")
    fails(tmp_path / "a.null", "is no file")
    fails(tmp_path / "a.\0png", "a.")


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png())
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    fails(path, "cannot be read")


def test_a_damaged_text_is_noticed() -> None:
    fails(with_chunk(b"tEXt", b"prompt\0{}", crc=5), r"a text in it is damaged \(checksum at byte 33\)")
    fails(with_chunk(b"zTXt", b"prompt\0\0no zlib"), "cannot be decompressed")


def edited(record: dict[str, Any], **texts: str) -> bytes:
    return with_chunk(b"iTXt", b"goodseed.record\0\0\0\0\0" + json.dumps(record).encode(), png(**texts))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version: 2 is newer than 1, .*; update Good Seed"),
        ({"version": "1"}, "version: '1' is no version"),
        ({"tuple__seed__value": 43, "tuple_sha256": sample_record()["tuple_sha256"]}, "edited by hand"),
        ({"schema": "other"}, "is no record of Good Seed"),
        ({"runs": 7}, "runs: is missing or no list"),
        ({"pixels": {"sha256": "x"}}, "pixels"),
    ],
    ids=["newer", "text version", "edited", "schema", "runs", "pixels"],
)
def test_an_unsound_record_is_one_line_that_names_the_part(changes: dict[str, Any], message: str) -> None:
    fails(edited(sample_record(**changes)), message, RecordError)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff\xfe{}", "is no JSON"),
        (b"{", "is no JSON"),
        (b'{"schema": NaN}', "NaN is no number of JSON"),
        (b"[" * 100_000, "nested deeper"),
        (b"[]", "schema"),
    ],
    ids=["utf-8", "json", "nan", "deep", "list"],
)
def test_a_record_that_is_no_json_is_one_line(text: bytes, message: str) -> None:
    fails(with_chunk(b"iTXt", b"goodseed.record\0\0\0\0\0" + text), message, RecordError)


def test_the_sidecar_stands_in_for_a_damaged_record(tmp_path: Path) -> None:
    record = embed(picture(), "png", sample_record(), {}, Options()).record
    path = tmp_path / "a.png"
    path.write_bytes(edited(sample_record(version=2)))
    sidecar_of(path).write_bytes(sidecar_bytes(record, {}))
    reading = read_image(path)
    assert reading.record == record
    assert reading.sidecar_used
    assert "The image's own record cannot be used" in reading.notes[0]


@pytest.mark.parametrize("fmt", FORMATS)
def test_the_sidecar_serves_where_the_image_was_stripped(fmt: str, tmp_path: Path) -> None:
    embedded = embed(picture(), fmt, sample_record(), {}, Options())
    path = tmp_path / f"a.{ENDINGS[fmt]}"
    path.write_bytes(encode(picture(), fmt))
    assert read_image(path).record is None
    sidecar_of(path).write_bytes(sidecar_bytes(embedded.record, {}))
    assert read_image(path).record == embedded.record
    assert read_recorded(sidecar_of(path)).record == embedded.record


def test_a_sidecar_of_another_image_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png())
    other = embed(picture(2), "png", sample_record(), {}, Options()).record
    sidecar_of(path).write_bytes(sidecar_bytes(other, {}))
    reading = read_image(path)
    assert reading.record is None
    assert reading.notes == ["a.png.json is of another image: the pixels differ."]


def test_a_jpeg_without_the_sidecar_that_it_names_says_so(tmp_path: Path) -> None:
    record = sample_record(prompts__0__text="x" * 70_000)
    embedded = embed(picture(), "jpeg", record, {}, Options())
    path = tmp_path / "a.jpg"
    path.write_bytes(embedded.data)
    fails(path, r"its record did not fit into it and lies in a\.jpg\.json, which is not beside it", RecordError)
    sidecar_of(path).write_bytes(sidecar_bytes(sample_record(), {}))
    fails(path, "is not the record that the image names", RecordError)
    sidecar_of(path).write_bytes(b"{}")
    fails(path, r"a\.jpg\.json: record: schema", RecordError)


def test_edited_pixels_are_noticed() -> None:
    data = edited({**sample_record(), "pixels": {"sha256": sha256("x"), "shape": [24, 32, 3], "dtype": "uint8"}})
    assert read_image(data).notes == [
        "The pixels are not those that were saved: the image was edited or converted since."
    ]


def test_a_picture_of_stock_comfyui_gives_what_its_graph_says() -> None:
    reading = read_image(png(prompt=json.dumps(PROMPT), workflow='{"nodes": []}'))
    record = reading.record
    check_record(record)
    assert reading.source == "comfyui"
    assert reading.workflow == {"nodes": []}
    values = {name: entry["value"] for name, entry in record["tuple"].items()}
    assert {name: values[name] for name in ("seed", "sampler", "scheduler", "steps", "cfg", "denoise", "width")} == {
        "seed": 42, "sampler": "euler", "scheduler": "simple", "steps": 2, "cfg": 7.5, "denoise": 1.0, "width": 64,
    }  # fmt: skip
    assert values["prompt_sha256"] == sha256("a red ball")
    assert values["negative_sha256"] == sha256("blurry")
    assert values["model"] is None
    assert {entry["known"] for entry in record["tuple"].values()} == {"graph", "unknown"}
    assert record["recipe"]["saver"] == "9"
    assert sorted((model["role"], model["name"]) for model in record["models"]) == [
        ("checkpoints", "base/model.safetensors"),
        ("loras", "soft.safetensors"),
    ]
    assert record["pixels"] == reading.pixels


def test_a_seed_that_came_by_link_is_unknown_without_an_observation() -> None:
    prompt = json.loads(json.dumps(PROMPT))
    prompt["3"]["inputs"]["seed"] = ["20", 0]
    prompt["20"] = {"class_type": "SeedChooser", "inputs": {"value": 5}}
    entry = read_image(png(prompt=json.dumps(prompt))).record["tuple"]["seed"]
    assert entry == {"value": None, "known": "unknown"}


def test_of_two_savers_that_differ_nothing_is_guessed() -> None:
    prompt = json.loads(json.dumps(PROMPT))
    prompt["30"] = {**json.loads(json.dumps(prompt["3"]))}
    prompt["30"]["inputs"]["seed"] = 43
    prompt["31"] = {"class_type": "VAEDecode", "inputs": {"samples": ["30", 0], "vae": ["1", 2]}}
    prompt["32"] = {"class_type": "SaveImage", "inputs": {"images": ["31", 0]}}
    record = read_image(png(prompt=json.dumps(prompt))).record
    assert {entry["known"] for entry in record["tuple"].values()} == {"unknown"}


@pytest.mark.parametrize(
    "prompt",
    [
        {"1": {"class_type": "A", "inputs": {"images": ["2", 0]}}, "2": {"class_type": "B", "inputs": {"x": ["1", 0]}}},
        {"1": {"class_type": "SaveImage", "inputs": {"images": ["missing", 0]}}},
        {"1": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}},
        {"1": None, "2": [], "3": {"inputs": 4}, "4": {"class_type": None, "inputs": {"images": ["2", 1e300]}}},
        {"1": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "text": "\ud800"}}},
        {},
    ],
    ids=["cycle", "missing", "self", "odd", "surrogate", "empty"],
)
def test_a_broken_graph_is_read_without_harm(prompt: dict[str, Any]) -> None:
    reading = read_image(png(prompt=json.dumps(prompt)))
    if reading.record is not None:
        check_record(reading.record)


def test_a_deep_graph_takes_no_time() -> None:
    links = [{"images": [str(n - 1), 0], "b": [str(n - 1), 1]} for n in range(3001)]
    prompt = {str(n): {"class_type": "A", "inputs": inputs} for n, inputs in enumerate(links)}
    assert "3001 nodes, over the limit" in read_image(png(prompt=json.dumps(prompt))).notes[0]
    del prompt["3000"]
    assert len(read_image(png(prompt=json.dumps(prompt))).record["recipe"]["nodes"]) == 3000


def test_a_bare_nan_of_stock_comfyui_does_not_hide_the_graph() -> None:
    prompt = {**PROMPT, "9": {**PROMPT["9"], "is_changed": [float("nan")]}}
    reading = read_image(png(prompt=json.dumps(prompt)))
    assert reading.prompt["9"]["is_changed"] == ["NaN"]
    assert reading.record["tuple"]["seed"]["value"] == 42


def test_texts_that_are_not_utf_8_are_read_as_latin_1() -> None:
    data = with_chunk(b"tEXt", b"prompt\0" + '{"1": {"class_type": "caf\xe9"}}'.encode("latin-1"))
    assert read_image(data).prompt["1"]["class_type"] == "café"


@pytest.mark.parametrize("mode", ["L", "P", "LA", "RGBA", "1", "I;16"])
def test_pixels_of_every_mode_are_hashed_as_rgb_or_rgba(mode: str) -> None:
    buffer = io.BytesIO()
    if mode == "I;16":
        image = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000)
    else:
        image = Image.fromarray(picture()).convert(mode)
    image.save(buffer, "PNG")
    reading = read_image(buffer.getvalue(), keep_image=True)
    assert reading.image.shape[2] == (4 if mode in ("LA", "RGBA") else 3)
    assert reading.pixels["shape"] == list(reading.image.shape)


def test_a_record_is_asked_of_an_image_that_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png())
    with pytest.raises(RecordError, match=r"holds no record.*: name the file that was saved first"):
        read_recorded(path)
    assert run(["inspect", str(path)]) == 2


@pytest.mark.parametrize("workflow", [PROMPT, {"nodes": [], "links": []}], ids=["of the API", "of the editor"])
def test_a_workflow_in_place_of_a_record_is_called_so(workflow: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(workflow))
    with pytest.raises(RecordError, match=r"^flow\.json: is a workflow of ComfyUI and no record; name an image"):
        read_recorded(path)


def test_a_folder_in_place_of_an_image_keeps_its_name() -> None:
    with pytest.raises(ImageError, match=r"^\.: is no file; name an image"):
        read_image(Path("."))


def test_inspect_prints_the_record_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    embedded = embed(picture(), "png", sample_record(), graph_texts(PROMPT, None), Options())
    path = tmp_path / "a.png"
    path.write_bytes(embedded.data)
    sidecar_of(path).write_bytes(sidecar_bytes(embedded.record, {}))
    for source in (path, sidecar_of(path)):
        assert run(["inspect", str(source), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == embedded.record
    assert run(["inspect", str(path)]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "a red ball" in shown.err


def test_inspect_writes_the_workflow_of_a_jpeg_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workflow = {"nodes": [{"id": 1, "title": "café 🌵"}], "version": 0.4}
    texts = graph_texts(PROMPT, {"workflow": workflow})
    (tmp_path / "a.jpg").write_bytes(embed(picture(), "jpeg", sample_record(), texts, Options()).data)
    assert run(["inspect", str(tmp_path / "a.jpg"), "--workflow", str(tmp_path / "graph.json")]) == 0
    assert json.loads((tmp_path / "graph.json").read_text("utf-8")) == workflow
    (tmp_path / "b.png").write_bytes(embed(picture(), "png", sample_record(), {}, Options()).data)
    assert run(["inspect", str(tmp_path / "b.png"), "--workflow", str(tmp_path / "none.json")]) == 2
    assert "b.png: holds no workflow of ComfyUI" in capsys.readouterr().err
    assert not (tmp_path / "none.json").exists()


@pytest.mark.parametrize(
    "content", [None, b"", b"text", png(), b"{}"], ids=["missing", "empty", "text", "none", "json"]
)
def test_inspect_of_bad_input_is_exit_2_and_one_line(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ("a.json" if content == b"{}" else "a.png")
    if content is not None:
        path.write_bytes(content)
    assert run(["inspect", str(path), "--json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out).keys() == {"error"}
    assert err == ""
    assert str(tmp_path) not in out
