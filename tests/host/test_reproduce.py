"""Claim: an image saved on a real ComfyUI can be run again, to the last bit, in the same process and in others."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from goodseed import cli
from goodseed.errors import ServerError, VerifyError
from goodseed.provenance.verify.client import Server
from goodseed.provenance.verify.run import Settings, verify
from goodseed.provenance.verify.verdict import Verification
from tests.host.comfyui import VERSIONS, ComfyUI, find_comfyui, make_base
from tests.host.graphs import Graph
from tests.host.reproduce_graphs import DEMO, GRAPHS, PICTURE, SLIM, guarded, save, saved_with_record, write_picture
from tests.host.slim import Slim, write_checkpoint

ROOT = Path(__file__).resolve().parents[2]
STOCK = ("slim-txt2img", "demo-hires")
QUICK = ("slim-txt2img", *(name for name in GRAPHS if name.startswith("demo")))
PLACES = ("same process", "after a restart", "in another folder")


class Saved:
    """What a server saved, kept where no server has its folders; each graph is run when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.server: ComfyUI | None = None
        self._folder = folder
        self._files: dict[str, list[Path]] = {}

    def recorded(self, name: str) -> list[Path]:
        """Return a graph's images with their records, guarded."""
        return self._made(name, saved_with_record(guarded(GRAPHS[name])))

    def stock(self, name: str) -> Path:
        """Return a graph's image of the stock saver."""
        return self._made(f"stock {name}", GRAPHS[name])[0]

    def make_all(self) -> None:
        for name in GRAPHS:
            self.recorded(name)
        for name in STOCK:
            self.stock(name)

    def _made(self, name: str, graph: Graph) -> list[Path]:
        if name not in self._files:
            assert self.server is not None
            self._files[name] = _files(self.server, graph, self._folder / name)
        return self._files[name]


class World:
    """One version of ComfyUI, in base folders of its own; one of its servers is running at a time."""

    def __init__(self, version: str, root: Path, slim: Slim, demo_weights: Path, folder: Path) -> None:
        self._version, self._root, self._slim, self._folder = version, root, slim, folder
        self._environment = {"GOODSEED_DEMO_WEIGHTS": str(demo_weights)}
        self._saved = Saved(folder / "kept")
        self._complete = False

    @contextlib.contextmanager
    def at(self, place: str) -> Iterator[tuple[ComfyUI, Saved]]:
        """Give a running server, and the files that were saved in the first folder's process before."""
        if not self._complete:
            with self._running("first") as server:
                self._saved.server = server
                self._saved.make_all()
            self._saved.server, self._complete = None, True
        with self._running("elsewhere" if place == PLACES[2] else "first") as server:
            yield server, self._saved

    @contextlib.contextmanager
    def _running(self, name: str) -> Iterator[ComfyUI]:
        base = self._folder / name
        if not base.exists():
            self._slim.link_into(make_base(base, ROOT, f"{name}-pack"))
            write_picture(base / "input")
        server = ComfyUI(self._version, self._root, base, self._environment).start()
        try:
            server.get("/system_stats")  # waits until it answers
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="module")
def worlds(demo_weights: Path, slim_files: Slim, tmp_path_factory: pytest.TempPathFactory) -> dict[str, World]:
    roots = {version: find_comfyui(version) for version in VERSIONS}
    return {
        version: World(version, root, slim_files, demo_weights, tmp_path_factory.mktemp(f"reproduce-{version}"))
        for version, root in roots.items()
        if root is not None
    }


@pytest.fixture(
    scope="module",
    params=[pytest.param(place, marks=[pytest.mark.long] if place != PLACES[0] else []) for place in PLACES],
)
def place(
    request: pytest.FixtureRequest,
    comfyui: ComfyUI,
    slim_files: Slim,
    worlds: dict[str, World],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[ComfyUI, Saved]]:
    """A server to verify on, and what was saved earlier; in the same process: the server of all other tests."""
    if request.param == PLACES[0]:
        slim_files.link_into(comfyui.base)
        write_picture(comfyui.base / "input")
        saved = Saved(tmp_path_factory.mktemp("kept"))
        saved.server = comfyui
        yield comfyui, saved
    else:
        with worlds[comfyui.version].at(request.param) as found:
            yield found


