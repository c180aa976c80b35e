"""The pictures of the help pages and of the README's tour: nodes of the examples after a run, in a real browser.

    python benchmarks/screenshots.py [PICTURE …] [--front-end newest|floor|1.58.1] [--nodes-2] [--out web/docs]

Each picture is a part of the canvas, as large as the nodes that it shows; it is made as small as 40 KB allow. The
packages that read text are installed into the cache for the picture of the Inpaint Artifact Filter.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFont
from platformdirs import user_cache_path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.frontends import FRONT_ENDS, QUICK, find_chromium, front_end_folder, why_no_browser  # noqa: E402
from tests.browser.pages import PATIENCE, graph, load_graph, open_comfy  # noqa: E402
from tests.host.comfyui import ComfyUI, find_comfyui, make_base  # noqa: E402
from tests.host.graphs import Graph, node  # noqa: E402
from tests.host.ocr import ocr_packages  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

EXAMPLES = ROOT / "example_workflows"
LARGEST = 40_000
WIDEST = 900
MARGIN = 14
LEFT, TOP = 90, 110
"""Where the canvas is free of the front end's bars, in pixels."""
SETTINGS = {"Comfy.Minimap.Visible": False, "Comfy.NodeBadge.NodeSourceBadgeMode": "None"}


@dataclass(frozen=True)
class Shot:
    """Nodes of an example, by type or title, of which each the first counts; none: all nodes."""

    example: str
    nodes: tuple[str, ...] = ()


SHOTS = {
    "GoodSeedDemoModel": Shot("diverse_batch", ("Four that differ",)),
    "GoodSeedDeterminismGuard": Shot("reproduce", ("GoodSeedDeterminismGuard",)),
    "GoodSeedDiverseSeedSampler": Shot("diverse_batch", ("GoodSeedDiverseSeedSampler",)),
    "GoodSeedGoldenSeedPicker": Shot("golden_seeds", ("The four best seeds",)),
    "GoodSeedInpaintArtifactFilter": Shot("", ("GoodSeedInpaintArtifactFilter",)),
    "GoodSeedLabelledGrid": Shot("seed_swap", ("The figure",)),
    "GoodSeedNoise": Shot("seed_of_another_tool", ("As a CUDA card",)),
    "GoodSeedProvenanceLoader": Shot("made_again_from_its_file", ("GoodSeedProvenanceLoader",)),
    "GoodSeedProvenanceSaver": Shot("reproduce", ("GoodSeedProvenanceSaver",)),
    "GoodSeedReproductionCheck": Shot("reproduction_check", ("What differs?",)),
    "GoodSeedSeedSwapGrid": Shot("seed_swap", ("GoodSeedSeedSwapGrid",)),
    "GoodSeedSeedSwapKSampler": Shot("seed_swap", ("GoodSeedSeedSwapKSampler",)),
    "GoodSeedSeedSwapModel": Shot("swap_in_any_sampler", ("GoodSeedSeedSwapModel",)),
    "tour_canvas": Shot("golden_seeds"),
}
TEMPLATES = "tour_templates"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="*", help=f"which pictures; by default all: {', '.join([*SHOTS, TEMPLATES])}")
    parser.add_argument("--front-end", choices=list(FRONT_ENDS), default=QUICK)
    parser.add_argument("--nodes-2", action="store_true", help="with Nodes 2.0 on")
    parser.add_argument("--out", type=Path, default=ROOT / "web" / "docs")
    options = parser.parse_args()
    if missing := why_no_browser():
        raise SystemExit(missing)
    wanted = options.picture or [*SHOTS, TEMPLATES]
    options.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(options.front_end, Path(folder)) as server,
        opened(server, options.nodes_2) as page,
    ):
        ran = None
        for name in sorted(set(wanted) & SHOTS.keys(), key=lambda name: SHOTS[name].example):
            shot = SHOTS[name]
            if shot.example != ran:
                run_example(page, server, shot.example)
                ran = shot.example
            save(options.out / f"{name}.jpg", picture_of(page, shot.nodes))
        if TEMPLATES in wanted:
            save(options.out / f"{TEMPLATES}.jpg", template_browser(page))


@contextmanager
def running(front_end: str, folder: Path) -> Iterator[ComfyUI]:
    """A ComfyUI with one of the front ends, and with the packages that read text."""
    wanted = FRONT_ENDS[front_end]
    root = find_comfyui(wanted.comfyui)
    if root is None:
        raise SystemExit(f"no ComfyUI ({wanted.comfyui}); see DEVELOPERS.md")
    packages = user_cache_path("goodseed-tests") / f"ocr-{wanted.comfyui}"
    packages.mkdir(parents=True, exist_ok=True)
    if why := ocr_packages(root, packages):
        raise SystemExit(f"the packages that read text cannot be had: {why}")
    base = make_base(folder / "base", ROOT, "good-seed")
    options = ["--front-end-root", str(front_end_folder(wanted.package))] if wanted.package else []
    server = ComfyUI(wanted.name, root, base, {"PYTHONPATH": str(packages)}, options).start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def opened(server: ComfyUI, nodes_2: bool) -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        open_comfy(page, server, {**SETTINGS, "Comfy.VueNodes.Enabled": nodes_2})
        yield page
        browser.close()


