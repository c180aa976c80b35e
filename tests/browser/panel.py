"""The Good Seed tab on a page, as a person uses it; and graphs and pictures to use it on."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.pages import PATIENCE, Workflow, drop_files
from tests.host.comfyui import ComfyUI
from tests.host.workflows import to_api
from tests.web_types import install

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

EXAMPLE = Path(__file__).resolve().parents[2] / "example_workflows" / "reproduce.json"
PROMPT, LATENT, SAMPLER = 4, 6, 7
"""Nodes of the example."""
SEED, CONTROL, STEPS, CFG, SCHEDULER = 0, 1, 2, 3, 5
"""Widgets of its sampler."""


def small(**widgets: Any) -> Workflow:
    """Return the example with one small picture; `sampler`, `prompt`, `latent` are widget values by their place."""
    workflow: Workflow = json.loads(EXAMPLE.read_text("utf-8"))
    nodes = {node["id"]: node for node in workflow["nodes"]}
    nodes[LATENT]["widgets_values"] = [128, 128, 1]
    nodes[SAMPLER]["widgets_values"][STEPS] = 2
    for name, number in (("sampler", SAMPLER), ("prompt", PROMPT), ("latent", LATENT)):
        for place, value in widgets.get(name, {}).items():
            nodes[number]["widgets_values"][place] = value
    return workflow


def picture_of(comfyui: ComfyUI, workflow: Workflow, target: Path) -> Path:
    """Run a workflow and copy the picture that it saves."""
    shown = comfyui.run(to_api(workflow, comfyui.get("/object_info")), {"workflow": copy.deepcopy(workflow)})
    image = next(image for output in shown.values() for image in output.get("images", []))
    return Path(shutil.copy(comfyui.image(image), target))


class Panel:
    """The tab; `root` is all of it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".gs-panel")

    def open(self) -> Panel:
        """Open the tab by a click on its icon, where it is not open, and empty both places."""
        if self.root.locator("dialog.gs-dialog").is_visible():
            self.page.keyboard.press("Escape")
        if not self.root.is_visible():
            self.page.locator("button:has(.gs-icon-tab)").click()
            self.root.wait_for(timeout=PATIENCE)
        for which in ("a", "b"):
            clear = self.slot(which).get_by_role("button", name=f"Clear {which.upper()}")
            if clear.is_visible():
                clear.click()
        return self

    def slot(self, which: str) -> Locator:
        """Return place A or B."""
        return self.root.locator(f"[data-which={which}]")

    def drop(self, which: str, *paths: Path) -> None:
        """Drop files on a place."""
        box = self.slot(which).bounding_box()
        assert box is not None
        drop_files(self.page, paths, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def verdict(self) -> str:
        """Wait for a comparison and return how the pictures stand to each other: same, different, unknown, error."""
        self.page.wait_for_function(
            "() => { const box = document.querySelector('.gs-verdict');"
            " return box && !box.hidden && box.dataset.state !== 'busy' }",
            timeout=PATIENCE,
        )
        return str(self.root.locator(".gs-verdict").get_attribute("data-state"))

    def button(self, name: str) -> Locator:
        """Return a button by its name."""
        return self.root.get_by_role("button", name=name, exact=True)

    def widths(self, width: int) -> None:
        """Give the tab a width by dragging the bar beside it."""
        bars = self.page.locator(".p-splitter-gutter:visible, [role=separator]:visible").all()
        boxes = [box for bar in bars if (box := bar.bounding_box()) and box["height"] > 300]
        here = self.root.bounding_box()
        assert here is not None
        box = min(boxes, key=lambda found: abs(found["x"] - here["x"] - here["width"]))
        x, y = box["x"] + box["width"] / 2, box["y"] + 200
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(here["x"] + width + box["width"] / 2, y, steps=4)
        self.page.mouse.up()

    def tab_to(self, name: str, presses: int = 80) -> None:
        """Press Tab until what has the focus is called so."""
        for _ in range(presses):
            if name in self.focused():
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not come to {name!r}; it is at {self.focused()!r}")

    def focused(self) -> str:
        """Return the name of what has the focus; nothing where that is the page itself."""
        return str(
            self.page.evaluate(
                """() => {
                  const found = document.activeElement
                  return found === document.body ? '' : found.getAttribute('aria-label') ?? found.textContent
                }"""
            )
        )

    def wait_for_focus(self, name: str) -> None:
        """Wait until what is called so has the focus."""
        for _ in range(200):
            if name in self.focused():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{name!r} does not get the focus; {self.focused()!r} has it")


def widget(page: Page, node: int, name: str) -> Any:
    """Return the value of a widget of the graph on the canvas."""
    return page.evaluate(
        """([id, name]) => {
          const app = window.comfyAPI.app.app
          const node = (app.rootGraph ?? app.graph).nodes.find((node) => node.id == id)
          return node.widgets.find((widget) => widget.name === name).value
        }""",
        [node, name],
    )


def faults(page: Page) -> list[str] | None:
    """Return what axe-core finds serious or critical in the tab; None where it cannot be had."""
    folder = install()
    if folder is None:
        return None
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate((folder / "axe-core" / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("() => window.axe.run('.gs-panel', {resultTypes: ['violations']})")["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
