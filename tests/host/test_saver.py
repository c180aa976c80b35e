"""Provenance Saver and Loader on running servers: what they write and read, and where they never write."""

from __future__ import annotations

import contextlib
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import websocket
from PIL import Image

from goodseed.provenance.embed import ENDINGS, LOSSLESS, formats
from goodseed.provenance.log import LOG_NAME
from goodseed.provenance.read import read_image
from goodseed.provenance.record import check_record, record_id
from goodseed.provenance.sidecar import read_sidecar, sidecar_of
from tests.host.comfyui import ComfyUI, Graph, GraphFailed, GraphRefused, find_comfyui, make_base
from tests.host.conftest import PACK_NAMES, ROOT
from tests.host.graphs import demo, ksampler, node, shown

WORKFLOW = {"nodes": [{"id": 1, "title": "café 🌵"}], "links": [], "version": 0.4}
NOISE = "noise.png"


def saver(prefix: str, images: Any = ("decoded", 0), **changes: Any) -> dict[str, Any]:
    return node("GoodSeedProvenanceSaver", images=list(images), filename_prefix=prefix, **changes)


def guarded(batch: int = 1, seed: int = 7, prompt: str = "a red ball") -> Graph:
    """A picture of the demo model, sampled under a Guard."""
    return demo(prompt, batch) | {
        "guard": node("GoodSeedDeterminismGuard", model=["demo", 0], mode="warn", portable_noise=False),
        "sampled": ksampler(seed, model=["guard", 0]),
        "decoded": node("VAEDecode", samples=["sampled", 0], vae=["demo", 2]),
    }


def plain(size: int = 8, color: int = 0x3060C0, batch: int = 1) -> Graph:
    """A picture without any sampling."""
    return {"decoded": node("EmptyImage", width=size, height=size, batch_size=batch, color=color)}


