"""The panel's routes on real servers: what each answers, what each refuses, and that none leaks a path."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import websocket
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.host.comfyui import ComfyUI
from tests.host.forms import BOUNDARY, Answer, Part, ask, form, post
from tests.host.reproduce_graphs import DEMO, guarded, save, saved_with_record, txt2img

POSTS = {
    "inspect": ("a",), "compare": ("a", "b"), "heat": ("a", "b"), "workflow": ("a",), "changes": ("a", "graph"),
    "report": ("a", "b", "format"), "verify": ("a",),
}  # fmt: skip
EVERY = (*(("POST", name) for name in POSTS), ("GET", "verify/x"), ("DELETE", "verify/x"), ("GET", "outputs"))
FILE_LIMIT = 128 << 20


class Panel:
    """A server with two pictures that differ in their seed; every answer is searched for paths of its folders."""

    def __init__(self, server: ComfyUI) -> None:
        self.server = server
        graph = saved_with_record(guarded(txt2img(DEMO)))
        self.graph = graph
        self.a = server.run(graph)["saver"]["images"][0]
        other = {**graph, "sampled": DEMO.sampler(model=["guard0", 0], seed=43)}
        self.b = server.run(other)["saver"]["images"][0]

    def post(self, path: str, **parts: Part) -> Answer:
        return self._searched(post(self.server.port, path, **parts))

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        return self._searched(ask(self.server.port, method, f"/goodseed/{path}", body, **headers))

    def refused(self, status: int, path: str, **parts: Part) -> str:
        """Return the one line that a question is refused with."""
        return one_line(self.post(path, **parts), status)

    def data(self, shown: dict[str, Any]) -> bytes:
        return self.server.image(shown).read_bytes()

    def _searched(self, answer: Answer) -> Answer:
        for path in (str(self.server.base), str(self.server.root)):
            assert path.encode() not in answer.body
        return answer


def one_line(answer: Answer, status: int) -> str:
    assert answer.status == status, answer.body[:500]
    assert answer.json.keys() == {"error"}
    line: str = answer.json["error"]
    assert line
    assert "\n" not in line
    return line


@pytest.fixture(scope="module")
def panel(comfyui: ComfyUI) -> Panel:
    return Panel(comfyui)


def png(image: Any = None, **texts: str) -> bytes:
    """Return a small PNG with texts."""
    info, buffer = PngInfo(), io.BytesIO()
    for key, text in texts.items():
        info.add_itxt(key, text)
    array = np.zeros((8, 8, 3), np.uint8) if image is None else image
    Image.fromarray(array).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def with_chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    """Return a PNG with a chunk before its end."""
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data[:-12] + chunk + data[-12:]


# What is answered


def test_bytes_and_names_give_the_same_side(panel: Panel) -> None:
    by_name, by_bytes = panel.post("inspect", a=panel.a).json, panel.post("inspect", a=panel.data(panel.a)).json
    assert by_name == {**by_bytes, "name": panel.a["filename"]}
    assert (by_name["source"], by_name["format"], by_name["width"], by_name["has_graph"]) == (
        "goodseed",
        "PNG",
        128,
        True,
    )
    facts = {fact["name"]: (fact["value"], fact["known"]) for fact in by_name["facts"]}
    assert facts["seed"] == ("42", "observed")
    assert facts["size"] == ("128×128", "observed")
    assert facts["prompt"] == (DEMO.prompt, "read")


def test_two_pictures_are_compared_and_the_routes_are_under_api_too(panel: Panel) -> None:
    found = panel.post("compare", a=panel.a, b=panel.data(panel.b)).json
    assert (found["same"], found["image_same"]) == (False, False)
    assert [(cause["id"], cause["a"], cause["b"], cause["can_set"]) for cause in found["causes"]] == [
        ("sampled:seed", 42, 43, True)
    ]
    assert [stage["same"] for stage in found["stages"]] == [True, False, True, False, False, False]
    assert found["pixels"]["largest"] > 0
    body = form(a=panel.a, b=panel.data(panel.b))
    assert ask(panel.server.port, "POST", "/api/goodseed/compare", body).json == found


def test_a_picture_and_itself_are_the_same(panel: Panel) -> None:
    found = panel.post("compare", a=panel.a, b=panel.data(panel.a)).json
    assert (found["same"], found["image_same"], found["causes"]) == (True, True, [])
    assert found["pixels"] == {"same_size": True, "largest": 0, "mean": 0.0, "differing": 0.0, "channels": "RGB"}


def test_the_heat_map_has_the_pictures_size_and_says_its_scale(panel: Panel) -> None:
    answer = panel.post("heat", a=panel.a, b=panel.b)
    assert answer.headers["Content-Type"] == "image/png"
    first, second = (np.asarray(Image.open(panel.server.image(shown))).astype(int) for shown in (panel.a, panel.b))
    largest = np.abs(first - second).max(axis=2)
    assert int(answer.headers["X-Goodseed-Largest"]) == largest.max()
    picture = Image.open(io.BytesIO(answer.body))
    assert picture.size == (128, 128)
    light = np.asarray(picture.convert("RGB")).sum(axis=2)
    assert (light[largest == 0] == light.min()).all()
    assert (light[largest == largest.max()] == light.max()).all()


def test_the_workflow_to_open_is_the_one_in_the_file(panel: Panel) -> None:
    found = panel.post("workflow", a=panel.a).json
    assert found["workflow"] is None
    assert found["prompt"]["sampled"]["inputs"]["seed"] == 42
    drawn = {"nodes": [], "version": 0.4}
    assert panel.post("workflow", a=png(workflow=json.dumps(drawn))).json == {"workflow": drawn, "prompt": None}


def test_the_latest_outputs_come_first(panel: Panel) -> None:
    folder = panel.server.output / "sub" / "deeper"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "late.webp").write_bytes(b"x")
    (folder / "no-picture.txt").write_bytes(b"x")
    outside = panel.server.base / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "secret.png").write_bytes(b"x")
    with contextlib.suppress(FileExistsError):
        (folder / "out").symlink_to(outside, target_is_directory=True)
    found = panel.ask("GET", "outputs?limit=500").json["images"]
    assert {**found[0], "modified": 0} == {
        "filename": "late.webp", "subfolder": "sub/deeper", "type": "output", "modified": 0
    }  # fmt: skip
    assert panel.b["filename"] in [image["filename"] for image in found]
    assert [image["modified"] for image in found] == sorted((image["modified"] for image in found), reverse=True)
    assert not {"no-picture.txt", "secret.png"} & {image["filename"] for image in found}
    assert len(panel.ask("GET", "outputs?limit=1").json["images"]) == 1
    for limit in ("0", "-1", "x", "9" * 30, "²"):
        one_line(panel.ask("GET", f"outputs?limit={limit.encode().hex() if not limit.isascii() else limit}"), 400)


def test_markup_in_a_picture_is_text_in_the_reports(panel: Panel) -> None:
    bad = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    graph = save(DEMO.start() | {"sampled": DEMO.sampler()}, "sampled")
    graph["positive"]["inputs"]["text"] = bad
    graph["sampled"]["_meta"] = {"title": bad}
    other = json.dumps(graph).replace("alert(1)", "alert(2)")
    pictures = {"a": (f"{bad}.png", png(prompt=json.dumps(graph))), "b": ("b.png", png(prompt=other))}
    page = panel.post("report", **pictures, format="html").json
    assert "<script" not in page["text"]
    assert "<img src=x" not in page["text"]
    assert "&lt;script&gt;" in page["text"]
    assert page["filename"].endswith(".html")
    assert page["filename"].replace("-", "").replace("_", "").replace(".", "").isalnum()
    text = panel.post("report", **pictures, format="markdown").json["text"]
    assert "<" not in text
    assert "data:image/" in panel.post("report", a=panel.a, b=panel.b, format="html").json["text"]
    panel.refused(400, "report", a=panel.a, b=panel.b, format="pdf")


def test_pictures_of_other_tools_and_of_none_are_compared_too(panel: Panel) -> None:
    words = {"prompt": "a cat", "seed": 5, "steps": 20, "sampler": "euler", "width": 8, "height": 8}
    swarm = png(parameters=json.dumps({"sui_image_params": words}))
    side = panel.post("inspect", a=swarm).json
    assert side["source"] == "swarmui"
    assert {"name": "seed", "value": "5", "known": "given"} in side["facts"]
    light = np.full((8, 8, 3), 9, np.uint8)
    found = panel.post("compare", a=swarm, b=png(light)).json
    assert (found["same"], found["causes"], found["pixels"]["largest"]) == (False, [], 9)
    assert found["notes"] == ["B says nothing of how the picture was made: only the pixels were compared."]
    assert panel.post("compare", a=png(light), b=png(light)).json["same"] is True
    again = png(parameters=json.dumps({"sui_image_params": {**words, "seed": 6}}))
    assert [cause["name"] for cause in panel.post("compare", a=swarm, b=again).json["causes"]] == ["seed"]


# What is refused


@pytest.mark.parametrize(("method", "path"), EVERY, ids=[" ".join(pair) for pair in EVERY])
def test_every_route_refuses_other_sites(panel: Panel, method: str, path: str) -> None:
    body = form(a=panel.a) if method == "POST" else None
    own = f"127.0.0.1:{panel.server.port}"
    for headers in (
        {"Host": "good.example", "Origin": "http://evil.example"},
        {"Host": "good.example", "Origin": "http://good.example:81"},
        {"Host": "good.example", "Origin": "null"},
        {"Host": "good.example", "Origin": "http://good.example.evil.example"},
        {"Host": own, "Sec_Fetch_Site": "same-site"},
        {"Host": own, "Sec_Fetch_Site": "whatever"},
    ):
        assert "only pages of this very server" in one_line(panel.ask(method, path, body, **headers), 403)
    for headers in (
        {"Host": own, "Origin": f"http://{own}", "Sec_Fetch_Site": "same-origin"},
        {"Host": "good.example"},
    ):
        assert panel.ask(method, path, body, **headers).status != 403


NAMES: list[tuple[int, dict[str, Any]]] = [
    *((403, {"filename": name}) for name in ("/etc/passwd", "../reproduce_00001_.png", "..", "a\\b.png", "link.png")),
    *((403, {"subfolder": folder}) for folder in ("/etc", "..", "sub/../..", "..\\..", "sub/../../input")),
    (403, {"subfolder": "linked_out", "filename": "comfyui.log"}),
    *((400, {"type": kind}) for kind in ("models", "", None, "../output")),
    *((400, {"filename": name}) for name in ("", "a\0.png", 7, "x" * 2000)),
    (400, {"subfolder": ["a"]}),
    *((404, {"filename": name}) for name in ("missing.png", "reproduce_00001_.png [input]", "sub")),
]


@pytest.mark.parametrize(("status", "changes"), NAMES, ids=[str(pair)[:60] for pair in NAMES])
def test_names_reach_nothing_outside_comfyuis_folders(panel: Panel, status: int, changes: dict[str, Any]) -> None:
    (panel.server.output / "sub").mkdir(exist_ok=True)
    for link, target in (("link.png", panel.server.log_file), ("linked_out", panel.server.base)):
        if not (panel.server.output / link).is_symlink():
            (panel.server.output / link).symlink_to(target)
    panel.refused(status, "inspect", a={**panel.a, **changes})


def test_damaged_forms_are_refused(panel: Panel) -> None:
    good = form(a=panel.a)
    bodies = [b"", good[:-30], good.replace(b"\r\n\r\n", b"\r\n"), b"--" + good, good[: -len(BOUNDARY) - 6] + good]
    bodies += [form(), form(b=panel.a), form(a=panel.a, c="x"), *(form(a=text) for text in ("no JSON", "[]", "7"))]
    for body in bodies:
        one_line(panel.ask("POST", "inspect", body), 400)
    for headers in ({"Content_Type": "application/json"}, {"Content_Type": "multipart/form-data"}):
        one_line(panel.ask("POST", "inspect", good, **headers), 400)
    nested = good.replace(b"\r\n\r\n", b"\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n", 1)
    one_line(panel.ask("POST", "inspect", nested), 400)


def test_hostile_files_are_one_line_each_and_the_server_lives(panel: Panel) -> None:
    good = panel.data(panel.a)
    wide = with_chunk(png(), b"zTXt", b"prompt\0\0" + zlib.compress(b"x" * (200 << 20)))
    bomb = bytearray(good)
    bomb[16:24] = struct.pack(">II", 30_000, 30_000)
    bomb[29:33] = struct.pack(">I", zlib.crc32(bytes(bomb[12:29])))
    hostile = {
        "cut short": good[: len(good) // 2], "no image": b"<svg onload=alert(1)>", "empty": b"", "a bomb": bytes(bomb),
        "a bomb of text": wide, "half a head": good[:20], "noise": good[:40] + bytes(1000),
    }  # fmt: skip
    for name, data in hostile.items():
        for path in ("inspect", "workflow"):
            assert panel.refused(400, path, a=(f"{name}.png", data)).startswith(f"{name}.png: ")
        panel.refused(400, "compare", a=panel.a, b=data)
        panel.refused(400, "heat", a=data, b=panel.a)
    (panel.server.base / "input" / "text.png").write_text("no picture")
    assert "is no PNG" in panel.refused(400, "inspect", a={"filename": "text.png", "subfolder": "", "type": "input"})
    assert "a heat map needs two pictures of one size" in panel.refused(400, "heat", a=panel.a, b=png())
    assert panel.post("inspect", a=panel.a).status == 200


def test_what_is_over_a_cap_is_refused_beforehand_or_at_the_cap(panel: Panel) -> None:
    port = panel.server.port
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        head = (
            f"POST /goodseed/inspect HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        )
        connection.sendall(f"{head}Content-Length: {300 << 20}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")  # before a byte of it was sent
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        start = form(a=b"")[: -len(BOUNDARY) - 8]
        connection.sendall(b"%x\r\n%s\r\n" % (len(start), start))
        block = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
        for _ in range(129):
            connection.sendall(block)
        assert connection.recv(100).startswith(b"HTTP/1.1 413")  # though it has no end
    graph = json.dumps({"1": {"class_type": "A", "inputs": {"text": "x" * (16 << 20)}}})
    assert "graph: is over the limit of 16 MB" in panel.refused(413, "changes", a=panel.a, graph=graph)
    assert panel.refused(413, "inspect", a=json.dumps({"filename": "x" * (1 << 20)}))
    large = panel.server.base / "input" / "large.png"
    with large.open("wb") as file:
        file.truncate(FILE_LIMIT + 1)
    assert "over the limit of 128 MB" in panel.refused(
        413, "inspect", a={"filename": "large.png", "subfolder": "", "type": "input"}
    )
    large.unlink()


def test_a_picture_of_more_bytes_than_comfyui_takes_elsewhere_is_read(panel: Panel) -> None:
    data = with_chunk(png(), b"prVt", bytes(105 << 20))
    assert panel.post("inspect", a=data).json["width"] == 8


# Running a picture again


@contextlib.contextmanager
def messages(server: ComfyUI, client: str) -> Iterator[websocket.WebSocket]:
    connection = websocket.create_connection(f"ws://127.0.0.1:{server.port}/ws?clientId={client}", timeout=60)
    try:
        yield connection
    finally:
        connection.close()


def told(connection: websocket.WebSocket) -> Iterator[dict[str, Any]]:
    """Yield what a client is told of verifying, up to its end."""
    while True:
        text = connection.recv()
        message = json.loads(text) if isinstance(text, str) else {}
        if message.get("type") == "goodseed.verify":
            yield message["data"]
            if message["data"]["state"] != "running":
                return


def until_over(panel: Panel, job: str) -> dict[str, Any]:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found: dict[str, Any] = panel.ask("GET", f"verify/{job}").json
        if found["state"] != "running":
            return found
        time.sleep(0.05)
    raise TimeoutError


def test_a_picture_is_run_again_with_progress(panel: Panel) -> None:
    with messages(panel.server, "panel-test") as connection:
        job = panel.post("verify", a=panel.a, client_id="panel-test").json["job"]
        seen = list(told(connection))
    found = until_over(panel, job)
    assert seen[-1] == found
    assert (found["state"], found["error"], found["answer"]["verdict"]) == ("done", None, "identical")
    assert any(0 < message["done"] <= message["total"] for message in seen)
    by_bytes = until_over(panel, panel.post("verify", a=panel.data(panel.b)).json["job"])
    assert by_bytes["answer"]["verdict"] == "identical"


def test_one_run_at_a_time_and_it_can_be_stopped(panel: Panel) -> None:
    slow = save(DEMO.start() | {"sampled": DEMO.sampler(steps=2000)}, "sampled")
    job = panel.post("verify", a=png(prompt=json.dumps(slow))).json["job"]
    assert "another picture is being run again" in panel.refused(409, "verify", a=panel.a)
    end = time.monotonic() + 60
    while panel.ask("GET", f"verify/{job}").json["what"] != "KSampler" and time.monotonic() < end:
        time.sleep(0.1)
    assert panel.ask("DELETE", f"verify/{job}").status == 200
    found = until_over(panel, job)
    assert (found["state"], found["what"], found["answer"], found["error"]) == ("cancelled", "KSampler", None, None)
    assert panel.ask("DELETE", f"verify/{job}").json == found
    for _ in range(100):
        queue = panel.server.get("/queue")
        if not queue["queue_running"] and not queue["queue_pending"]:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the run goes on")
    assert until_over(panel, panel.post("verify", a=panel.a).json["job"])["state"] == "done"


def test_what_cannot_be_run_again_says_why(panel: Panel) -> None:
    for data, why in ((png(), "holds no graph of ComfyUI"), (b"no image", "is no PNG")):
        found = until_over(panel, panel.post("verify", a=("some.png", data)).json["job"])
        assert (found["state"], found["answer"]) == ("failed", None)
        assert found["error"].startswith("some.png: ")
        assert why in found["error"]
    one_line(panel.ask("GET", "verify/unknown"), 404)
    one_line(panel.ask("DELETE", "verify/unknown"), 404)


def test_another_picture_than_its_graph_makes_is_different(panel: Panel) -> None:
    prompt = json.dumps(txt2img(DEMO))
    found = until_over(panel, panel.post("verify", a=png(np.zeros((128, 128, 3), np.uint8), prompt=prompt)).json["job"])
    assert found["answer"]["verdict"] == "different"
    assert found["answer"]["causes"]
