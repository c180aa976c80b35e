"""Pictures of the Good Seed tab in each of its states, dark and light, wide and narrow, in a real ComfyUI.

The pictures in the README and in the help come from here; and a person should look at each after a change of the tab.
`sheet-<theme>-<width>.png` holds all states of a theme and a width side by side.

    python benchmarks/panel_screens.py [--out out/panel] [--front-end newest] [--theme dark light] [--width 300 460]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.frontends import FRONT_ENDS, find_chromium, front_end_folder  # noqa: E402
from tests.browser.pages import PATIENCE, load_graph, open_comfy  # noqa: E402
from tests.browser.panel import CFG, SCHEDULER, SEED, STEPS, Panel, picture_of, small  # noqa: E402
from tests.host.comfyui import ComfyUI, find_comfyui, make_base  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

WINDOW = {"width": 1280, "height": 900}
_BESIDE = """(panel) => {
  const { canvas, rootGraph, graph } = window.comfyAPI.app.app
  const nodes = (rootGraph ?? graph).nodes
  const left = Math.min(...nodes.map(({ pos }) => pos[0])), top = Math.min(...nodes.map(({ pos }) => pos[1]))
  canvas.ds.scale = 0.8
  canvas.ds.offset = [(panel.x + panel.width + 30) / 0.8 - left, 140 / 0.8 - top]
  canvas.setDirty(true, true)
}"""
"""Moves the graph beside the panel, near enough to be read."""
GOOD = {"sampler": {STEPS: 12}}
"""Enough steps for a picture that people can make out."""
DRIFTED = {
    "sampler": {STEPS: 12, CFG: 7.5, SCHEDULER: "karras"},
    "prompt": {0: "a striped\u00a0house under the sea"},
}
_MOST_STATES = 7
"""States of a row of a sheet."""


@dataclass(frozen=True)
class Pictures:
    a: Path
    drifted: Path
    broken: Path


@dataclass(frozen=True)
class Stage:
    """What a state is made from."""

    page: Page
    panel: Panel
    pictures: Pictures


def empty(stage: Stage) -> None:
    stage.panel.open()


def one(stage: Stage) -> None:
    stage.panel.drop("a", stage.pictures.a)
    stage.panel.slot("a").locator("img").wait_for(timeout=PATIENCE)


def error(stage: Stage) -> None:
    stage.panel.drop("b", stage.pictures.broken)
    stage.panel.slot("b").get_by_role("alert").wait_for(timeout=PATIENCE)


def causes(stage: Stage) -> None:
    stage.panel.drop("a", stage.pictures.a, stage.pictures.drifted)
    stage.panel.verdict()


def prompt(stage: Stage) -> None:
    stage.panel.root.locator(".gs-prompt").scroll_into_view_if_needed()


def pictures(stage: Stage) -> None:
    stage.panel.root.get_by_role("tab", name="Pictures").click()
    stage.panel.root.locator(".gs-pictures").scroll_into_view_if_needed()


def values(stage: Stage) -> None:
    stage.panel.root.get_by_role("tab", name="Values").click()
    stage.panel.root.locator(".gs-values").scroll_into_view_if_needed()


def choosing(stage: Stage) -> None:
    stage.panel.slot("b").locator(".gs-choose").click()
    stage.panel.root.get_by_role("tab", name="Outputs").click()
    stage.page.wait_for_timeout(1500)  # for the small pictures


def setting(stage: Stage) -> None:
    stage.page.keyboard.press("Escape")
    stage.panel.root.get_by_role("tab", name="Causes").click()
    stage.panel.button("Set to A's values").click()
    stage.panel.root.locator("dialog.gs-dialog").wait_for(timeout=PATIENCE)


def was_set(stage: Stage) -> None:
    stage.panel.root.locator("dialog.gs-dialog .gs-primary").click()
    stage.panel.button("Undo").wait_for(timeout=PATIENCE)


def verifying(stage: Stage) -> None:
    stage.panel.button("Run B again").click()
    stage.panel.root.locator("progress[value]").wait_for(timeout=PATIENCE)


def verified(stage: Stage) -> None:
    stage.panel.root.locator(".gs-verify .gs-answer").wait_for(timeout=PATIENCE)


def identical(stage: Stage) -> None:
    stage.panel.button("Run, result into B").click()
    stage.panel.root.locator(".gs-verdict[data-state=same]").wait_for(timeout=PATIENCE)


STATES: tuple[Callable[[Stage], None], ...] = (
    empty, one, error, causes, prompt, pictures, values, choosing, setting, was_set, verifying, verified, identical,
)  # fmt: skip
"""Each goes on where the one before it stopped."""
OVER_THE_PAGE = (choosing, setting)


@contextmanager
def serving(name: str, folder: Path) -> Iterator[ComfyUI]:
    """Run a ComfyUI with a front end."""
    wanted = FRONT_ENDS[name]
    root, static = find_comfyui(wanted.comfyui), front_end_folder(wanted.package) if wanted.package else None
    if root is None or (wanted.package and static is None):
        raise SystemExit(f"no ComfyUI ({wanted.comfyui}) with front end {wanted.package or 'of its own'}")
    options = ["--front-end-root", str(static)] if static else []
    server = ComfyUI(name, root, make_base(folder / "base", ROOT, "good-seed"), options=options).start()
    try:
        yield server
    finally:
        server.stop()


def shoot(page: Page, stage: Stage, theme: str, width: int, out: Path) -> list[Path]:
    """Take a picture of each state; return the files."""
    load_graph(page, small(**DRIFTED))
    stage.panel.open()
    stage.panel.widths(width)
    taken = []
    for state in STATES:
        state(stage)
        page.mouse.move(WINDOW["width"] - 5, WINDOW["height"] / 2)
        page.wait_for_timeout(400)
        taken.append(out / f"{state.__name__}-{theme}-{width}.png")
        (page if state in OVER_THE_PAGE else stage.panel.root).screenshot(path=taken[-1])
        if state is causes:
            page.evaluate(_BESIDE, stage.panel.root.bounding_box())
            page.wait_for_timeout(400)
            page.screenshot(path=out / f"page-{theme}-{width}.png")
    return taken


def sheet(files: list[Path], target: Path) -> None:
    """Put pictures side by side, in rows."""
    images = [Image.open(file).convert("RGB") for file in files if not file.name.startswith(("choosing", "setting"))]
    wide, high = images[0].width + 8, images[0].height + 8
    rows = -(-len(images) // _MOST_STATES)
    whole = Image.new("RGB", (wide * min(len(images), _MOST_STATES), high * rows), "gray")
    for number, image in enumerate(images):
        whole.paste(image, (number % _MOST_STATES * wide, number // _MOST_STATES * high))
    whole.save(target)


def make_pictures(server: ComfyUI, folder: Path) -> Pictures:
    a, drifted = picture_of(server, small(**GOOD), folder / "a.png"), folder / "b.png"
    picture_of(server, small(**DRIFTED), drifted)
    picture_of(server, small(sampler={STEPS: 12, SEED: 3}), folder / "other.png")
    broken = Path(shutil.copy(a, folder / "broken.png"))
    broken.write_bytes(a.read_bytes()[:900])
    return Pictures(a, drifted, broken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/panel"))
    parser.add_argument("--front-end", choices=FRONT_ENDS, default="newest")
    parser.add_argument("--theme", nargs="+", choices=("dark", "light"), default=["dark", "light"])
    parser.add_argument("--width", nargs="+", type=int, default=[300, 460])
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serving(asked.front_end, Path(folder)) as server:
        made = make_pictures(server, Path(folder))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
            for theme in asked.theme:
                for width in asked.width:
                    page = browser.new_page(viewport=WINDOW, reduced_motion="reduce")
                    open_comfy(page, server, {"Comfy.ColorPalette": theme})
                    files = shoot(page, Stage(page, Panel(page), made), theme, width, asked.out)
                    sheet(files, asked.out / f"sheet-{theme}-{width}.png")
                    page.close()
            browser.close()
    print(f"{asked.out}: {len(list(asked.out.glob('*.png')))} pictures")


if __name__ == "__main__":
    main()
