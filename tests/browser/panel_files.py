"""Files and graphs for the panel that no user would make: hostile, huge, or only claiming to be."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

PAYLOAD = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def picture_with(path: Path, prompt: dict[str, Any]) -> Path:
    """Write a picture with a graph, as Save Image does."""
    info = PngInfo()
    info.add_text("prompt", json.dumps(prompt))
    pixels = np.full((32, 32, 3), len(path.name) + ord(path.name[0]), np.uint8)
    Image.fromarray(pixels).save(path, pnginfo=info)
    return path


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of few bytes that claims to be large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def hostile(path: Path, text: str) -> Path:
    return picture_with(path, graph_of(text, PAYLOAD, path.name[0]))


def graph_of(text: str, title: str, number: str) -> dict[str, Any]:
    sampler = {
        "seed": int(number), "steps": 2, "cfg": 3.0, "sampler_name": text, "scheduler": "simple", "denoise": 1.0,
        "model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["3", 0],
    }  # fmt: skip
    return {
        "1": {"class_type": "GoodSeedDemoModel", "inputs": {}, "_meta": {"title": title}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["1", 1]}, "_meta": {"title": title}},
        "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 32, "height": 32, "batch_size": 1}},
        "4": {"class_type": "KSampler", "inputs": sampler, "_meta": {"title": title}},
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": text}},
    }


def many_nodes(count: int, text: str, number: int) -> dict[str, Any]:
    """Return a graph with a long chain of nodes before its saver."""
    graph = graph_of("euler", "Sampler", str(number))
    graph["2"]["inputs"]["text"] = text
    source = "5"
    for place in range(100, 100 + count):
        graph[str(place)] = {"class_type": "ImageBlur", "inputs": {"image": [source, 0], "sigma": place + number / 10}}
        source = str(place)
    graph["6"]["inputs"]["images"] = [source, 0]
    return graph


def loader(name: str) -> dict[str, Any]:
    node = {
        "id": 1, "type": "LoadImage", "pos": [100, 100], "size": [270, 314], "flags": {}, "order": 0, "mode": 0,
        "inputs": [], "outputs": [], "properties": {"Node name for S&R": "LoadImage"},
        "widgets_values": [name, "image"],
    }  # fmt: skip
    return {
        "last_node_id": 1, "last_link_id": 0, "nodes": [node], "links": [], "groups": [], "config": {}, "extra": {},
        "version": 0.4,
    }  # fmt: skip
