"""The panel in a real Chromium on a real ComfyUI: from the drop of two pictures to what differs, and large graphs.

Two 1024² PNGs with records fall on the Good Seed tab; the clock runs in the page from the drop to the frame that shows
the first cause, and on to both pictures and the heat map. Then the same with pictures of a graph of hundreds of nodes,
which also lies on the canvas, and with prompts of a megabyte that differ in one character: besides, how long the page
was deaf at the longest, and how soon it answers to a page of the tab, to a search, and to a wish to set values. And two
4096² pictures, alone on a page: the time between frames while they are zoomed and moved.

    python benchmarks/panel_browser.py [--front-end newest] [--runs 20] [--nodes 500] [--prompt-kb 1024]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from goodseed.provenance.embed import encode  # noqa: E402
from goodseed.provenance.read import read_image  # noqa: E402
from goodseed.provenance.record import tuple_sha256  # noqa: E402
from goodseed.provenance.sidecar import sidecar_of  # noqa: E402
from tests.browser.frontends import FRONT_ENDS, WINDOW, find_chromium, front_end_folder  # noqa: E402
from tests.browser.pages import open_comfy  # noqa: E402
from tests.browser.panel import Panel  # noqa: E402
from tests.browser.pictures_page import PicturesServer  # noqa: E402
from tests.host.comfyui import ComfyUI, Graph, find_comfyui, make_base  # noqa: E402
from tests.host.graphs import demo, ksampler, node  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZE = 1024
MEDIAN_WANTED = 500
ANSWER_WANTED = 1000
"""Milliseconds."""

_LISTEN = """() => {
  const seen = (selector) => document.querySelector(selector)?.checkVisibility() ?? false
  const frame = () => new Promise(requestAnimationFrame)
  let blocks = []
  new PerformanceObserver((list) => blocks.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ type: 'longtask' })
  window.bench = {
    /** Resolves with the milliseconds until a selector is seen and on the screen. */
    async until(selector, start) {
      do await frame()
      while (!seen(selector))
      await frame()
      return performance.now() - start
    },
    /** Does something to an element, and resolves with the milliseconds until it is on the screen. */
    async does(act) {
      blocks = []
      const start = performance.now()
      act()
      await frame()
      await frame()
      return performance.now() - start
    },
    longest: () => Math.max(0, ...blocks)
  }
  document.addEventListener('drop', () => {
    blocks = []
    performance.clearResourceTimings()
    const start = performance.now()
    bench.shown = bench.until('.gs-panel .gs-cause', start).then((shown) => {
      const [asked] = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/goodseed/compare'))
      return { shown, sent: asked.requestStart - start, server: asked.responseEnd - asked.requestStart }
    })
  }, { capture: true })
}"""
"""Measures in the page, so that nothing of the driver is in the figures."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--front-end", choices=FRONT_ENDS, default="newest")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--prompt-kb", type=int, default=1024)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = start(options.front_end, Path(folder) / "base")
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport=WINDOW)
            open_comfy(page, server)
            page.evaluate(_LISTEN)
            Panel(page).open()
            print(f"{options.front_end}, {os.cpu_count()} cores; {busy()}")
            two_pictures(page, server, options.runs)
            large(page, f"a graph of {options.nodes} nodes", *long_chains(page, server, options.nodes))
            large(page, f"prompts of {options.prompt_kb} kB", *long_prompts(page, server, options.prompt_kb))
            smoothness(browser)
            print(f"at the end: {busy()}")
        finally:
            browser.close()
            server.stop()


def smoothness(browser: Browser) -> None:
    """Print the time from frame to frame while two 4096² pictures are zoomed and moved, side by side."""
    server = PicturesServer()
    pixels = np.random.default_rng(0).integers(0, 256, (4096, 4096, 3), dtype=np.uint8)
    for name, shown in (("a.png", pixels), ("b.png", 255 - pixels)):
        server.add(name, shown)
    page = browser.new_page(viewport=WINDOW)
    page.goto(server.page(width=1200))
    page.wait_for_function("() => window.ready")
    page.evaluate("() => made.show(source('a.png', 4096, 4096), source('b.png', 4096, 4096), null, heat)")
    page.wait_for_function("() => document.querySelectorAll('.gs-pictures-image').length === 2")
    page.wait_for_timeout(1000)
    frames: list[float] = page.evaluate(_MOVE)
    page.close()
    server.stop()
    most = statistics.quantiles(frames, n=20)[-1]
    print(f"two 4096² pictures, zoomed and moved, {len(frames)} frames, in ms from one to the next:")
    print(f"  median {statistics.median(frames):.0f}, 95 % under {most:.0f}, longest {max(frames):.0f}")


