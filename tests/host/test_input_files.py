"""Claim: a record holds the contents of the pictures that went in, and diff and verify name one that changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from goodseed.errors import ServerError
from goodseed.provenance.diff import diff
from goodseed.provenance.read import read_image
from goodseed.provenance.record import check_record
from goodseed.provenance.verify.client import Server
from goodseed.provenance.verify.run import Settings, verify
from tests.host.comfyui import ComfyUI, Graph
from tests.host.graphs import demo, ksampler, node

Record = dict[str, Any]


def draw(path: Path, value: int = 0) -> Path:
    """Write a picture with a hole in its alpha; `value` is the first pixel's red."""
    pixels = np.zeros((64, 64, 4), dtype=np.uint8)
    pixels[..., :3] = np.arange(64, dtype=np.uint8)[:, None, None] * 4
    pixels[..., 3] = 255
    pixels[:32, :32, 3] = 0
    pixels[0, 0, 0] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def sha256(path: Path) -> dict[str, str]:
    return {"value": hashlib.sha256(path.read_bytes()).hexdigest(), "known": "graph"}


def inpaint(picture: str, mask: str) -> Graph:
    """A picture made from a picture, inside a mask, by the demo model under a Guard."""
    return demo() | {
        "picture": node("LoadImage", image=picture),
        "mask": node("LoadImageMask", image=mask, channel="alpha"),
        "encoded": node("VAEEncode", pixels=["picture", 0], vae=["demo", 2]),
        "latent": node("SetLatentNoiseMask", samples=["encoded", 0], mask=["mask", 0]),
        "guard": node("GoodSeedDeterminismGuard", model=["demo", 0], mode="warn", portable_noise=False),
        "sampled": ksampler(7, model=["guard", 0], denoise=0.6),
        "decoded": node("VAEDecode", samples=["sampled", 0], vae=["demo", 2]),
        "saver": node("GoodSeedProvenanceSaver", images=["decoded", 0], filename_prefix="inputs/a"),
    }


def made(comfyui: ComfyUI, graph: Graph) -> tuple[Path, Record]:
    path = comfyui.image(comfyui.run(graph)["saver"]["images"][0])
    record = read_image(path).record
    check_record(record)
    assert record is not None
    return path, record


def again(comfyui: ComfyUI, image: Path) -> Any:
    return verify(image, Server(f"127.0.0.1:{comfyui.port}", patience=120), Settings(), lambda *_: None)


def test_a_changed_picture_is_named_by_diff_and_verify(comfyui: ComfyUI, tmp_path: Path) -> None:
    picture = draw(comfyui.base / "input" / "sub" / "drift.png")
    mask = draw(comfyui.base / "output" / "drift-mask.png", 9)
    graph = inpaint("sub/drift.png [input]", "drift-mask.png [output]")
    image, first = made(comfyui, graph)
    assert sorted(first["inputs"], key=lambda entry: str(entry["node"])) == [
        {"node": "mask", "input": "image", "file": "drift-mask.png", "folder": "output", "sha256": sha256(mask)},
        {"node": "picture", "input": "image", "file": "sub/drift.png", "folder": "input", "sha256": sha256(picture)},
    ]
    assert again(comfyui, image).verdict == "identical"
    draw(picture, 255)
    _, second = made(comfyui, graph)
    answer = again(comfyui, image)
    assert answer.verdict != "identical"
    for causes in (diff(first, second)["causes"], answer.causes):
        assert [(cause["cause"], cause["where"]) for cause in causes] == [("graph", "LoadImage: sub/drift.png")]
        assert causes[0]["evidence"] == "explains"
    draw(picture)
    digest = sha256(mask)["value"]
    mask.unlink()
    with pytest.raises(ServerError, match=rf"no output picture 'drift-mask\.png' \(sha256 {digest}\)"):
        again(comfyui, image)


def test_a_file_that_is_gone_when_the_image_is_saved_is_unknown_and_the_image_is_saved(comfyui: ComfyUI) -> None:
    draw(comfyui.base / "input" / "gone.png", 3)
    _, record = made(
        comfyui,
        {
            "picture": node("LoadImage", image="gone.png"),
            "removed": node("ProbeRemove", image=["picture", 0], name="gone.png"),
            "saver": node("GoodSeedProvenanceSaver", images=["removed", 0], filename_prefix="inputs/gone"),
        },
    )
    assert [(entry["node"], entry["file"], entry["sha256"]) for entry in record["inputs"]] == [
        ("picture", "gone.png", {"value": None, "known": "unknown"})
    ]


def test_files_outside_of_the_folders_are_not_read(comfyui: ComfyUI) -> None:
    draw(comfyui.base / "secret.png")
    draw(comfyui.base / "input" / "open.png")
    outside = {"up": "../secret.png", "absolute": str(comfyui.base / "secret.png"), "folder": "../secret.png [output]"}
    graph = {
        "picture": node(
            "LoadImage", image="open.png", **outside
        ),  # the host does not mind what a node has not declared
        "saver": node("GoodSeedProvenanceSaver", images=["picture", 0], filename_prefix="inputs/outside"),
    }
    _, record = made(comfyui, graph)
    known = {entry["file"]: entry["sha256"]["known"] for entry in record["inputs"]}
    assert known.pop("open.png") == "graph"
    assert set(known.values()) == {"unknown"}
    assert str(comfyui.base) not in str(record["inputs"])
