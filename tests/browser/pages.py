"""A ComfyUI opened in a browser: its page, what it complains of, and the graph on its canvas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.host.comfyui import ComfyUI

if TYPE_CHECKING:
    from playwright.sync_api import Page

Workflow = dict[str, Any]

PATIENCE = 60_000
"""Milliseconds that anything on the page may take."""
_TRIES = 20
_READY = """() => {
  const app = window.comfyAPI?.app?.app
  return Boolean(
    app?.canvas?.graph && app.graph.nodes.length && app.extensionManager?.workflow?.activeWorkflow?.activeState &&
    window.LiteGraph?.registered_node_types?.GoodSeedProvenanceSaver
  )
}"""
"""Nodes are known, and the workflow that a front end starts with is open: it would replace what a test loads."""


@dataclass
class Said:
    """What a page complained of: errors and warnings on its console, and errors that nothing caught."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    uncaught: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> Said:
        kept = {"error": self.errors, "warning": self.warnings}
        page.on("console", lambda message: kept.get(message.type, []).append(message.text))
        page.on("pageerror", lambda error: self.uncaught.append(str(error)))
        return self


def open_comfy(page: Page, server: ComfyUI, settings: dict[str, Any] | None = None) -> None:
    """Open a server's front end and wait until nodes can be put on its canvas; `settings` are those of its user."""
    server.post("/settings", {"Comfy.TutorialCompleted": True, **(settings or {})})
    page.goto(f"http://127.0.0.1:{server.port}", wait_until="domcontentloaded", timeout=PATIENCE)
    page.wait_for_function(_READY, timeout=PATIENCE)


def drop_file(page: Page, path: Path) -> None:
    """Drop a file of this machine on an empty part of the canvas, as a person does; the browser finds its type."""
    box = page.locator("#graph-canvas").bounding_box()
    assert box is not None
    drop_files(page, [path], box["x"] + 0.4 * box["width"], box["y"] + 0.9 * box["height"])


def drop_files(page: Page, paths: Sequence[Path], x: float, y: float) -> None:
    """Drop files of this machine on a place of the page, in pixels."""
    place = {"x": x, "y": y}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    page.evaluate("() => { window.dropSeen = false }")
    page.evaluate(
        "() => document.addEventListener('drop', () => { window.dropSeen = true }, {capture: true, once: true})"
    )
    session = page.context.new_cdp_session(page)
    for _ in range(_TRIES):
        for kind in ("dragEnter", "dragOver", "dragOver", "drop"):
            session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
            page.wait_for_timeout(30)  # the browser hears from the page whether it takes a drop, in its own time
        if page.evaluate("() => window.dropSeen"):
            break
        session.send("Input.dispatchDragEvent", {"type": "dragCancel", **place, "data": data})
    else:
        raise AssertionError(f"the page took no drop of {paths[0].name}")
    session.detach()


def graph(page: Page) -> Workflow:
    """Return the whole graph on the canvas as the front end saves it."""
    text = page.evaluate(
        "() => { const app = window.comfyAPI.app.app; return JSON.stringify((app.rootGraph ?? app.graph).serialize()) }"
    )
    workflow: Workflow = json.loads(text)
    return workflow


def load_graph(page: Page, workflow: Workflow) -> None:
    """Put a workflow on the canvas in place of what is there."""
    page.evaluate("(workflow) => window.comfyAPI.app.app.loadGraphData(workflow)", workflow)


def wait_for_node(page: Page, kind: str) -> None:
    """Wait until a node of a type is on the canvas."""
    page.wait_for_function(
        """(kind) => {
          const app = window.comfyAPI.app.app
          return (app.rootGraph ?? app.graph).nodes.some((node) => node.type === kind)
        }""",
        arg=kind,
        timeout=PATIENCE,
    )
