"""A small HTTP server that answers as ComfyUI does, or badly: what a test says."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

from goodseed.provenance.verify.progress import NoMessages

NODES: dict[str, dict[str, Any]] = {
    "CheckpointLoaderSimple": {"input": {"required": {"ckpt_name": [["a.safetensors"]]}}, "output_node": False},
    "KSampler": {
        "input": {"required": {"model": ["MODEL"], "seed": ["INT"], "cfg": ["FLOAT"]}},
        "output_node": False,
    },
    "VAEDecode": {"input": {"required": {"samples": ["LATENT"]}}, "output_node": False},
    "SaveImage": {
        "input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING"]}},
        "output_node": True,
    },
    "PreviewImage": {"input": {"required": {"images": ["IMAGE"]}}, "output_node": True},
}


class Stub:
    """What the server does; each field is one way to be good or bad.

    `paint` makes the picture of a queued graph; `status` and `messages` end its run; `refusal` is the answer to
    /prompt; `position` keeps the run in the queue; `broken` names paths and what is answered there instead.
    """

    def __init__(self) -> None:
        self.nodes = dict(NODES)
        self.status = "success"
        self.messages: list[Any] = []
        self.refusal: dict[str, Any] | None = None
        self.waits: tuple[str, ...] | None = None
        self.forgets = False
        self.broken: dict[str, bytes | int | float] = {}
        self.pictures: list[bytes] | None = None
        self.records: list[Any] | None = None
        self.cached: list[str] = []
        self.queued: list[dict[str, Any]] = []
        self.asked: list[tuple[str, Any]] = []
        self.url = ""

    def paint(self, graph: dict[str, Any]) -> list[bytes]:
        """Return the files that a graph shows: noise by its seed, unless the test gives pictures."""
        if self.pictures is not None:
            return self.pictures
        seed = next(node["inputs"]["seed"] for node in graph.values() if "seed" in node["inputs"])
        return [picture(seed)]


def pixels(seed: int, size: int = 32) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a picture of noise, uint8 [size, size, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def picture(seed: int, size: int = 32, change: int = 0) -> bytes:
    """Return a PNG of `pixels`, with `change` levels added to all, wrapped within 0…255."""
    array = np.clip(pixels(seed, size).astype(int) + change, 0, 255).astype(np.uint8)
    return png(array)


def png(array: Any, prompt: Any = None) -> bytes:
    """Return a PNG file, with a graph in it as ComfyUI writes it."""
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    if prompt is not None:
        texts.add_text("prompt", json.dumps(prompt))
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG", pnginfo=texts)
    return file.getvalue()


@contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    """Serve until the block ends; `stub.url` is the address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(json.loads(body) if body[:1] == b"{" else body)

        def _answer(self, body: Any) -> None:
            path = self.path.partition("?")[0]
            stub.asked.append((self.path, body))
            broken = next((stub.broken[key] for key in stub.broken if self.path.startswith(key)), None)
            if isinstance(broken, float):
                time.sleep(broken)
            elif isinstance(broken, int):
                return self._send(broken, b"{}")
            elif isinstance(broken, bytes):
                return self._send(200, broken)
            status, content = answer_to(stub, path, body)
            self._send(status, content if isinstance(content, bytes) else json.dumps(content).encode())
            return None

        def _send(self, status: int, content: bytes) -> None:
            cut = content.endswith(b"<cut>")
            self.send_response(status)
            self.send_header("Content-Length", str(len(content) + 100 * cut))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def no_messages(url: str, client: str, seconds: float) -> Iterator[NoMessages]:
    """Listen as `watch` does to a server without a websocket, with a pause that a user would not notice."""
    yield NoMessages(0.02)


def serving_a_graph() -> Iterator[Stub]:
    """Yield a server that knows the nodes of the tests' graphs: the body of a fixture."""
    stub = Stub()
    for name in ("LoraLoader", "CLIPTextEncode", "EmptyLatentImage"):
        stub.nodes[name] = {"input": {"required": {}}, "output_node": False}
    with serving(stub):
        yield stub


def answer_to(stub: Stub, path: str, body: Any) -> tuple[int, Any]:
    """Return status and content, as ComfyUI 0.3.64's server.py answers."""
    if path == "/system_stats":
        return 200, {"system": {"comfyui_version": "stub"}, "devices": []}
    if path.startswith("/object_info/"):
        name = path.rpartition("/")[2]
        return 200, {name: stub.nodes[name]} if name in stub.nodes else {}
    if path == "/prompt":
        if stub.refusal is not None:
            return 400, stub.refusal
        stub.queued.append(body["prompt"])
        return 200, {"prompt_id": f"run-{len(stub.queued)}", "number": 1, "node_errors": {}}
    if path.startswith("/history/"):
        name = path.rpartition("/")[2]
        return 200, {} if stub.waits is not None or stub.forgets else {name: history(stub, name)}
    if path == "/queue":
        running = [[0, name, {}, {}, []] for name in (stub.waits or ())]
        return 200, {"queue_running": running[:1], "queue_pending": running[1:]}
    if path == "/view":
        return 200, stub.paint(stub.queued[-1])[int(stub.asked[-1][0].partition("filename=")[2].partition(".")[0])]
    return 200, {}


def history(stub: Stub, name: str) -> dict[str, Any]:
    graph = stub.queued[int(name.rpartition("-")[2]) - 1]
    shows = [key for key, node in graph.items() if node["class_type"] in ("PreviewImage", "GoodSeedReproductionCheck")]
    images = [{"filename": f"{place}.png", "subfolder": "", "type": "temp"} for place in range(len(stub.paint(graph)))]
    messages = [["execution_cached", {"nodes": stub.cached, "prompt_id": name}], *stub.messages]
    return {
        "outputs": {shows[0]: {"images": images, "goodseed_records": stub.records}},
        "status": {"status_str": stub.status, "completed": stub.status == "success", "messages": messages},
    }