def run_example(page: Page, server: ComfyUI, name: str) -> None:
    """Put an example on the canvas, run it, and wait until its nodes show what they have to say."""
    if name:
        load_graph(page, json.loads((EXAMPLES / f"{name}.json").read_text("utf-8")))
    else:
        page.evaluate("(prompt) => window.comfyAPI.app.app.loadApiJson(prompt, 'filter')", inpainted(server))
    before = set(server.get("/history"))
    page.evaluate("() => window.comfyAPI.app.app.queuePrompt(0)")
    for _ in range(PATIENCE // 100):
        page.wait_for_timeout(100)
        if ended := set(server.get("/history")) - before:
            status = server.get("/history")[ended.pop()]["status"]
            assert status["status_str"] == "success", status
            break
    page.wait_for_timeout(6000)  # pictures are loaded, and the front end's own notes have gone


def picture_of(page: Page, nodes: tuple[str, ...]) -> Image.Image:
    """Return the part of the canvas that holds these nodes."""
    found = graph(page)["nodes"]
    chosen = found
    if nodes:
        (first, *_) = named(found, nodes[0])
        height = first["pos"][1]  # the others are those of its row
        chosen = [min(named(found, name), key=lambda one: abs(one["pos"][1] - height)) for name in nodes]
    left, up = (min(one["pos"][axis] for one in chosen) for axis in (0, 1))
    right, down = (max(one["pos"][axis] + one["size"][axis] for one in chosen) for axis in (0, 1))
    up -= 30  # the title
    width, height = int(right - left) + 2 * MARGIN, int(down - up) + 2 * MARGIN
    page.set_viewport_size({"width": width + LEFT + 200, "height": height + TOP + 100})
    page.evaluate(
        """([x, y]) => {
          const canvas = window.comfyAPI.app.app.canvas
          canvas.deselectAll()
          canvas.ds.scale = 1
          canvas.ds.offset = [x, y]
          canvas.setDirty(true, true)
        }""",
        [LEFT + MARGIN - left, TOP + MARGIN - up],
    )
    page.wait_for_timeout(1500)
    box = page.locator("#graph-canvas").bounding_box()
    assert box is not None
    clip = {"x": box["x"] + LEFT, "y": box["y"] + TOP, "width": width, "height": height}
    return Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")


def named(found: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Return the nodes of a type or a title, the upper ones first."""
    return sorted((one for one in found if name in (one["type"], one.get("title"))), key=lambda one: one["pos"][1])


def template_browser(page: Page) -> Image.Image:
    """Return the front end's list of templates, at this pack's."""
    page.set_viewport_size({"width": 1600, "height": 1000})
    page.evaluate("() => window.comfyAPI.app.app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    page.get_by_text("good-seed", exact=True).first.click()
    page.wait_for_timeout(3000)
    dialog = page.get_by_role("dialog").first
    return Image.open(io.BytesIO(dialog.screenshot())).convert("RGB")


def inpainted(server: ComfyUI) -> Graph:
    """Return a graph with the filter on three drawn pictures, two with text in the hole, put into the input folder."""
    folder = server.base / "input"
    for number, text in enumerate(("SALE", "", "open")):
        picture = Image.linear_gradient("L").resize((384, 320)).convert("RGB")
        ImageDraw.Draw(picture).text((110, 120), text, (250, 250, 240), font=ImageFont.load_default(size=64))
        picture.save(folder / f"hole {number}.png")
    mask = Image.new("L", (384, 320))
    mask.paste(255, (60, 80, 330, 240))
    mask.save(folder / "mask.png")
    pictures: Graph = {f"{number}": node("LoadImage", image=f"hole {number}.png") for number in range(3)}
    return pictures | {
        "10": node("ImageBatch", image1=["0", 0], image2=["1", 0]),
        "11": node("ImageBatch", image1=["10", 0], image2=["2", 0]),
        "12": node("LoadImageMask", image="mask.png", channel="red"),
        "13": node(
            "GoodSeedInpaintArtifactFilter", images=["11", 0], mask=["12", 0], mode="keep", threshold=0.0, count=1,
            when_none="stop",
        ),
        "14": node("PreviewImage", images=["13", 0]),
    }  # fmt: skip


def save(path: Path, picture: Image.Image) -> None:
    """Write a JPEG of at most 40 KB: smaller first where it is wider than a page, then of less quality."""
    if picture.width > WIDEST:
        picture = picture.resize((WIDEST, round(picture.height * WIDEST / picture.width)), Image.Resampling.LANCZOS)
    for quality in range(86, 30, -6):
        written = io.BytesIO()
        picture.save(written, "JPEG", quality=quality, optimize=True, progressive=True)
        if written.tell() <= LARGEST:
            break
    path.write_bytes(written.getvalue())
    print(f"{path.name}: {picture.width}×{picture.height}, {written.tell() / 1000:.0f} KB, quality {quality}")


if __name__ == "__main__":
    main()