_MOVE = """async () => {
  const stage = document.querySelector('.gs-pictures-stage')
  const view = stage.querySelector('.gs-pictures-a')
  const { x, y, width, height } = view.getBoundingClientRect()
  const at = { clientX: x + 0.3 * width, clientY: y + 0.4 * height, bubbles: true, cancelable: true }
  const wheel = (deltaY) => view.dispatchEvent(new WheelEvent('wheel', { ...at, deltaY }))
  const key = (name) => stage.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true }))
  const steps = [
    ...Array(60).fill(() => wheel(-40)),
    ...Array.from({ length: 60 }, (_, place) => () => key(place % 20 < 10 ? 'ArrowLeft' : 'ArrowDown')),
    ...Array(60).fill(() => wheel(40))
  ]
  const frames = []
  let last = await new Promise(requestAnimationFrame)
  for (const step of steps) {
    step()
    const now = await new Promise(requestAnimationFrame)
    frames.push(now - last)
    last = now
  }
  return frames
}"""


def start(front_end: str, base: Path) -> ComfyUI:
    wanted = FRONT_ENDS[front_end]
    root = find_comfyui(wanted.comfyui)
    if root is None:
        raise SystemExit("no ComfyUI")
    static = front_end_folder(wanted.package) if wanted.package else None
    options = ["--front-end-root", str(static)] if static else []
    return ComfyUI(wanted.name, root, make_base(base, ROOT, "good-seed"), options=options).start()


def two_pictures(page: Page, server: ComfyUI, runs: int) -> None:
    """Print how long it takes until what differs is shown, for pairs of 1024² PNGs that differ in their seed."""
    pairs = list(zip(*(save(server, picture(seed, batch=runs + 1)) for seed in (1, 2)), strict=True))
    megabytes = sum(path.stat().st_size for pair in pairs for path in pair) / len(pairs) / 2 / 2**20
    found = [drop(page, pair) for pair in pairs][1:]  # the first one warms up
    print(f"two {SIZE}² PNGs of {megabytes:.1f} MB each, {runs} pairs, median (least…most) in ms:")
    for name, what in (
        ("shown", "drop to what differs"),
        ("sent", "  of it, until the question is sent"),
        ("server", "  of it, until it is answered"),
    ):
        say(what, [run[name] for run in found])
    verdict("drop to what differs", statistics.median(run["shown"] for run in found), MEDIAN_WANTED)
    say("the pictures, when first asked for", [open_tab(page, 1, ".gs-pictures-b .gs-pictures-image")])
    say("the heat map", [choose(page, "heat", ".gs-pictures-heat .gs-pictures-image")])
    open_tab(page, 0, ".gs-cause")


def large(page: Page, name: str, a: Path, b: Path) -> None:
    """Print how soon pictures of large graphs are compared, and whether the tab answers, with a large canvas."""
    nodes = page.evaluate("() => window.comfyAPI.app.app.graph.nodes.length")
    megabytes = a.stat().st_size / 2**20
    print(f"{name} ({nodes} nodes on the canvas, files of {megabytes:.1f} MB), median (least…most) in ms:")
    drops = [drop(page, (a, b)) for _ in range(3)]
    deaf = [run["longest"] for run in drops]
    say("drop to what differs", [run["shown"] for run in drops])
    say("  of it, until it is answered", [run["server"] for run in drops])
    answers = [
        does(page, "() => document.querySelectorAll('.gs-tab')[2].click()"),
        does(page, _SEARCH, "s"),
        does(page, _SEARCH, "se"),
        does(page, "() => document.querySelectorAll('.gs-tab')[0].click()"),
    ]
    deaf += [answer["longest"] for answer in answers]
    say("a page of the tab, and a letter of a search", [answer["shown"] for answer in answers])
    dialog = page.evaluate(
        """async () => {
          const start = performance.now()
          document.querySelector('.gs-actions button').click()
          const shown = await bench.until('.gs-panel dialog[open], dialog[open]', start)
          return { shown, longest: bench.longest() }
        }"""
    )
    deaf.append(dialog["longest"])
    page.keyboard.press("Escape")
    say("what would be set in the graph", [dialog["shown"]])
    say("the page was deaf for so long, at the most", [max(deaf)])
    verdict("deaf", max(deaf), ANSWER_WANTED)


_SEARCH = """(text) => {
  const field = document.querySelector('.gs-panel input[type=search]')
  field.value = text
  field.dispatchEvent(new Event('input', { bubbles: true }))
}"""


def does(page: Page, script: str, argument: str = "") -> dict[str, float]:
    """Run a script in the page; return the milliseconds to the next frame, and the longest that the page was deaf."""
    found: dict[str, float] = page.evaluate(
        f"async (argument) => ({{ shown: await bench.does(() => ({script})(argument)), longest: bench.longest() }})",
        argument,
    )
    return found


def drop(page: Page, files: tuple[Path, Path]) -> dict[str, float]:
    """Drop two files on the panel at once; return what the page measured, in milliseconds."""
    Panel(page).drop("a", *files)
    found: dict[str, float] = page.evaluate("async () => ({ ...(await bench.shown), longest: bench.longest() })")
    page.wait_for_timeout(200)
    return found


def open_tab(page: Page, place: int, selector: str) -> float:
    return _until(page, f"document.querySelectorAll('.gs-tab')[{place}].click()", selector)


