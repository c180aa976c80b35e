"""How long the panel's server takes to compare two pictures, from the question to the last byte of the answer.

Two PNGs of 1024² pixels are sent to a running ComfyUI, as a browser sends what is dropped on the panel: smooth shapes
with fine noise, which decode like decoded images. Then the same with a graph of 500 nodes and a prompt of 1 MB in each,
and what setting such a graph takes. Beside them stands what Pillow alone takes to decode both, one after the other.

    python benchmarks/panel.py [--comfyui DIR] [--size 1024] [--runs 20]
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.options import roots  # noqa: E402
from goodseed.provenance.embed import Options, embed, graph_texts  # noqa: E402
from goodseed.provenance.recipe import recipe_of  # noqa: E402
from tests.host.comfyui import ComfyUI, make_base  # noqa: E402
from tests.host.forms import Part, post  # noqa: E402
from tests.library.record_maker import PROMPT, sample_record  # noqa: E402

NODES, LETTERS = 500, 1_000_000
CHAIN = ("ImageScale", "ImageBlend", "ImageSharpen", "ImageBlur")


@dataclass(frozen=True)
class Pair:
    """Two pictures to compare, and the second one's graph."""

    a: bytes
    b: bytes
    graph: dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comfyui", type=Path, help="a ComfyUI checkout; by default those that the tests use")
    parser.add_argument("--size", type=int, default=1024, help="width and height in pixels")
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    small, large = make_pair(options.size), make_pair(options.size, NODES, LETTERS)
    bare = milliseconds(lambda: (decode(small.a), decode(small.b)), options.runs)
    print(f"{options.size}² px, PNG, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, median of {options.runs}")
    print(f"Pillow alone, both decoded: {bare:.0f} ms")
    for root in roots(options.comfyui):
        with tempfile.TemporaryDirectory() as folder:
            server = ComfyUI("newest", root, make_base(Path(folder) / "base", ROOT, "good-seed")).start()
            try:
                measure(server, root.name, small, large, bare, options.runs)
            finally:
                server.stop()


def measure(server: ComfyUI, name: str, small: Pair, large: Pair, bare: float, runs: int) -> None:
    """Print what each question takes on a server: the first one, then the median of all."""
    server.get("/system_stats")  # waits until it answers
    first = milliseconds(lambda: ask(server, "compare", a=small.a, b=small.b), 1)
    print(f"{name}: the first comparison after the start: {first:.0f} ms")
    graph = json.dumps(large.graph)
    many = f"{NODES} nodes, {LETTERS // 1_000_000} MB prompt"
    for label, work in {
        "compare": lambda: ask(server, "compare", a=small.a, b=small.b),
        "heat": lambda: ask(server, "heat", a=small.a, b=small.b),
        f"compare, {many}": lambda: ask(server, "compare", a=large.a, b=large.b),
        f"changes, {many}": lambda: ask(server, "changes", a=large.a, graph=graph),
    }.items():
        found = milliseconds(work, runs)
        print(f"{name}: {label}: {found:.0f} ms, {found / bare:.1f} × both decoded")


def ask(server: ComfyUI, path: str, **parts: Part) -> None:
    answer = post(server.port, path, **parts)
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {answer.body[:300]!r}")


def make_pair(size: int, nodes: int = 0, letters: int = 0) -> Pair:
    """Return two pictures of one graph with another seed, one word and one invisible character."""
    words = np.random.default_rng(1).choice([f"word{number}" for number in range(5000)], letters // 8)
    text = "a red ball " + " ".join(words)
    middle = len(text) // 2
    other = text.replace("red ", "red\u00a0", 1)[:middle] + " another" + text[middle:]
    first, second = graph_of(42, text, nodes), graph_of(43, other, nodes)
    return Pair(picture(first, size, 1), picture(second, size, 2), second)


def graph_of(seed: int, text: str, nodes: int) -> dict[str, Any]:
    """Return a graph with so many nodes between decoding and saving."""
    graph = copy.deepcopy(PROMPT)
    graph["3"]["inputs"]["seed"], graph["5"]["inputs"]["text"] = seed, text
    last = ["8", 0]
    for number in range(nodes):
        values = {"image": last, "amount": number / 8, "name": f"step {number}", "on": number % 2 == 0}
        graph[str(100 + number)] = {"class_type": CHAIN[number % len(CHAIN)], "inputs": values}
        last = [str(100 + number), 0]
    graph["9"]["inputs"]["images"] = last
    return graph


def picture(graph: dict[str, Any], size: int, seed: int) -> bytes:
    """Return a PNG with the record of a graph."""
    record = sample_record(recipe=recipe_of(graph, "9"))
    ramp = np.linspace(0, 200, size)
    waves = np.add.outer(np.sin(ramp / (9 + seed)) * 60, np.cos(ramp / 7) * 60)[..., None] + [90, 128, 150]
    noise = np.random.default_rng(seed).normal(0, 3, (size, size, 3))
    image = np.clip(waves + noise, 0, 255).astype(np.uint8)
    return embed(image, "png", record, graph_texts(graph, {"workflow": {"nodes": []}}), Options()).data


def decode(data: bytes) -> None:
    Image.open(io.BytesIO(data)).load()


def milliseconds(work: Callable[[], object], runs: int) -> float:
    """Return the median time of some work."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


if __name__ == "__main__":
    main()