def noise(comfyui: ComfyUI, batch: int = 1) -> Graph:
    """A picture that no encoder makes small: 768² px of noise, 1.7 MB as PNG."""
    pixels = np.random.default_rng(0).integers(0, 256, (768, 768, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(comfyui.base / "input" / NOISE)
    return {
        "loaded": node("LoadImage", image=NOISE),
        "decoded": node("RepeatImageBatch", image=["loaded", 0], amount=batch),
    }


def saved(comfyui: ComfyUI, outputs: dict[str, Any], name: str = "saver") -> list[Path]:
    return [comfyui.image(image) for image in outputs[name]["images"]]


def without_fingerprints(prompt: Graph) -> Graph:
    """The prompt as it was queued; SaveImage writes the host's notes on what has changed into it."""
    return {key: {name: value for name, value in part.items() if name != "is_changed"} for key, part in prompt.items()}


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith(".goodseed") or path.suffix == ".tmp"]


@pytest.mark.parametrize("fmt", formats())
def test_what_is_saved_reads_back_with_its_graph(comfyui: ComfyUI, fmt: str) -> None:
    graph = guarded(prompt="a café 🌵 ball") | {
        "saver": saver(f"formats/{fmt}", format=fmt),
        "stock": node("SaveImage", images=["decoded", 0], filename_prefix=f"formats/stock {fmt}"),
        "record": shown("saver", 1),
    }
    outputs = comfyui.run(graph, {"workflow": WORKFLOW})
    (path,), (stock,) = saved(comfyui, outputs), saved(comfyui, outputs, "stock")
    assert path.name == f"{fmt}_00001_.{ENDINGS[fmt]}"
    reading = read_image(path)
    check_record(reading.record)
    assert (reading.source, reading.notes, reading.sidecar_used) == ("goodseed", [], False)
    assert reading.workflow == WORKFLOW
    assert reading.prompt == without_fingerprints(read_image(stock).prompt)
    assert reading.record["pixels"] == read_image(stock).pixels
    assert (reading.pixels == reading.record["pixels"]) == (fmt in LOSSLESS)
    assert read_sidecar(sidecar_of(path))[0] == reading.record
    assert json.loads(outputs["record"]["text"][0]) == reading.record
    assert reading.record["tuple"]["seed"] == {"value": 7, "known": "observed"}
    assert reading.record["recipe"]["saver"] == "saver"
    assert str(comfyui.base) not in path.with_name(path.name + ".json").read_text("utf-8")


def test_the_text_chunks_are_the_bytes_that_saveimage_writes(comfyui: ComfyUI) -> None:
    graph = plain() | {
        "saver": saver("chunks/ours"),
        "stock": node("SaveImage", images=["decoded", 0], filename_prefix="chunks/stock"),
    }
    outputs = comfyui.run(graph, {"workflow": WORKFLOW})
    ours, stock = (Image.open(saved(comfyui, outputs, name)[0]).text for name in ("saver", "stock"))
    assert {**ours, "goodseed.record": None} == {**stock, "goodseed.record": None}
    assert "parameters" not in ours


def test_every_item_of_a_batch_has_its_own_record(comfyui: ComfyUI) -> None:
    outputs = comfyui.run(guarded(batch=5) | {"saver": saver("batch/a"), "seen": shown("saver", 1)})
    paths = saved(comfyui, outputs)
    assert [path.name for path in paths] == [f"a_{number:05}_.png" for number in range(1, 6)]
    readings = [read_image(path) for path in paths]
    assert [reading.record["batch"] for reading in readings] == [{"index": index, "size": 5} for index in range(5)]
    assert len({reading.pixels["sha256"] for reading in readings}) == 5
    assert all(reading.pixels == reading.record["pixels"] for reading in readings)
    assert [json.loads(text) for text in outputs["seen"]["text"]] == [reading.record for reading in readings]
    log = [json.loads(line) for line in (paths[0].parent / LOG_NAME).read_text("utf-8").splitlines()]
    assert [line["file"] for line in log] == [path.name for path in paths]
    assert [line["record"] for line in log] == [record_id(reading.record) for reading in readings]
    assert {line["tuple"]["seed"] for line in log} == {7}


def test_without_sidecar_and_log_only_images_are_written(comfyui: ComfyUI) -> None:
    comfyui.run(plain(batch=2) | {"saver": saver("bare/a", sidecar=False, log=False)})
    assert sorted(path.name for path in (comfyui.output / "bare").iterdir()) == ["a_00001_.png", "a_00002_.png"]


def test_a_long_prompt_in_a_jpeg_goes_to_the_sidecar_that_was_turned_off(comfyui: ComfyUI) -> None:
    graph = guarded(prompt="ball " * 20_000) | {"saver": saver("long/a", format="jpeg", sidecar=False)}
    (path,) = saved(comfyui, comfyui.run(graph, {"workflow": WORKFLOW}))
    reading = read_image(path)
    assert reading.sidecar_used
    assert "ball " * 20_000 in [prompt["text"] for prompt in reading.record["prompts"]]
    assert reading.prompt == {key: reading.prompt[key] for key in graph}
    assert reading.workflow == WORKFLOW


def test_a1111_text_is_written_when_it_is_asked_for(comfyui: ComfyUI) -> None:
    (path,) = saved(comfyui, comfyui.run(guarded() | {"saver": saver("a1111/a", a1111=True)}))
    assert (
        "Steps: 2, Sampler: Euler, Schedule type: Simple, CFG scale: 3.0, Seed: 7"
        in Image.open(path).text["parameters"]
    )


def test_the_images_go_through_unchanged(comfyui: ComfyUI) -> None:
    graph = guarded() | {
        "saver": saver("through/a"),
        "again": node("SaveImage", images=["saver", 0], filename_prefix="through/b"),
    }
    outputs = comfyui.run(graph)
    assert read_image(saved(comfyui, outputs)[0]).pixels == read_image(saved(comfyui, outputs, "again")[0]).pixels


def test_counters_go_on_and_nothing_is_overwritten(comfyui: ComfyUI) -> None:
    first = saved(comfyui, comfyui.run(plain(color=1) | {"saver": saver("count/a b%batch_num%")}))[0]
    before = first.read_bytes()
    second = saved(comfyui, comfyui.run(plain(color=2) | {"saver": saver("count/a b%batch_num%")}))[0]
    assert (first.name, second.name) == ("a b0_00001_.png", "a b0_00002_.png")
    assert first.read_bytes() == before


def test_the_hosts_own_variables_are_replaced(comfyui: ComfyUI) -> None:
    (path,) = saved(comfyui, comfyui.run(plain(16) | {"saver": saver("v%year%/%width%x%height%")}))
    assert path.parent.name == f"v{time.localtime().tm_year}"
    assert path.name == "16x16_00001_.png"


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("../escaped", r"\(\.\.\)"),
        ("a/../../escaped", r"\(\.\.\)"),
        ("..\\escaped", r"\(\.\.\)"),
        ("/tmp/escaped", "is an absolute path"),
        ("C:\\escaped", "names a drive"),
        ("a/NUL", "is a reserved name"),
        ("a\0b", "holds"),
        ("", "is empty"),
        ("x" * 300, "has 300 bytes"),
        ("out/escaped", "leads out of the output folder"),
        ("out/deeper/%year%/escaped", "leads out of the output folder"),
        ("y%year%/escaped", "leads out of the output folder"),
        ("file.png/escaped", "its folder cannot be made"),
    ],
    ids=ascii,
)
def test_no_prefix_leads_out_of_the_output_folder(comfyui: ComfyUI, prefix: str, message: str) -> None:
    elsewhere = comfyui.base / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    for link in ("out", f"y{time.localtime().tm_year}"):
        if not (comfyui.output / link).is_symlink():
            (comfyui.output / link).symlink_to(elsewhere)
    (comfyui.output / "file.png").write_bytes(b"x")
    with pytest.raises(GraphFailed, match=message) as failed:
        comfyui.run(plain() | {"saver": saver(prefix)})
    assert "\n" not in str(failed.value)
    assert str(comfyui.base) not in str(failed.value)
    assert not list(elsewhere.iterdir())
    assert not [path for path in comfyui.base.rglob("*escaped*") if "custom_nodes" not in path.parts]
    assert not Path("/tmp/escaped_00001_.png").exists()


