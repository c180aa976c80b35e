"""The panel's pictures alone on a page: a server for web/, the page, and pictures made for the tests."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FloatRect, Locator, Page

ROOT = Path(__file__).resolve().parents[2]

SIZE = 200
"""Width and height of the pictures in pixels; below 256, so that a pixel's colour says which one it is."""
BLUE = {"a": 40, "b": 220}
STEP = 97
"""How far the colours of neighbours are apart where every bit counts: nothing between two pixels looks like either."""
PIXELS = {"same_size": True, "largest": 180, "mean": 60.0, "differing": 1.0}
MODES = ("side", "slider", "blink", "heat")

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


def serve_pictures() -> Iterator[PicturesServer]:
    """Serve the pictures of the tests: A and B, the same with sharp colours, a heat map, others that fit less well."""
    server = PicturesServer()
    for name, blue in BLUE.items():
        server.add(f"{name}.png", coordinates(SIZE, blue))
        server.add(f"sharp-{name}.png", coordinates(SIZE, blue, STEP))
    server.add("heat.png", coordinates(SIZE, 128))
    server.add("wide.png", coordinates(SIZE, 0)[: SIZE // 2])
    server.pictures["broken.png"] = b"not a picture"
    yield server
    server.stop()


def new_page(browser: Browser) -> Iterator[Page]:
    """Open a page in a context of its own."""
    context = browser.new_context(viewport={"width": 900, "height": 900})
    yield context.new_page()
    context.close()


def opened(page: Page, server: PicturesServer, mode: str = "side", **options: Any) -> Page:
    page.goto(server.page(**options))
    page.wait_for_function("() => window.ready")
    show(page, pixels=PIXELS)
    choose(page, mode)
    return page


def show(page: Page, a: str = "a.png", b: str = "b.png", pixels: dict[str, Any] | None = None) -> None:
    """Show two of the server's pictures and wait until both can be seen."""
    page.evaluate(
        f"""([a, b, pixels]) => {{
          const one = (name, more) => name && source(name, {SIZE}, name === 'wide.png' ? {SIZE // 2} : {SIZE}, more)
          made.show(one(a, {{ pixels_sha256: 'aa' }}), one(b, {{ pixels_sha256: 'bb' }}), pixels, heat)
        }}""",
        [a, b, pixels],
    )
    page.wait_for_function("() => !document.querySelector('.gs-pictures-note:not(:empty)')")
    settle(page)


def choose(page: Page, mode: str) -> None:
    page.locator(f".gs-pictures-modes input[value={mode}]").check()
    settle(page)


def settle(page: Page) -> None:
    """Wait until what was done is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def box(place: Locator) -> FloatRect:
    found = place.bounding_box()
    assert found is not None
    return found


def seen(page: Page, place: Locator) -> np.ndarray[Any, Any]:
    """Return what an element shows, int [height, width, 3], without letters and divider, in pixels of the screen."""
    hidden = ".gs-pictures-letter, .gs-pictures-divider { opacity: 0 } "
    hidden += ".gs-pictures-stage { border-radius: 0 !important; outline: none !important }"
    image = Image.open(io.BytesIO(place.screenshot(style=hidden)))
    return np.asarray(image.convert("RGB")).astype(int)


def stage(page: Page) -> Locator:
    return page.locator(".gs-pictures-stage")


def view(page: Page, name: str) -> Locator:
    return page.locator(f".gs-pictures-{name}")


def transforms(page: Page) -> list[str]:
    return page.locator(".gs-pictures-image").evaluate_all("(found) => found.map((image) => image.style.transform)")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
    settle(page)


def focused(page: Page) -> str:
    """Return what has the focus: its accessible name, or its value."""
    return page.evaluate(
        "() => document.activeElement.getAttribute('aria-label') || document.activeElement.value || "
        "document.activeElement.textContent"
    )
