"""The Inpaint Artifact Filter on running servers: lists and batches, seeds that stay with their images."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from goodseed.demo.weights import WEIGHTS_DIR
from goodseed.plain import plain
from tests.host.banks import HUGE, write_stand_ins
from tests.host.comfyui import VERSIONS, ComfyUI, GraphFailed, find_comfyui, make_base
from tests.host.conftest import ASSETS, PACK_NAMES, ROOT
from tests.host.graphs import Graph, node, picker, shown
from tests.host.ocr import ocr_packages
from tests.host.test_examples import check_by_comfy_cli, check_example

SEEDS = (11, HUGE, 13)


@pytest.fixture(scope="module", params=list(VERSIONS))
def reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyUI]:
    """A server that has the packages that read text, from a folder of their own."""
    version = request.param
    root = find_comfyui(version)
    if root is None:
        pytest.skip(f"no ComfyUI ({version})")
    assert request.config.cache is not None
    packages = Path(request.config.cache.mkdir(f"ocr-{version}"))
    if why := ocr_packages(root, packages):
        pytest.skip(f"INPAINT TESTS SKIPPED: the packages that read text cannot be had: {why}")
    base = make_base(tmp_path_factory.mktemp(version) / "base", ROOT, PACK_NAMES[version], ASSETS / "goodseed_probe")
    for name, text, size in PICTURES:
        _picture(text, size).save(base / "input" / name)
    _mask().save(base / "input" / "mask.png")
    Image.new("L", (64, 64)).save(base / "input" / "black.png")
    write_stand_ins(WEIGHTS_DIR, base / "models" / "seedbanks")
    server = ComfyUI(version, root, base, {"PYTHONPATH": str(packages)}).start()
    yield server
    server.stop()


PICTURES = (
    ("sale.png", "sale", (192, 160)), ("plain.png", "", (192, 160)), ("open.png", "open", (192, 160)),
    ("wide.png", "", (256, 128)),
)  # fmt: skip


def _picture(text: str, size: tuple[int, int]) -> Image.Image:
    rows = np.linspace(90, 160, size[1])[:, None, None] + np.array([0, 20, 40])
    image = Image.fromarray(np.broadcast_to(rows, (*size[::-1], 3)).astype(np.uint8))
    if text:
        ImageDraw.Draw(image).text((60, 60), text, font=ImageFont.load_default(size=30), fill=(250, 250, 240))
    return image


def _mask() -> Image.Image:
    mask = Image.new("L", (96, 80))
    mask.paste(255, (20, 20, 80, 60))
    return mask


def filtered(
    names: str, batch: bool, mask: str = "mask.png", seeds: str = " ".join(map(str, SEEDS)), **changes: Any
) -> Graph:
    inputs = {
        "images": ["images", 0], "mask": ["mask", 0], "mode": "keep", "threshold": 0.0, "count": 1,
        "when_none": "stop", **({"seeds": ["seeds", 0]} if seeds else {}),
    }  # fmt: skip
    return {
        "images": node("ProbeImages", names=names, batch=batch),
        "mask": node("LoadImageMask", image=mask, channel="red"),
        "seeds": node("ProbeList", values=seeds),
        "filter": node("GoodSeedInpaintArtifactFilter", **{**inputs, **changes}),
        "in": node("ProbePixels", images=["images", 0]),
        "clean": node("ProbePixels", images=["filter", 0]),
        "clean seeds": shown("filter", 1),
        "rejected": node("ProbePixels", images=["filter", 2]),
        "rejected seeds": shown("filter", 3),
        "shares": shown("filter", 4),
        "overlay": node("SaveImage", images=["filter", 5], filename_prefix="overlay"),
        "report": shown("filter", 6),
    }


def _seeds(given: dict[str, Any], name: str) -> list[int]:
    return [int(text) for text in given[name]["text"]]


@pytest.mark.long
@pytest.mark.parametrize(
    ("names", "batch"), [("sale.png plain.png open.png", True), ("sale.png wide.png open.png", False)]
)
def test_kept_seeds_match_kept_images_in_a_batch_and_in_a_list_of_several_sizes(
    reader: ComfyUI, names: str, batch: bool
) -> None:
    given = reader.run(filtered(names, batch, prompt="a big sale"))
    first, second, third = given["in"]["hashes"]
    assert given["clean"]["hashes"] == [second]
    assert _seeds(given, "clean seeds") == [HUGE]
    assert given["rejected"]["hashes"] == [first, third]
    assert _seeds(given, "rejected seeds") == [11, 13]
    shares = [float(text) for text in given["shares"]["text"]]
    assert shares[1] == 0
    assert 0.03 < shares[0] < 0.5
    assert len(given["overlay"]["images"]) == 3
    with Image.open(reader.image(given["overlay"]["images"][0])) as drawn:
        assert ((np.asarray(drawn.convert("RGB")) == (255, 40, 40)).all(axis=2)).sum() > 50
    on_node = [reader.image(image) for image in given["filter"]["images"]]
    for one, other in zip(on_node, map(reader.image, given["overlay"]["images"]), strict=True):
        with Image.open(one) as on_it, Image.open(other) as handed_on:
            assert np.array_equal(np.asarray(on_it), np.asarray(handed_on))
    report = given["report"]["text"][0]
    assert given["filter"]["text"] == [plain(report)]
    assert "1 of 3 images kept" in report
    assert "image 0, seed 11: text on" in report
    assert "100% of the letters are the prompt's" in report


@pytest.mark.long
def test_where_nothing_is_rejected_the_nodes_below_do_not_run_and_the_rest_does(reader: ComfyUI) -> None:
    given = reader.run(filtered("plain.png plain.png plain.png", True))
    assert "rejected" not in given
    assert "rejected seeds" not in given
    assert _seeds(given, "clean seeds") == list(SEEDS)


@pytest.mark.long
def test_the_best_and_the_sorted_images_take_their_seeds_with_them(reader: ComfyUI) -> None:
    given = reader.run(filtered("sale.png plain.png open.png", True, mode="sort"))
    before, after = given["in"]["hashes"], given["clean"]["hashes"]
    assert [SEEDS[before.index(one)] for one in after] == _seeds(given, "clean seeds")
    assert after[0] == before[1]
    assert "rejected" not in given
    given = reader.run(filtered("sale.png plain.png open.png", False, mode="best", count=2))
    assert _seeds(given, "clean seeds")[0] == HUGE
    assert len(given["clean"]["hashes"]) == 2


@pytest.mark.long
def test_where_no_image_is_clean_it_stops_with_the_reason_or_keeps_the_least_bad(reader: ComfyUI) -> None:
    with pytest.raises(GraphFailed, match=r"no image is clean: the least text is in image [01], .* of the mask .*"):
        reader.run(filtered("sale.png open.png", True, seeds="1 2"))
    given = reader.run(filtered("sale.png open.png", True, seeds="1 2", when_none="least bad"))
    assert sorted(_seeds(given, "clean seeds") + _seeds(given, "rejected seeds")) == [1, 2]
    assert "no image is clean" in given["report"]["text"][0]


@pytest.mark.long
def test_the_originals_text_does_not_count(reader: ComfyUI) -> None:
    graph = filtered("sale.png", True, seeds="1", original=["images", 0])
    assert _seeds(reader.run(graph), "clean seeds") == [1]


@pytest.mark.long
@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (filtered("sale.png plain.png open.png", True, seeds="1 2"), "seeds: 2 for 3 images; give one for all, or one"),
        (
            filtered("sale.png plain.png", True, seeds="1 2", mask="black.png"),
            "mask: is empty; paint what was inpainted",
        ),
    ],
    ids=["seeds", "mask"],
)
def test_inputs_that_do_not_fit_are_one_clear_line(reader: ComfyUI, graph: Graph, message: str) -> None:
    with pytest.raises(GraphFailed) as raised:
        reader.run(graph)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


@pytest.mark.long
def test_the_example_runs_as_it_is(reader: ComfyUI, tmp_path: Path) -> None:
    check_example(reader, "clean_inpaint")
    check_by_comfy_cli(reader, "clean_inpaint", tmp_path)


@pytest.mark.long
def test_in_the_example_survivors_keep_their_seeds_and_their_records_name_them(reader: ComfyUI) -> None:
    """With seeds of which some write, the first one too."""
    seeds = [3, 7, 0, 1, 2, 5]
    graph = example() | {"seeds": node("ProbeList", values=" ".join(map(str, seeds))), "records": shown("19", 1)}
    graph["16"]["inputs"]["seed"] = graph["18"]["inputs"]["seeds"] = ["seeds", 0]
    given = reader.run(graph | probes())
    painted = given["painted"]["hashes"]
    kept, rejected = ([painted.index(one) for one in given[side]["hashes"]] for side in ("kept", "rejected"))
    assert sorted([*kept, *rejected]) == list(range(len(seeds)))
    assert kept != list(range(len(kept)))  # an image moved up: its new place is not its old one
    assert _seeds(given, "kept seeds") == [seeds[place] for place in kept]
    records = [json.loads(text) for text in given["records"]["text"]]
    assert [record["tuple"]["seed"]["value"] for record in records] == [seeds[place] for place in kept]
    assert all(record["tuple"]["seed"]["known"] == "observed" for record in records)


@pytest.mark.long
def test_the_example_works_on_a_batch(reader: ComfyUI) -> None:
    graph = example() | {"repeated": node("RepeatLatentBatch", samples=["13", 0], amount=6)}
    graph["seeds"] = node("ProbeList", values="3")
    graph["16"]["inputs"] |= {"seed": 3, "latent_image": ["repeated", 0]}
    graph["18"]["inputs"]["seeds"] = ["seeds", 0]
    given = reader.run(graph | {"records": shown("19", 1)} | probes())
    painted = given["painted"]["hashes"]
    kept = [painted.index(one) for one in given["kept"]["hashes"]]
    assert 0 < len(kept) < 6
    assert _seeds(given, "kept seeds") == [3] * len(kept)
    items = [json.loads(text)["runs"][-1]["item"] for text in given["records"]["text"]]
    assert items == kept


def example() -> Graph:
    graph: Graph = json.loads((ROOT / "example_workflows/api/clean_inpaint.json").read_text(encoding="utf-8"))
    return graph


def probes() -> Graph:
    return {
        "painted": node("ProbePixels", images=["17", 0]),
        "kept": node("ProbePixels", images=["18", 0]),
        "kept seeds": shown("18", 1),
        "rejected": node("ProbePixels", images=["18", 2]),
    }


def test_without_the_packages_it_is_one_line_and_the_rest_of_the_pack_works(comfyui: ComfyUI) -> None:
    (comfyui.base / "input" / "sale.png").exists() or _picture("sale", (64, 64)).save(comfyui.base / "input/sale.png")
    graph = {
        "images": node("LoadImage", image="sale.png"),
        "mask": node("SolidMask", value=1.0, width=64, height=64),
        "filter": node(
            "GoodSeedInpaintArtifactFilter", images=["images", 0], mask=["mask", 0], mode="keep", threshold=0.0,
            count=1, when_none="stop",
        ),
        "report": shown("filter", 6),
    }  # fmt: skip
    with pytest.raises(GraphFailed) as raised:
        comfyui.run(graph)
    said = str(raised.value)
    assert said.startswith("rapidocr, which reads text in images, is missing; pip install rapidocr")
    assert "never both: they share one folder" in said
    assert "\n" not in said
    assert comfyui.run({"pick": picker("test.safetensors"), "seed": shown("pick", 0)})["seed"]["text"]
