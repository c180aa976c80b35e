"""The panel's pictures alone on a page: a server for web/, the page, and pictures made for the tests."""

from __future__ import annotations

import io
import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]

THEMES = {
    "dark": {
        "fg-color": "#fff", "bg-color": "#202020", "comfy-menu-bg": "#171718", "comfy-input-bg": "#222",
        "input-text": "#ddd", "border-color": "#4e4e4e",
    },
    "light": {
        "fg-color": "#222", "bg-color": "#ddd", "comfy-menu-bg": "#fff", "comfy-input-bg": "#c9c9c9",
        "input-text": "#222", "border-color": "#888",
    },
    "solarized": {
        "fg-color": "#fdf6e3", "bg-color": "#002b36", "comfy-menu-bg": "#073642", "comfy-input-bg": "#002b36",
        "input-text": "#93a1a1", "border-color": "#657b83",
    },
}  # fmt: skip
"""The variables that the host's own palettes set."""

_PAGE = """<!doctype html>
<html lang="LANG"><head><meta charset="utf-8"><title>Pictures</title><link rel="icon" href="data:,"><style>
:root { THEME }
body { margin: 0; background: var(--comfy-menu-bg); font-family: Inter, Arial, sans-serif }
main { box-sizing: border-box; width: WIDTHpx; padding: 12px }
</style></head><body><main></main><script type="module">
import { createPictures } from '/web/panel/pictures.js'
const texts = TEXTS
const filled = (text, values) => text.replace(/\\{(\\w+)\\}/g, (_, name) => values[name])
const t = (key, values = {}) => filled(key.split('.').reduce((found, part) => found[part], texts.goodseed), values)
window.made = createPictures(t)
document.querySelector('main').append(window.made.element)
window.heats = 0
window.source = (name, width, height, more) => ({ url: `/pictures/${name}`, name, width, height, ...more })
window.heat = async () => { window.heats += 1; return (await fetch('/pictures/heat.png')).blob() }
window.ready = true
</script></body></html>
"""


class PicturesServer:
    """Serves the pack's web folder, the page at `/`, and pictures by name, on a free port of this machine."""

    def __init__(self) -> None:
        self.pictures: dict[str, bytes] = {}
        handler = partial(_Handler, self.pictures, directory=str(ROOT))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def page(self, width: int = 640, theme: str = "dark", language: str = "en") -> str:
        """Return the address of a page that holds the pictures in a column `width` CSS pixels wide."""
        return f"http://127.0.0.1:{self._server.server_port}/?{width}&{theme}&{language}"

    def add(self, name: str, pixels: np.ndarray) -> None:
        """Keep a picture, uint8 [height, width, 3], as PNG."""
        kept = io.BytesIO()
        Image.fromarray(pixels).save(kept, "PNG", compress_level=1)
        self.pictures[name] = kept.getvalue()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, pictures: dict[str, bytes], *arguments: object, directory: str) -> None:
        self.pictures = pictures
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        if self.path.startswith("/pictures/"):
            body = self.pictures.get(self.path.removeprefix("/pictures/"))
            self._send(body, "image/png")
        elif self.path.startswith("/?"):
            self._send(_page(*self.path[2:].split("&")).encode(), "text/html; charset=utf-8")
        elif self.path.startswith("/web/"):
            super().do_GET()
        else:
            self.send_error(404)

    def _send(self, body: bytes | None, kind: str) -> None:
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        """Say nothing."""


def _page(width: str, theme: str, language: str) -> str:
    texts = json.loads((ROOT / "locales" / language / "main.json").read_text("utf-8"))
    colours = " ".join(f"--{name}: {colour};" for name, colour in THEMES[theme].items())
    filled = _PAGE.replace("LANG", language).replace("WIDTH", width).replace("THEME", colours)
    return filled.replace("TEXTS", json.dumps({"goodseed": {"pictures": texts["goodseed"]["pictures"]}}))


def coordinates(size: int, blue: int, step: int = 1) -> np.ndarray:
    """Return a picture whose pixels say where they are: red is the column's number times `step`, green the row's.

    Both modulo 256; the picture is uint8 [size, size, 3].
    """
    down, across = np.mgrid[:size, :size] * step % 256
    return np.stack([across, down, np.full_like(down, blue)], -1).astype(np.uint8)