def test_a_log_that_is_a_link_is_not_written_through(comfyui: ComfyUI) -> None:
    target = comfyui.base / "target"
    (comfyui.output / "linked").mkdir(exist_ok=True)
    (comfyui.output / "linked" / LOG_NAME).symlink_to(target)
    with pytest.raises(GraphFailed, match="is a link"):
        comfyui.run(plain(color=3) | {"saver": saver("linked/a")})
    assert not target.exists()


def test_a_full_disk_is_one_line_and_leaves_no_half_file(comfyui: ComfyUI) -> None:
    graph = noise(comfyui, batch=3) | {"saver": saver("full/a")}
    limit = resource.prlimit(comfyui.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(comfyui.process.pid, resource.RLIMIT_FSIZE, (1 << 20, limit[1]))
    try:
        with pytest.raises(
            GraphFailed, match=r"a_00001_\.png: cannot be written .*0 of the batch's 3 images are saved"
        ) as failed:
            comfyui.run(graph)
    finally:
        resource.prlimit(comfyui.process.pid, resource.RLIMIT_FSIZE, limit)
    assert "\n" not in str(failed.value)
    assert not list((comfyui.output / "full").iterdir())
    assert len(saved(comfyui, comfyui.run(graph))) == 3


def test_a_cancelled_run_keeps_what_is_finished_and_no_half_file(comfyui: ComfyUI) -> None:
    graph = noise(comfyui, batch=60) | {"saver": saver("cancelled/a")}
    folder = comfyui.output / "cancelled"
    prompt_id = json.loads(comfyui.post("/prompt", {"prompt": graph, "client_id": comfyui.client}))["prompt_id"]
    while not list(folder.glob("*.png")):
        time.sleep(0.02)
    comfyui.post("/interrupt")
    while prompt_id not in comfyui.get(f"/history/{prompt_id}"):
        time.sleep(0.05)
    images = sorted(folder.glob("*.png"))
    assert 0 < len(images) < 60
    assert not leftovers(folder)
    for path in images:
        assert read_image(path).notes == []
        assert sidecar_of(path).is_file()
    assert len((folder / LOG_NAME).read_text().splitlines()) == len(images)


def test_an_empty_batch_and_a_transparent_jpeg_are_refused(comfyui: ComfyUI) -> None:
    graph = plain() | {
        "mask": node("SolidMask", value=0.5, width=8, height=8),
        "seen through": node("JoinImageWithAlpha", image=["decoded", 0], alpha=["mask", 0]),
    }
    with pytest.raises(GraphFailed, match="format jpeg: has no transparency"):
        comfyui.run(graph | {"saver": saver("alpha/a", ["seen through", 0], format="jpeg")})
    (path,) = saved(
        comfyui, comfyui.run(graph | {"saver": saver("alpha/a", ["seen through", 0], format="webp lossless")})
    )
    assert read_image(path).notes == []


@pytest.mark.long
def test_a_server_with_metadata_disabled_writes_pixels_only(demo_weights: Path, tmp_path: Path) -> None:
    root = find_comfyui("newest")
    if root is None:
        pytest.skip("no ComfyUI (newest)")
    base = make_base(tmp_path / "base", ROOT, PACK_NAMES["newest"])
    server = ComfyUI("newest", root, base, {"GOODSEED_DEMO_WEIGHTS": str(demo_weights)}, ["--disable-metadata"]).start()
    try:
        graph = guarded() | {name: saver(f"a {name}", format=name, a1111=True) for name in formats()}
        outputs = server.run(graph | {"record": shown("png", 1)}, {"workflow": WORKFLOW})
        for name in formats():
            (path,) = saved(server, outputs, name)
            assert read_image(path).source == "none"
            assert b"red ball" not in path.read_bytes()
        assert len(list((base / "output").iterdir())) == len(formats())
        assert json.loads(outputs["record"]["text"][0])["tuple"]["seed"]["value"] == 7
    finally:
        server.stop()


def test_the_loader_gives_back_what_was_saved(comfyui: ComfyUI) -> None:
    graph = guarded(seed=2**64 - 1) | {"saver": saver("loaded/a"), "record": shown("saver", 1)}
    outputs = comfyui.run(graph)
    (path,) = saved(comfyui, outputs)
    names = ("record", "positive", "seed", "steps", "cfg", "width", "height", "report")
    slots = {"record": 1, "positive": 2, "seed": 4, "steps": 5, "cfg": 6, "width": 7, "height": 8, "report": 9}
    image = f"loaded/{path.name} [output]"
    graph = {
        "loader": node("GoodSeedProvenanceLoader", image=image),
        "saved": node("SaveImage", images=["loader", 0], filename_prefix="loaded/again"),
        **{name: shown("loader", slots[name]) for name in names},
    }
    loaded = comfyui.run(graph)
    texts = {name: loaded[name]["text"][0] for name in names}
    assert texts["record"] == outputs["record"]["text"][0]
    assert (texts["positive"], int(texts["seed"]), int(texts["steps"])) == ("a red ball", 2**64 - 1, 2)
    assert (float(texts["cfg"]), texts["width"], texts["height"]) == (3.0, "128", "128")
    assert "| seed | 18446744073709551615 | observed |" in texts["report"]
    again = read_image(saved(comfyui, loaded, "saved")[0], keep_image=True)
    assert np.array_equal(again.image, read_image(path, keep_image=True).image)


def test_an_unknown_value_stops_only_the_nodes_that_use_it(comfyui: ComfyUI) -> None:
    Image.new("RGB", (16, 16), (9, 9, 9)).save(comfyui.base / "input" / "nothing.png")
    loader = {"loader": node("GoodSeedProvenanceLoader", image="nothing.png")}
    report = comfyui.run({**loader, "report": shown("loader", 9)})["report"]["text"][0]
    assert report == "**nothing.png**: nothing"
    address = f"ws://127.0.0.1:{comfyui.port}/ws?clientId={comfyui.client}"
    with contextlib.closing(websocket.create_connection(address, timeout=30)) as events:
        outputs = comfyui.run({**loader, "seed": shown("loader", 4), "report": shown("loader", 9)})
        assert outputs.keys() - {"loader"} == {"report"}
        message: dict[str, Any] = {}
        while message.get("type") != "execution_error":
            message = json.loads(events.recv())
    assert message["data"]["node_id"] == "seed"
    assert "the image does not say its seed; enter it by hand" in message["data"]["exception_message"]


def test_a_changed_image_is_loaded_again(comfyui: ComfyUI) -> None:
    path = comfyui.base / "input" / "changing.png"
    graph = {"loader": node("GoodSeedProvenanceLoader", image=path.name), "report": shown("loader", 9)}
    Image.new("RGB", (16, 16)).save(path)
    assert "loader" in comfyui.executed_nodes(graph)
    assert "loader" not in comfyui.executed_nodes(graph)
    Image.new("RGB", (24, 16)).save(path)
    assert "loader" in comfyui.executed_nodes(graph)
    sidecar_of(path).write_bytes(b"{}")
    assert "loader" in comfyui.executed_nodes(graph)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../comfyui.log", "lies outside"),
        ("/etc/hostname", "lies outside"),
        ("../output/x.png [input]", "lies outside|no such file"),
        ("linked.png", "lies outside"),
        ("missing.png", "there is no such file"),
        ("a\0b.png", "no usable name"),
        ("cut.png", "is cut short"),
        ("text.png", "is no PNG, WebP, JPEG or AVIF image"),
    ],
    ids=ascii,
)
def test_the_loader_reads_images_of_comfyuis_folders_only(comfyui: ComfyUI, name: str, message: str) -> None:
    folder = comfyui.base / "input"
    if not (folder / "linked.png").is_symlink():
        (folder / "linked.png").symlink_to(comfyui.log_file)
    Image.new("RGB", (16, 16)).save(folder / "cut.png")
    (folder / "cut.png").write_bytes((folder / "cut.png").read_bytes()[:-20])
    (folder / "text.png").write_text("no picture")
    graph = {"loader": node("GoodSeedProvenanceLoader", image=name), "report": shown("loader", 9)}
    with pytest.raises((GraphRefused, GraphFailed), match=message) as failed:
        comfyui.run(graph)
    assert str(comfyui.base) not in str(failed.value)
