"""Claim: an image made in a subgraph, queued from the page, is made again identically, and restores the subgraph."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from goodseed.provenance.read import read_image
from goodseed.provenance.verify.client import Server
from goodseed.provenance.verify.run import Settings, verify
from tests.browser.pages import Said, Workflow, drop_file, graph, load_graph, wait_for_node
from tests.browser.test_drop import EXAMPLE, MARKER, SAVER
from tests.host.comfyui import ComfyUI

if TYPE_CHECKING:
    from playwright.sync_api import Page

SUBGRAPH = "0b9c1a52-6a8e-4c69-9f51-0d3f3d0c7e11"
INNER = (6, 7, 8)
"""Latent, sampler and decoder of the example: what goes into the subgraph."""


def with_subgraph() -> Workflow:
    """Return the example, small, with latent, sampler and decoder in a subgraph."""
    workflow: Workflow = json.loads(EXAMPLE.read_text("utf-8"))
    nodes = {node["id"]: node for node in workflow["nodes"]}
    nodes[6]["widgets_values"], nodes[7]["widgets_values"][2] = [128, 128, 1], 2
    ways_in = [link for link in workflow["links"] if link[3] in INNER and link[1] not in INNER]
    ways_out = [link for link in workflow["links"] if link[1] in INNER and link[3] not in INNER]
    inside = [link for link in workflow["links"] if link[1] in INNER and link[3] in INNER]
    names = [nodes[link[3]]["inputs"][link[4]]["name"] for link in ways_in]
    outer = {
        "id": 50, "type": SUBGRAPH, "pos": [990, -230], "size": [290, 200], "flags": {}, "order": 6, "mode": 0,
        "inputs": [
            {"name": name, "type": link[5], "link": link[0]} for name, link in zip(names, ways_in, strict=True)
        ],
        "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [link[0] for link in ways_out]}],
        "properties": {}, "widgets_values": [],
    }  # fmt: skip
    made = [(100 + place, link) for place, link in enumerate(ways_in)]
    definition = {
        "id": SUBGRAPH, "version": 1, "revision": 0, "name": "Sampling, café 🌵", "config": {}, "groups": [],
        "state": {"lastNodeId": 60, "lastLinkId": 300, "lastGroupId": 0, "lastRerouteId": 0}, "widgets": [],
        "inputNode": {"id": -10, "bounding": [0, 0, 120, 140]},
        "outputNode": {"id": -20, "bounding": [1500, 0, 120, 60]},
        "inputs": [
            {"id": f"0b9c1a52-6a8e-4c69-9f51-0d3f3d0c7e2{place}", "name": names[place], "type": link[5],
             "linkIds": [number], "pos": [0, 20 * place]}
            for place, (number, link) in enumerate(made)
        ],
        "outputs": [
            {"id": "0b9c1a52-6a8e-4c69-9f51-0d3f3d0c7e30", "name": "IMAGE", "type": "IMAGE", "linkIds": [200],
             "pos": [1500, 20]}
        ],
        "nodes": [copy.deepcopy(nodes[number]) for number in INNER],
        "links": [
            *(_link(link[0], *link[1:6]) for link in inside),
            *(_link(number, -10, place, link[3], link[4], link[5]) for place, (number, link) in enumerate(made)),
            _link(200, 8, 0, -20, 0, "IMAGE"),
        ],
        "extra": {},
    }  # fmt: skip
    for number, link in made:
        next(node for node in definition["nodes"] if node["id"] == link[3])["inputs"][link[4]]["link"] = number
    definition["nodes"][2]["outputs"][0]["links"] = [200]
    kept = [link for link in workflow["links"] if link not in inside]
    for link in kept:
        if link in ways_in:
            link[3], link[4] = 50, ways_in.index(link)
        elif link in ways_out:
            link[1] = 50
    outside = [node for node in workflow["nodes"] if node["id"] not in INNER]
    return {
        **workflow, "nodes": [*outside, outer], "links": kept, "last_node_id": 60, "last_link_id": 300,
        "definitions": {"subgraphs": [definition]},
    }  # fmt: skip


def _link(number: int, source: int, slot: int, target: int, place: int, kind: str) -> dict[str, Any]:
    return {
        "id": number, "origin_id": source, "origin_slot": slot, "target_id": target, "target_slot": place, "type": kind,
    }  # fmt: skip


def _told(workflow: Workflow) -> dict[str, Any]:
    """Return what a workflow says of its subgraph: the nodes in it with their values, and its wires."""
    (definition,) = workflow["definitions"]["subgraphs"]
    values = {node["id"]: [node["type"], list(node.get("widgets_values") or [])] for node in definition["nodes"]}
    wires = sorted(
        [link["origin_id"], link["origin_slot"], link["target_id"], link["target_slot"]] for link in definition["links"]
    )
    return {"name": definition["name"], "nodes": values, "wires": wires}


@pytest.mark.long
def test_a_subgraph_is_saved_verified_and_restored(page: Page, said: Said, comfyui: ComfyUI) -> None:
    workflow = with_subgraph()
    load_graph(page, workflow)
    expected = _told(workflow)
    assert _told(graph(page)) == expected
    before = set(comfyui.output.rglob("*.png"))
    page.evaluate("() => window.comfyAPI.app.app.queuePrompt(0)")
    image = _new_image(page, comfyui, before)
    reading = read_image(image)
    assert reading.record is not None
    assert reading.workflow is not None
    assert _told(reading.workflow) == expected
    assert {"50:6", "50:7", "50:8"} <= reading.record["recipe"]["nodes"].keys()
    assert reading.record["tuple"]["seed"] == {"value": 20, "known": "observed"}
    server = Server(f"127.0.0.1:{comfyui.port}", patience=120)
    assert verify(image, server, Settings(), lambda *_: None).verdict == "identical"
    load_graph(page, MARKER)
    drop_file(page, image)
    wait_for_node(page, SAVER)
    assert _told(graph(page)) == expected
    assert said.uncaught == []


def _new_image(page: Page, comfyui: ComfyUI, before: set[Path]) -> Path:
    """Wait for the next image with its sidecar, which is written last."""
    for _ in range(600):
        found = [path for path in set(comfyui.output.rglob("*.png")) - before if Path(f"{path}.json").is_file()]
        if found:
            return found[0]
        page.wait_for_timeout(100)
    raise TimeoutError(f"no image came:\n{comfyui.log[-2000:]}")