in_one_process = pytest.mark.parametrize("place", PLACES[:1], indirect=True)


def _files(server: ComfyUI, graph: Graph, folder: Path) -> list[Path]:
    """Run a graph, and return copies of what it saved, under other names."""
    folder.mkdir(parents=True)
    copies: list[Path] = []
    for number, shown in enumerate(server.run(graph)["saver"]["images"]):
        source = server.image(shown)
        copies.append(Path(shutil.copy(source, folder / f"kept {number}.png")))
    return copies


def _verify(image: Path, server: ComfyUI, **settings: Any) -> Verification:
    lines: list[str] = []
    answer = verify(
        image,
        Server(f"127.0.0.1:{server.port}", patience=120),
        Settings(**settings),
        lambda what, done, total: lines.append(what),
    )
    return answer


def _cached(server: ComfyUI) -> list[str]:
    """Return the nodes that were cached in the last run of a server."""
    history = server.get("/history?max_items=1")
    messages = next(iter(history.values()))["status"]["messages"]
    return [node for kind, message in messages if kind == "execution_cached" for node in message["nodes"]]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.long]) for name in GRAPHS]
)
def test_every_graph_gives_the_same_pixels_again(place: tuple[ComfyUI, Saved], name: str) -> None:
    server, files = place
    for index, image in enumerate(files.recorded(name)):
        answer = _verify(image, server)
        assert answer.verdict == "identical", answer.as_dict()
        assert [run.index for run in answer.runs] == [index]
        assert _cached(server) == []


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name.startswith("demo") else [pytest.mark.long]) for name in STOCK]
)
def test_images_of_the_stock_saver_do_too(place: tuple[ComfyUI, Saved], name: str) -> None:
    server, files = place
    assert _verify(files.stock(name), server).verdict == "identical"
    assert _cached(server) == []


@in_one_process
def test_nothing_is_left_in_the_output_folder(place: tuple[ComfyUI, Saved]) -> None:
    server, files = place
    before = sorted(server.output.rglob("*"))
    _verify(files.recorded("demo-txt2img")[0], server)
    assert sorted(server.output.rglob("*")) == before


@pytest.mark.parametrize("name", ["demo-txt2img", "demo-custom", "demo-linked_seed"])
@in_one_process
def test_a_changed_parameter_changes_the_picture(place: tuple[ComfyUI, Saved], name: str) -> None:
    server, files = place
    answer = _verify(files.recorded(name)[0], server, perturb=True, repeat=2)
    assert (answer.computed, answer.repeatable, answer.good) == (True, True, True)


