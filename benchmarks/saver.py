"""Provenance Saver against ComfyUI's SaveImage, on one run of both; and hashing a large model file against sha256sum.

A graph on a running server makes a batch of pictures once and saves it with both, several times; the time of each saver
is the host's own, from one node's start to the next one's. The pictures are smooth shapes with fine noise, as decoded
images are: pure noise or one colour would flatter either side.

    python benchmarks/saver.py [--comfyui DIR] [--size 1024] [--batch 8] [--runs 3] [--hash-mb 4096]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.host.comfyui import VERSIONS, ComfyUI, find_comfyui, make_base  # noqa: E402
from tests.host.graphs import node  # noqa: E402

MB = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comfyui", type=Path, help="a ComfyUI checkout; by default the newest that the tests use")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--hash-mb", type=int, default=4096, help="size of the file to hash; 0 leaves it out")
    options = parser.parse_args()
    root = options.comfyui or next(filter(None, map(find_comfyui, VERSIONS)), None)
    if root is None:
        raise SystemExit("no ComfyUI; name one with --comfyui")
    with tempfile.TemporaryDirectory() as folder:
        compare_savers(root, Path(folder), options.size, options.batch, options.runs)
        if options.hash_mb:
            compare_hashing(Path(folder), options.hash_mb)


def compare_savers(root: Path, folder: Path, size: int, batch: int, runs: int) -> None:
    """Print the median time of both savers, everything on in ours, and how they compare run by run."""
    base = make_base(folder / "base", ROOT, "good-seed")
    server = ComfyUI("newest", root, base, {"OMP_NUM_THREADS": str(os.cpu_count())}).start()
    try:
        times = [one_run(server, size, batch, run) for run in range(runs + 1)][1:]  # the first one warms up
    finally:
        server.stop()
    ours, stock = zip(*times, strict=True)
    ratios = [a / b for a, b in times]
    print(f"{batch} pictures of {size}² px, PNG, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {runs} runs:")
    print(f"  SaveImage         {statistics.median(stock):.2f} s")
    print(f"  Provenance Saver  {statistics.median(ours):.2f} s, with record, sidecar and log")
    print(f"  ratio             {statistics.median(ratios):.2f} ({min(ratios):.2f}…{max(ratios):.2f})")


def one_run(server: ComfyUI, size: int, batch: int, run: int) -> tuple[float, float]:
    """Return the seconds that our saver and the stock one took for the same batch, in turns first and second."""
    names = []
    for item in range(batch):
        name = f"{run}-{item}.png"
        Image.fromarray(picture(size, run * batch + item)).save(server.base / "input" / name, compress_level=1)
        names.append(name)
    graph: dict[str, Any] = {f"load {i}": node("LoadImage", image=name) for i, name in enumerate(names)}
    graph["batch 0"] = node("RepeatImageBatch", image=["load 0", 0], amount=1)
    for i in range(1, batch):
        graph[f"batch {i}"] = node("ImageBatch", image1=[f"batch {i - 1}", 0], image2=[f"load {i}", 0])
    last = [f"batch {batch - 1}", 0]
    savers = {
        "ours": node("GoodSeedProvenanceSaver", images=last, filename_prefix=f"ours {run}"),
        "stock": node("SaveImage", images=last, filename_prefix=f"stock {run}"),
    }
    server.run(graph | {"warm": node("PreviewImage", images=last)})  # the batch lies in the cache now
    seconds = {}
    for name in ("ours", "stock") if run % 2 else ("stock", "ours"):
        seconds[name] = node_seconds(server, graph | {name: savers[name]}, name)
    ours, stock = (sorted(server.output.glob(f"{name} {run}*.png")) for name in ("ours", "stock"))
    for a, b in zip(ours, stock, strict=True):
        if not np.array_equal(np.asarray(Image.open(a)), np.asarray(Image.open(b))):
            raise SystemExit(f"{a.name} and {b.name} differ")
    return seconds["ours"], seconds["stock"]


def node_seconds(server: ComfyUI, graph: dict[str, Any], name: str) -> float:
    """Queue a graph of which only one node still has to run, and return how long it ran by the server's messages."""
    import websocket

    socket = websocket.create_connection(
        f"ws://127.0.0.1:{server.port}/ws?" + urllib.parse.urlencode({"clientId": server.client})
    )
    try:
        prompt = json.loads(server.post("/prompt", {"prompt": graph, "client_id": server.client}))["prompt_id"]
        start = None
        while True:
            message = socket.recv()
            now = time.perf_counter()
            if not isinstance(message, str):
                continue
            event = json.loads(message)
            data = event.get("data", {})
            if event.get("type") == "execution_error":
                raise SystemExit(data.get("exception_message"))
            if event.get("type") == "executing" and data.get("prompt_id") == prompt:
                if data.get("node") == name:
                    start = now
                elif start is not None:
                    return now - start
    finally:
        socket.close()


def picture(size: int, seed: int) -> np.ndarray[Any, Any]:
    """Smooth colours, a few edges and fine noise, uint8 [size, size, 3]."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32)
    for _ in range(6):
        top, left = rng.integers(0, size * 3 // 4, 2)
        smooth[top : top + size // 5, left : left + size // 5] *= 0.6
    return np.clip(smooth + rng.normal(0, 2, smooth.shape), 0, 255).astype(np.uint8)


def compare_hashing(folder: Path, megabytes: int) -> None:
    """Print our rate of hashing a file, whole and tensors alone in one pass, against sha256sum's, in turns."""
    from goodseed.provenance.hashing import HashCache, hash_file

    path = folder / "model.safetensors"
    write_model(path, megabytes)
    ours, theirs = [], []
    for _ in range(3):
        start = time.perf_counter()
        digest = hash_file(path)[0]
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        said = subprocess.run(["sha256sum", str(path)], capture_output=True, text=True, check=True).stdout.split()[0]
        theirs.append(time.perf_counter() - start)
        if digest != said:
            raise SystemExit(f"hash_file says {digest}, sha256sum {said}")
    rates = [megabytes / min(seconds) for seconds in (ours, theirs)]
    print(f"hashing {megabytes} MB, best of 3: {rates[0]:.0f} MB/s, sha256sum {rates[1]:.0f} MB/s")
    print(f"  ratio {rates[0] / rates[1]:.2f}")
    cache = HashCache(folder / "cache")
    cache.get(path)
    start = time.perf_counter()
    HashCache(folder / "cache").get(path)
    print(f"the second time, from a new process's cache: {1000 * (time.perf_counter() - start):.1f} ms")


def write_model(path: Path, megabytes: int) -> None:
    """Write a safetensors file of about this size without holding it in memory."""
    size = megabytes * MB
    head = json.dumps({"weight": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    block = np.random.default_rng(0).bytes(64 * MB)
    with path.open("wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for start in range(0, size, len(block)):
            file.write(block[: min(len(block), size - start)])


if __name__ == "__main__":
    main()
