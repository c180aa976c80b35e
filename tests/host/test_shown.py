"""What nodes show on themselves: with their output, and by an event while the nodes below them run."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import websocket
from PIL import Image

from goodseed.banks import pick, read_bank
from goodseed.banks.chart import draw_standing
from goodseed.banks.summary import golden_note
from goodseed.plain import plain
from tests.host.comfyui import ComfyUI
from tests.host.graphs import Graph, demo, diverse, ksampler, node, picker, seed_noise, shown

BANK = "test.safetensors"
EVENT = "goodseed.report"
NOT_HELD = "not as recorded"


@pytest.fixture
def listener(comfyui: ComfyUI) -> Iterator[websocket.WebSocket]:
    """A front end of the server, with the client's id that graphs are queued with."""
    connection = _listen(comfyui, comfyui.client)
    yield connection
    connection.close()


def test_the_picker_shows_its_seed_among_all(comfyui: ComfyUI) -> None:
    graph = {"pick": picker(BANK, rule="rank-sum", index=1, count=3), "seed": shown("pick", 0)}
    given = comfyui.run(graph)["pick"]
    bank = read_bank(comfyui.banks / BANK)
    choice = pick(bank, "rank-sum", 3)
    warnings = given["text"][0].splitlines()[2:]
    assert given["text"] == [golden_note(bank, choice, 1, warnings)]
    (image,) = given["images"]
    assert image["type"] == "temp"
    with Image.open(comfyui.image(image)) as chart:
        assert not getattr(chart, "text", {})
        drawn = draw_standing(bank, choice.seeds[1], choice.seeds).astype(int)
        assert np.abs(np.asarray(chart).astype(int) - drawn).max() <= 1


def test_what_only_shows_is_no_output_node(comfyui: ComfyUI) -> None:
    """An output node would run, and load the model wired to it, in branches that nothing asks for."""
    offered = comfyui.get("/object_info")
    ours = {name for name in offered if name.startswith("GoodSeed") and offered[name]["output_node"]}
    assert ours == {"GoodSeedProvenanceSaver", "GoodSeedReproductionCheck"}


def test_reports_are_shown_as_plain_text(comfyui: ComfyUI) -> None:
    graph = demo() | {
        "diverse": diverse(BANK),
        "noise": seed_noise(7, "cuda"),
        "diverse said": shown("diverse", 2),
        "noise said": shown("noise", 1),
    }
    given = comfyui.run(graph)
    for name in ("diverse", "noise"):
        assert given[name]["text"] == [plain(given[f"{name} said"]["text"][0])]
        assert "**" not in given[name]["text"][0]


def test_the_saver_says_what_it_recorded_and_how_well_it_can_be_made_again(comfyui: ComfyUI) -> None:
    guarded = _picture({"guard": node("GoodSeedDeterminismGuard", **_GUARD)}, model="guard")
    assert comfyui.run(guarded)["saver"]["text"][0].splitlines() == [
        "1 image saved with its record: the sampling observed, 3 model files by hash, 2 texts.",
        "All that it depends on is known: goodseed verify makes it again.",
    ]
    first, second = comfyui.run(_picture({}, model="demo", batch=2))["saver"]["text"][0].splitlines()
    assert first.startswith("2 images saved with their records: no sampling observed, ")
    assert "put a Determinism Guard before the sampler" in second
    assert "run the batch of 2" in second


def test_what_comes_later_goes_to_the_front_end_that_asked(comfyui: ComfyUI, listener: websocket.WebSocket) -> None:
    """The swap on a model tells of each sampling, the Guard of what is not as recorded."""
    bystander = _listen(comfyui, uuid.uuid4().hex)
    record = json.loads(comfyui.run(_picture({}, model="demo", seed=1, records=True))["records"]["text"][0])
    swap = node("GoodSeedSeedSwapModel", model=["demo", 0], swap_seed=9, swap_at=0.5, swap_unit="fraction")
    held = node("GoodSeedDeterminismGuard", **{**_GUARD, "model": ["swap", 0], "record": ["record", 0]})
    graph = _picture({"swap": swap, "guard": held}, model="guard", seed=2, sampler="euler_ancestral")
    graph["record"] = node("PrimitiveString", value=json.dumps(record))
    _told(listener)
    comfyui.run(graph)
    told = _told(listener)
    assert {message["node"] for message in told} == {"swap", "guard"}
    texts = {message["node"]: message["text"] for message in told}
    assert texts["swap"].startswith("euler_ancestral, steps 0 to 1.")
    assert NOT_HELD in texts["guard"]
    assert not _told(bystander)
    bystander.close()


_GUARD: dict[str, Any] = {
    "model": ["demo", 0], "mode": "warn", "portable_noise": False, "clip": ["demo", 1], "vae": ["demo", 2],
}  # fmt: skip


def _picture(
    above: Graph, model: str, batch: int = 1, seed: int = 7, sampler: str = "euler", records: bool = False
) -> Graph:
    """A graph that samples with a model of the graph and saves what comes out."""
    graph = (
        demo(batch=batch)
        | above
        | {
            "sampled": ksampler(seed, sampler, model=[model, 0]),
            "decoded": node("VAEDecode", samples=["sampled", 0], vae=["demo", 2]),
            "saver": node("GoodSeedProvenanceSaver", images=["decoded", 0], filename_prefix="shown"),
        }
    )
    return graph | ({"records": shown("saver", 1)} if records else {})


def _listen(comfyui: ComfyUI, client: str) -> websocket.WebSocket:
    comfyui.get("/system_stats")  # the server answers
    return websocket.create_connection(f"ws://127.0.0.1:{comfyui.port}/ws?clientId={client}", timeout=2)


def _told(connection: websocket.WebSocket) -> list[dict[str, Any]]:
    """Return what came by the event until now; two seconds of silence end it."""
    found = []
    try:
        while True:
            message = connection.recv()
            if isinstance(message, str) and (content := json.loads(message))["type"] == EVENT:
                found.append(content["data"])
    except websocket.WebSocketTimeoutException:
        return found