@in_one_process
def test_the_command_answers_in_json(place: tuple[ComfyUI, Saved], capsys: pytest.CaptureFixture[str]) -> None:
    server, files = place
    image = files.recorded("demo-txt2img")[0]
    code = cli.run(["verify", str(image), "--server", f"http://127.0.0.1:{server.port}", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (code, said["verdict"], said["causes"]) == (0, "identical", [])


@in_one_process
def test_another_model_under_the_same_name_is_named_as_the_cause(place: tuple[ComfyUI, Saved], tmp_path: Path) -> None:
    first, files = place
    recorded, saved = (
        files.recorded("slim-txt2img")[0],
        files.stock("slim-txt2img"),
    )  # while the model is still the true one
    other = write_checkpoint(tmp_path / "other.safetensors", seed=99)
    link = first.base / "models" / "checkpoints" / SLIM.loader["inputs"]["ckpt_name"]
    true = link.readlink()
    link.unlink()
    link.symlink_to(other)
    try:
        answer, stock = _verify(recorded, first), _verify(saved, first)
    finally:
        link.unlink()
        link.symlink_to(true)
    assert answer.verdict == "different"
    assert answer.causes[0]["cause"] == "model", answer.causes
    assert stock.verdict == "different"
    assert "does not say" in stock.causes[0]["why"]


@in_one_process
def test_what_the_server_lacks_is_named(place: tuple[ComfyUI, Saved], tmp_path: Path) -> None:
    server, _ = place
    graph = GRAPHS["demo-img2img"]
    image = _files(server, graph, tmp_path / "made")[0]
    picture = server.base / "input" / PICTURE
    kept = shutil.move(picture, tmp_path / PICTURE)
    with pytest.raises(ServerError, match=r"no input picture 'reproduce[.]png' for image"):
        _verify(image, server)
    with pytest.raises(VerifyError, match=r"has no 'reproduce[.]png'"):
        _verify(image, server, inputs=tmp_path / "made")
    assert _verify(image, server, inputs=Path(kept).parent).verdict == "identical"
    assert picture.read_bytes() == Path(kept).read_bytes()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"ckpt_name": "gone.safetensors"}, "it has no 'gone.safetensors' for ckpt_name"),
        ({"class_type": "NoSuchLoader"}, "lacks the node NoSuchLoader"),
    ],
)
@in_one_process
def test_a_missing_model_or_node_is_one_line(
    place: tuple[ComfyUI, Saved], tmp_path: Path, change: dict[str, str], complaint: str
) -> None:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    server, files = place
    graph = json.loads(json.dumps(GRAPHS["slim-txt2img"]))
    graph["model"] |= {name: value for name, value in change.items() if name == "class_type"}
    graph["model"]["inputs"] |= {name: value for name, value in change.items() if name != "class_type"}
    texts = PngInfo()
    texts.add_text("prompt", json.dumps(graph))
    with Image.open(files.stock("slim-txt2img")) as image:
        image.save(tmp_path / "edited.png", pnginfo=texts)
    with pytest.raises(ServerError, match=complaint) as caught:
        _verify(tmp_path / "edited.png", server)
    assert "\n" not in str(caught.value)


@in_one_process
def test_the_check_node_says_identical_or_why_not(place: tuple[ComfyUI, Saved]) -> None:
    server, files = place
    name = "was.png"
    shutil.copy(files.recorded("demo-txt2img")[0], server.base / "input" / name)
    same, other = (_checked(server, seed, name) for seed in (42, 43))
    assert same["verdict"]["text"] == ["identical"]
    assert other["verdict"]["text"] == ["different"]
    report = other["check"]["text"][0]
    assert "PSNR" in report
    assert "number" in report
    assert "42" in report
    assert "43" in report


def _checked(server: ComfyUI, seed: int, image: str) -> dict[str, Any]:
    from tests.host.graphs import node, shown

    graph = guarded(save(DEMO.start() | {"sampled": DEMO.sampler(seed=seed)}, "sampled"))
    del graph["saver"]
    graph["was"] = node("GoodSeedProvenanceLoader", image=image)
    graph["check"] = node("GoodSeedReproductionCheck", images=["decoded", 0], reference=["was", 0], record=["was", 1])
    graph["verdict"] = shown("check", 0)
    return server.run(graph)


@in_one_process
def test_a_batch_is_not_confused_with_a_single_image(place: tuple[ComfyUI, Saved], tmp_path: Path) -> None:
    """An item of a batch is compared with that item alone: with its neighbour's pixels it is another picture."""
    from goodseed.provenance.read import read_image
    from goodseed.provenance.verify.verdict import Reference

    _, files = place
    images = [read_image(path, keep_image=True) for path in files.recorded("slim-batch")]
    pixels = [image.image for image in images]
    assert len({image.pixels["sha256"] for image in images if image.pixels}) == 4
    assert pixels[0] is not None
    assert pixels[1] is not None
    assert Reference(pixels[0]).judge(pixels[1]).verdict == "different"
