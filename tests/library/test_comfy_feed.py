"""One server's feed, by a server of these tests and a clock of their own: what counts as hanging, and what as lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from goodseed.errors import PlaceLostError, StudyError
from goodseed.study.comfy import feed
from goodseed.study.comfy.feed import Feed, Settings
from goodseed.study.comfy.generator import ComfyGenerator
from goodseed.study.comfy.workflow import PREVIEW, SHOW, read_workflow
from goodseed.study.engines import Place
from tests.library.stub_server import Stub, picture, serving
from tests.library.test_comfy_workflow import GRAPH


class Clock:
    """Time that passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Slow:
    """A server without a websocket that runs its entries one after the other, `seconds` each."""

    url, client = "http://127.0.0.1:1", ""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self._ends: dict[str, float] = {}
        self._seeds: dict[str, int] = {}

    def describe(self, class_type: str) -> None:
        return None

    def queue(self, graph: Mapping[str, Any]) -> str:
        assert graph[SHOW]["class_type"] == PREVIEW
        key = f"run-{len(self._ends)}"
        self._ends[key] = max([self._clock.now, *self._ends.values()]) + self._seconds
        self._seeds[key] = graph["3"]["inputs"]["seed"]
        return key

    def entry(self, key: str) -> dict[str, Any] | None:
        return None if self._clock.now < self._ends[key] else self.ended(key)

    def ended(self, key: str) -> dict[str, Any]:
        return {"status": {"status_str": "success"}, "outputs": {SHOW: {"images": [{"filename": key}]}}}

    def place(self, key: str) -> int:
        return sum(self._clock.now < end < self._ends[key] for end in self._ends.values())

    def fetch(self, image: Mapping[str, Any]) -> bytes:
        return picture(self._seeds[image["filename"]])

    def withdraw(self, key: str) -> None:
        self._ends.pop(key)


class Failing(Slow):
    """A server whose runs end in an error."""

    def __init__(self, clock: Clock, message: str) -> None:
        super().__init__(clock, 1.0)
        self._message = message

    def ended(self, key: str) -> dict[str, Any]:
        about = {"node_type": "KSampler", "node_id": "3", "exception_type": "E", "exception_message": self._message}
        return {"status": {"status_str": "error", "messages": [["execution_error", about]]}}


class Chatter:
    """Messages that other packs send to everybody, such as the load of the machine, five a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def settimeout(self, seconds: float) -> None:
        pass

    def recv(self) -> str:
        self._clock.sleep(0.2)
        assert self._clock.now < 1000.0, "nobody looked after the entries"
        return json.dumps({"type": "crystools.monitor", "data": {"cpu": 5}})

    def close(self, timeout: float) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(feed, "time", clock)
    return clock


def fed(tmp_path: Path, server: Any, stall: float) -> Feed:
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(GRAPH))
    return Feed(server, read_workflow(path), Settings(ahead=2, stall=stall), lambda line: None)


def test_a_server_without_messages_does_not_hang_while_its_pictures_come(tmp_path: Path, clock: Clock) -> None:
    """Its entries follow each other without a pause, so that one is always running when it is asked."""
    of = fed(tmp_path, Slow(clock, 30.0), stall=80.0)
    cells = [("a", seed) for seed in range(8)]
    for place, cell in enumerate(cells):
        of.announce(cells[place:])
        assert of.picture(cell).shape == (32, 32, 3)
    assert clock.now > 2 * 80.0


def test_a_server_without_messages_hangs_when_one_picture_does_not_come(tmp_path: Path, clock: Clock) -> None:
    of = fed(tmp_path, Slow(clock, 200.0), stall=80.0)
    with pytest.raises(PlaceLostError, match="made no progress for 80 s"):
        of.picture(("a", 1))
    assert clock.now < 100.0


def test_others_messages_do_not_hide_that_a_server_hangs(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "connect", lambda url, client: Chatter(clock))
    of = fed(tmp_path, Slow(clock, 200.0), stall=80.0)
    with pytest.raises(PlaceLostError, match="made no progress for 80 s"):
        of.picture(("a", 1))


@pytest.mark.parametrize(
    "message",
    [
        "CUDA error: an illegal memory access was encountered",
        "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
        "[Errno 28] No space left on device",
    ],
)
def test_a_server_whose_gpu_or_disk_fails_is_lost_alone(tmp_path: Path, clock: Clock, message: str) -> None:
    """The study goes on at the others; another error of a node would meet it everywhere, and ends it."""
    with pytest.raises(PlaceLostError, match=r"KSampler \(node 3\) failed: .*; mend it there; its images go to others"):
        fed(tmp_path, Failing(clock, message), stall=80.0).picture(("a", 1))
    with pytest.raises(StudyError, match="shapes cannot be multiplied") as raised:
        fed(tmp_path, Failing(clock, "mat1 and mat2 shapes cannot be multiplied"), stall=80.0).picture(("a", 1))
    assert not isinstance(raised.value, PlaceLostError)


def test_a_server_that_comes_back_with_another_version_is_lost_alone(tmp_path: Path) -> None:
    """One that was updated over night does not end a study that others go on with; it gets no more work itself."""
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(GRAPH))
    info = {"comfyui": {"version": "0.0.1"}, "sampling": {"width": 32, "height": 32}}
    options = {"workflow": read_workflow(path).as_dict(), "info": info}
    with serving(Stub()) as server:
        generator = ComfyGenerator(options, Place(server.url, {"server": server.url}))
        with pytest.raises(PlaceLostError, match=r"runs ComfyUI stub, the study 0\.0\.1; .* its images go to others"):
            generator.generate("a", [1])
        with pytest.raises(PlaceLostError, match="is given no more work"):
            generator.wait()
