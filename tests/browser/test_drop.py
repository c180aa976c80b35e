"""Claim: dropping a saved image on the canvas restores its workflow, as a picture of Save Image does."""

from __future__ import annotations

import copy
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from goodseed.provenance.embed import formats
from goodseed.provenance.sidecar import sidecar_of
from tests.browser.pages import Said, Workflow, drop_file, graph, load_graph, wait_for_node
from tests.host.comfyui import ComfyUI
from tests.host.workflows import to_api

if TYPE_CHECKING:
    from playwright.sync_api import Page

EXAMPLE = Path(__file__).resolve().parents[2] / "example_workflows" / "reproduce.json"
PROMPT = "a café under the sky 🌵"
SAVER, GUARD, DECODED = "GoodSeedProvenanceSaver", "GoodSeedDeterminismGuard", 8
STOCK = "SaveImage"

RESTORES, REFUSES, LOADS = "restores the workflow", "says that it cannot", "puts it into a LoadImage"
READ = dict.fromkeys(("png", "webp lossless", "webp", "avif"), RESTORES)
EXPECTED = {
    "floor": READ | {"jpeg": REFUSES},  # 1.27.10
    "newest": READ | {"jpeg": LOADS},  # 1.49.6
    "1.58.1": READ | {"jpeg": LOADS},
}
"""What each front end does with each format; none looks for a workflow in a JPEG."""
QUICK = ("png", "webp lossless", "webp", "jpeg")

MARKER: Workflow = {
    "last_node_id": 77, "last_link_id": 0, "links": [], "groups": [], "config": {}, "extra": {}, "version": 0.4,
    "nodes": [
        {
            "id": 77, "type": "EmptyLatentImage", "pos": [100, 100], "size": [270, 106], "flags": {}, "order": 0,
            "mode": 0, "inputs": [], "outputs": [{"name": "LATENT", "type": "LATENT", "links": None}],
            "properties": {}, "widgets_values": [136, 144, 3],
        }
    ],
}  # fmt: skip
"""What lies on the canvas before the drop."""


@dataclass(frozen=True)
class Saved:
    """A workflow, and the files that one run of it saved: by format, and of the stock saver."""

    workflow: Workflow
    files: dict[str, Path]


@pytest.fixture(scope="module")
def saved(comfyui: ComfyUI, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """One guarded picture, saved in every format and by Save Image, queued with its workflow as the front end does."""
    workflow = _with_savers(json.loads(EXAMPLE.read_text("utf-8")), [*formats(), STOCK])
    shown = comfyui.run(to_api(workflow, comfyui.get("/object_info")), {"workflow": workflow})
    folder = tmp_path_factory.mktemp("saved")
    files: dict[str, Path] = {}
    for node in workflow["nodes"]:
        if node["type"] in (SAVER, STOCK):
            source = comfyui.image(shown[str(node["id"])]["images"][0])
            files[node["title"]] = Path(shutil.copy(source, folder / f"{node['title']}{source.suffix}"))
            if node["type"] == SAVER:
                shutil.copy(sidecar_of(source), sidecar_of(files[node["title"]]))
    return Saved(workflow, files)


def _with_savers(workflow: Workflow, names: list[str]) -> Workflow:
    """Return the example with one small picture, a prompt that is not ASCII, and a saver for each of the names."""
    workflow = copy.deepcopy(workflow)
    nodes = {node["id"]: node for node in workflow["nodes"]}
    nodes[4]["widgets_values"] = [PROMPT]
    nodes[6]["widgets_values"] = [128, 128, 1]
    nodes[7]["widgets_values"][2] = 2
    pattern = next(node for node in workflow["nodes"] if node["type"] == SAVER)
    workflow["nodes"].remove(pattern)
    workflow["links"] = [link for link in workflow["links"] if link[3] != pattern["id"]]
    nodes[DECODED]["outputs"][0]["links"] = []
    for place, name in enumerate(names):
        made, number, link = copy.deepcopy(pattern), 100 + place, 200 + place
        made |= {"id": number, "title": name, "pos": [1500, 300 * place]}
        made["widgets_values"][:2] = [f"drop/{name}", name]
        made["inputs"][0]["link"] = link
        if name == STOCK:
            made |= {"type": STOCK, "widgets_values": ["drop/stock"], "outputs": []}
            made["inputs"] = [entry for entry in made["inputs"] if entry["name"] in ("images", "filename_prefix")]
            made["properties"] = {"Node name for S&R": STOCK}
        workflow["links"].append([link, DECODED, 0, number, 0, "IMAGE"])
        nodes[DECODED]["outputs"][0]["links"].append(link)
        workflow["nodes"].append(made)
    return workflow | {"last_node_id": 200, "last_link_id": 300}


def _told(workflow: Workflow) -> dict[str, Any]:
    """Return what a workflow says: its nodes with title, mode and widget values, and its wires."""
    nodes = {
        str(node["id"]): (node["type"], node.get("title"), node["mode"], list(node.get("widgets_values") or []))
        for node in workflow["nodes"]
    }
    return {"nodes": nodes, "links": sorted([*link[1:5]] for link in workflow["links"])}


def _drop(page: Page, path: Path) -> Workflow:
    """Drop a file on a canvas that holds something else; return the graph that is there after its workflow came."""
    load_graph(page, MARKER)
    drop_file(page, path)
    wait_for_node(page, GUARD)
    return graph(page)


@pytest.mark.parametrize(
    "fmt", [pytest.param(name, marks=[pytest.mark.long] * (name not in QUICK)) for name in formats() if name != "jpeg"]
)
def test_a_dropped_image_restores_its_workflow(
    page: Page, said: Said, comfyui: ComfyUI, saved: Saved, fmt: str
) -> None:
    assert EXPECTED[comfyui.version][fmt] == RESTORES
    restored = _drop(page, saved.files[fmt])
    expected = _told(saved.workflow)
    assert expected["nodes"]["4"][3] == [PROMPT]
    found = _told(restored)
    assert found["links"] == expected["links"]
    assert {key: node[3] for key, node in found["nodes"].items()} == {
        key: node[3] for key, node in expected["nodes"].items()
    }
    assert found == _told(_drop(page, saved.files[STOCK]))
    assert said.uncaught == []


def test_no_front_end_reads_the_workflow_of_a_jpeg(page: Page, comfyui: ComfyUI, saved: Saved) -> None:
    """A known limit, which the node's help tells with what to do; the canvas keeps what it has."""
    load_graph(page, MARKER)
    before = _told(graph(page))
    drop_file(page, saved.files["jpeg"])
    if EXPECTED[comfyui.version]["jpeg"] == REFUSES:
        page.get_by_text("jpeg.jpg").first.wait_for()
    else:
        wait_for_node(page, "LoadImage")
    after = _told(graph(page))
    assert before["nodes"].items() <= after["nodes"].items()
    assert GUARD not in {node[0] for node in after["nodes"].values()}


def test_a_dropped_sidecar_leaves_the_canvas_alone(page: Page, said: Said, saved: Saved) -> None:
    """It is the image that is dropped; but a front end takes any JSON for a workflow, and empties the canvas for it."""
    load_graph(page, MARKER)
    before = _told(graph(page))
    drop_file(page, sidecar_of(saved.files["png"]))
    page.wait_for_timeout(1000)  # for nothing to happen
    assert _told(graph(page)) == before
    assert said.uncaught == []
