"""What nodes report stands on them in the page, on the canvas and with Nodes 2.0, and nowhere in what is saved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.pages import PATIENCE, Said, Workflow, graph, load_graph, open_comfy
from tests.host.comfyui import ComfyUI

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXAMPLES = Path(__file__).resolve().parents[2] / "example_workflows"
FIELD = "goodseed_report"
HOSTILE = "<img src=x onerror='window.hurt = true'><script>window.hurt = true</script> **bold**"
NODES_2 = "Comfy.VueNodes.Enabled"

_FIELD_OF = """([type, name]) => {
  const app = window.comfyAPI.app.app
  const node = (app.rootGraph ?? app.graph).nodes.find((node) => node.type === type)
  return node?.widgets?.find((widget) => widget.name === name)?.value ?? null
}"""


@pytest.fixture(scope="module", params=[False, pytest.param(True, marks=pytest.mark.long)], ids=["canvas", "nodes 2.0"])
def opened(request: pytest.FixtureRequest, browser: Browser, comfyui: ComfyUI) -> Iterator[Page]:
    """A front end with Nodes 2.0 off or on, with an example that was run."""
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    open_comfy(page, comfyui, {NODES_2: request.param})
    load_graph(page, _example(batch=3 if request.param else 2))
    page.evaluate("() => window.comfyAPI.app.app.queuePrompt(0)")
    page.wait_for_function(f"(what) => ({_FIELD_OF})(what) !== null", arg=[SAVER, FIELD], timeout=PATIENCE)
    yield page
    page.close()
    comfyui.post("/settings", {NODES_2: False})


SAVER, GUARD = "GoodSeedProvenanceSaver", "GoodSeedDeterminismGuard"


def test_a_nodes_report_stands_in_a_field_that_nobody_can_write_in(opened: Page, comfyui: ComfyUI) -> None:
    said = Said().listen(opened)
    shown = {type_of_node: opened.evaluate(_FIELD_OF, [type_of_node, FIELD]) for type_of_node in (GUARD, SAVER)}
    assert shown[GUARD].startswith("Determinism Guard: warn, on cpu")
    assert shown[SAVER].startswith(("2 images saved with", "3 images saved with"))
    fields = opened.locator("textarea").element_handles()
    found = [field for field in fields if field.input_value() in shown.values()]
    if comfyui.version != "floor" or not opened.evaluate("() => document.querySelector('[data-node-id]') !== null"):
        assert len(found) == 2  # Nodes 2.0 of the oldest front end shows no multi-line text at all
    assert all(field.evaluate("(field) => field.readOnly") for field in found)
    assert said.uncaught == []


def test_it_is_neither_saved_nor_queued(opened: Page) -> None:
    asked = opened.evaluate("async () => JSON.stringify(await window.comfyAPI.app.app.graphToPrompt())")
    for text in (json.dumps(graph(opened)), asked):
        assert FIELD not in text
        assert "Determinism Guard: warn, on cpu" not in text


def test_what_comes_later_is_added_as_text(opened: Page) -> None:
    before = opened.evaluate(_FIELD_OF, [GUARD, FIELD])
    event = {"node": "3", "text": HOSTILE}
    tell = "(detail) => window.comfyAPI.api.api.dispatchCustomEvent('goodseed.report', detail)"
    for _ in range(2):  # the same again is said once
        opened.evaluate(tell, event)
    opened.evaluate(tell, {"node": "999", "text": "of no node"})
    opened.evaluate(tell, {"node": "7", "text": "of a node of another pack"})
    assert opened.evaluate(_FIELD_OF, [GUARD, FIELD]) == f"{before}\n{HOSTILE}"
    assert opened.evaluate(_FIELD_OF, ["KSampler", FIELD]) is None
    assert opened.evaluate("() => window.hurt === undefined")


def _example(batch: int) -> Workflow:
    """Return the example of the Guard and the saver, small."""
    workflow: dict[str, Any] = json.loads((EXAMPLES / "reproduce.json").read_text("utf-8"))
    nodes = {node["id"]: node for node in workflow["nodes"]}
    assert nodes[3]["type"] == GUARD
    nodes[6]["widgets_values"], nodes[7]["widgets_values"][2] = [128, 128, batch], 2
    return workflow