def choose(page: Page, mode: str, selector: str) -> float:
    return _until(page, f"document.querySelector('.gs-pictures input[value={mode}]').click()", selector)


def _until(page: Page, act: str, selector: str) -> float:
    script = "(selector) => { const start = performance.now(); ACT; return bench.until(selector, start) }"
    found: float = page.evaluate(script.replace("ACT", act), selector)
    return found


def picture(seed: int, prompt: str = "a red ball", batch: int = 1) -> Graph:
    """A picture of the demo model under a Guard, enlarged to 1024², with the fine grain that photographs have."""
    return demo(prompt, batch) | {
        "guard": node("GoodSeedDeterminismGuard", model=["demo", 0], mode="warn", portable_noise=False),
        "sampled": ksampler(seed, model=["guard", 0]),
        "decoded": node("VAEDecode", samples=["sampled", 0], vae=["demo", 2]),
        "large": node(
            "ImageScale", image=["decoded", 0], upscale_method="bicubic", width=SIZE, height=SIZE, crop="disabled"
        ),
        "grain": node("ImageAddNoise", image=["large", 0], seed=0, strength=0.01),
        "saver": node("GoodSeedProvenanceSaver", images=["grain", 0], filename_prefix="panel"),
    }


def long_chains(page: Page, server: ComfyUI, nodes: int) -> list[Path]:
    """Two pictures whose graphs differ in seed and CFG, with so many nodes; the second one's is on the canvas then."""
    graphs = [picture(seed) for seed in (1, 2)]
    graphs[1]["sampled"]["inputs"]["cfg"] = 4.5
    for graph in graphs:
        last = "decoded"
        for number in range(nodes - len(graph)):
            graph[f"turned {number}"] = node("ImageInvert", image=[last, 0])
            last = f"turned {number}"
        graph["large"]["inputs"]["image"] = [last, 0]
    return [save(server, graph, put_on_canvas(page, graph))[0] for graph in graphs]


def long_prompts(page: Page, server: ComfyUI, kilobytes: int) -> list[Path]:
    """Two pictures that differ in seed, and in one character in the middle of prompts that long, which nobody sees.

    The text is put into files that were made with a short one: the model would take hours to read it.
    """
    text = ("a red ball beside a blue box, on grass, " * (kilobytes * 26))[: kilobytes * 1024]
    middle = text.index(" ", len(text) // 2)
    found = []
    for seed, long in ((1, text), (2, text[:middle] + "\u00a0" + text[middle + 1 :])):
        short = picture(seed)
        [path] = save(server, short, put_on_canvas(page, short))
        put_prompt(path, short["positive"]["inputs"]["text"], long)
        found.append(path)
    canvas = picture(2)
    canvas["positive"]["inputs"]["text"] = long
    put_on_canvas(page, canvas)
    return found


def put_on_canvas(page: Page, graph: Graph) -> dict[str, Any]:
    """Put a graph on the canvas; return what the front end sends along for savers."""
    page.evaluate("(graph) => window.comfyAPI.app.app.loadApiJson(graph, 'large')", graph)
    return {"workflow": page.evaluate("() => window.comfyAPI.app.app.graph.serialize()")}


def put_prompt(path: Path, old: str, new: str) -> None:
    """Write a picture anew with another prompt wherever its graph and its record tell it."""
    reading = read_image(path, keep_image=True)
    record, prompt, workflow = (
        json.loads(json.dumps(part).replace(json.dumps(old), json.dumps(new)))
        for part in (reading.record, reading.prompt, reading.workflow)
    )
    digest = hashlib.sha256(new.encode()).hexdigest()
    for told in record["prompts"]:
        if told["text"] == new:
            told["sha256"] = digest
    record["tuple"]["prompt_sha256"]["value"] = digest
    record["tuple_sha256"] = tuple_sha256(record["tuple"])
    assert reading.image is not None
    path.write_bytes(encode(reading.image, "png", record, prompt, workflow))
    sidecar_of(path).unlink(missing_ok=True)


def save(server: ComfyUI, graph: Graph, extra: dict[str, Any] | None = None) -> list[Path]:
    shown = server.run(json.loads(json.dumps(graph)), extra)
    return [server.image(image) for image in shown["saver"]["images"]]


def say(what: str, milliseconds: list[float]) -> None:
    spread = f" ({min(milliseconds):.0f}…{max(milliseconds):.0f})" if len(milliseconds) > 1 else ""
    print(f"  {what:<48}{statistics.median(milliseconds):6.0f}{spread}")


def busy() -> str:
    """Say how much others use the machine: how long a second of a core's work takes here, by the clock."""
    start, work = time.perf_counter(), time.process_time()
    while time.process_time() - work < 0.5:
        sum(range(1000))
    return f"a second of work takes {(time.perf_counter() - start) / 0.5:.1f} s"


def verdict(what: str, milliseconds: float, wanted: int) -> None:
    print(f"  {what}: {'under' if milliseconds < wanted else 'NOT under'} {wanted} ms")


if __name__ == "__main__":
    main()
