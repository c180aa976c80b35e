"""What the panel is told of two pictures: the answer of the command, and what a screen needs beside it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodseed.errors import ImageError, TooLargeError
from goodseed.panel import picture as pictures
from goodseed.panel.browser import LARGEST_EXACT, for_browsers
from goodseed.panel.comparison import compare
from goodseed.panel.picture import Source, load, load_both, plain_name
from goodseed.panel.side import side, workflow_in
from goodseed.provenance.diff.readings import compare_readings
from goodseed.provenance.embed import RECORD_KEY, Options, embed
from goodseed.provenance.embed.png import write_png
from goodseed.provenance.record import record_text
from goodseed.provenance.sidecar import sidecar_bytes, sidecar_of
from tests.library.panel_maker import data, graph, picture, pixels, plain, stock
from tests.library.record_maker import observed, sample_record

CAUSE = {
    "id", "cause", "where", "a", "b", "why", "fix", "kind", "name", "evidence", "stage", "distance", "place", "prompt",
    "can_set",
}  # fmt: skip


def test_a_side_says_what_it_is_and_how_each_value_is_known() -> None:
    found = side(picture(name="C:\\Users\\me\\pictures\\a.png"))
    facts = {fact["name"]: (fact["value"], fact["known"]) for fact in found.pop("facts")}
    assert found.pop("pixels_sha256") == load(Source("a", data())).reading.pixels["sha256"]
    assert found == {
        "name": "a.png", "source": "goodseed", "format": "PNG", "width": 32, "height": 32, "has_workflow": True,
        "has_graph": True, "notes": [],
    }  # fmt: skip
    assert facts["seed"] == ("42", "observed")
    assert facts["size"] == ("64×64", "observed")
    assert facts["model"] == ("base/model.safetensors", "read")
    assert facts["prompt"] == ("a red ball", "read")
    assert facts["negative prompt"] == ("blurry", "read")
    assert facts["adapters"] == ("soft.safetensors at 0.8", "observed")
    assert not {"width", "height", "positive prompt"} & facts.keys()


def test_a_picture_that_says_nothing_has_no_facts() -> None:
    found = side(plain())
    assert (found["source"], found["facts"], found["has_workflow"], found["has_graph"]) == ("none", [], False, False)
    assert workflow_in(plain()) == {"workflow": None, "prompt": None}


def test_the_causes_are_the_commands() -> None:
    a, b = picture(), picture(graph(("3", "cfg", 7.0), ("5", "text", "a red\u00a0ball")), pixels(1))
    found, command = compare(a, b), compare_readings(a.reading, b.reading).as_dict()
    assert [{name: cause[name] for name in command["causes"][0]} for cause in found["causes"]] == command["causes"]
    assert all(cause.keys() == CAUSE for cause in found["causes"])
    assert {name: found[name] for name in ("same", "image_same", "stages", "notes")} == {
        name: command[name] for name in ("same", "image_same", "stages", "notes")
    }
    assert len({cause["id"] for cause in found["causes"]}) == len(found["causes"])
    text = next(cause for cause in found["causes"] if cause["id"] == "5:text")
    assert [piece["kind"] for piece in text["prompt"]] == ["same", "changed", "same"]
    json.dumps(found, allow_nan=False)


def test_every_value_stands_there_also_the_same_ones() -> None:
    found = compare(picture(), picture(graph(("3", "cfg", 7.0)), environment__torch=observed("2.12.0")))["values"]
    rows = {(row["group"], row["name"]): (row["a"], row["b"], row["same"]) for row in found}
    assert len(rows) == len(found)
    assert rows["prompts", "prompt"] == ("a red ball", "a red ball", True)
    assert rows["sampling", "seed"] == ("42", "42", True)
    assert rows["environment", "torch"] == ("2.11.0", "2.12.0", False)
    assert rows["graph", "KSampler: cfg"] == ("7.5", "7.0", False)
    assert rows["graph", "KSampler: seed"] == ("42", "42", True)
    assert rows["models", "loras"][2] is True
    assert rows["image", "size"] == ("32×32", "32×32", True)


def test_a_value_that_one_side_lacks_is_neither_same_nor_different() -> None:
    found = compare(picture(), stock(graph()))["values"]
    rows = {(row["group"], row["name"]): (row["a"], row["b"], row["same"]) for row in found}
    assert rows["environment", "torch"] == ("2.11.0", None, None)


def test_a_node_of_one_graph_alone_stands_in_the_values() -> None:
    more = graph(("8", "samples", ["20", 0]))
    more["20"] = {"class_type": "LatentFlip", "inputs": {"samples": ["3", 0], "flip_method": "x"}}
    rows = compare(stock(graph()), stock(more, name="b.png"))["values"]
    assert {"group": "graph", "name": "LatentFlip", "a": None, "b": "present", "same": False} in rows


def test_a_file_that_was_edited_is_a_difference_though_the_records_agree() -> None:
    whole, brush = picture(), pixels()
    brush[3, 4] = 255 - brush[3, 4]
    texts = {RECORD_KEY: record_text(whole.reading.record)}
    edited = load(Source("b.png", write_png(Image.fromarray(brush), {}, texts, 4)))
    assert edited.reading.record == whole.reading.record
    found = compare(whole, edited)
    assert (found["same"], found["image_same"]) == (False, False)
    assert found["pixels"]["differing"] == 1 / 32**2
    assert [(cause["cause"], cause["name"]) for cause in found["causes"]] == [("post-process", "edited")]
    assert found["causes"][0]["why"].startswith("The file of B was edited or converted after it was saved;")
    assert compare(edited, whole)["causes"][0]["where"] == "the file of A"


def test_pictures_without_a_record_are_compared_by_their_pixels() -> None:
    found = compare(plain(), plain(pixels(1), name="b.png"))
    assert (found["same"], found["image_same"], found["causes"]) == (False, False, [])
    assert found["notes"] == ["A and B say nothing of how the picture was made: only the pixels were compared."]
    same = compare(picture(), plain())
    assert (same["same"], same["image_same"], same["stages"][-1]["same"]) == (True, True, True)


def test_whole_numbers_that_a_browser_rounds_are_texts() -> None:
    large = LARGEST_EXACT + 1
    cause = compare(stock(graph(("3", "seed", large))), stock(graph(), name="b.png"))["causes"][0]
    assert (cause["a"], cause["b"], cause["can_set"]) == (str(large), 42, False)
    assert for_browsers({"a": [large, -large, LARGEST_EXACT, True, 0.5, None]}) == {
        "a": [str(large), str(-large), LARGEST_EXACT, True, 0.5, None]
    }


def test_very_long_texts_are_shortened() -> None:
    long = "word " * 20_000
    found = compare(stock(graph(("5", "text", long))), stock(graph(("5", "text", f"{long}end")), name="b.png"))
    cause = next(cause for cause in found["causes"] if cause["id"] == "5:text")
    assert max(len(cause["a"]), len(cause["b"])) <= 20_001
    assert len(json.dumps(found)) < 200_000
    assert cause["prompt"][-1]["b"] == "end"


def test_a_file_is_read_with_the_record_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    made = embed(pixels(), "png", sample_record(), {}, Options())
    assert made.record is not None
    path.write_bytes(embed(pixels(), "png", None, {}, Options()).data)
    sidecar_of(path).write_bytes(sidecar_bytes(made.record, {}))
    assert side(load(Source("a.png", path)))["source"] == "goodseed"
    assert side(load(Source("a.png", path.read_bytes())))["source"] == "none"


def test_what_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data())
    monkeypatch.setattr(pictures, "MOST_PIXELS", 32 * 32 - 1)
    with pytest.raises(ImageError, match=r"a\.png: 32×32 px are over the limit of 1,023 pixels"):
        load(Source("a.png", path))
    monkeypatch.setattr(pictures, "LARGEST_FILE", 100)
    for source in (path, path.read_bytes()):
        with pytest.raises(TooLargeError, match=r"^a\.png: "):
            load(Source("a.png", source))


def test_an_error_in_either_of_two_pictures_is_raised() -> None:
    for a, b in ((b"x", data()), (data(), b"x")):
        with pytest.raises(ImageError):
            load_both(Source("a.png", a), Source("b.png", b))


@pytest.mark.parametrize(
    ("name", "plain"),
    [("/home/me/a.png", "a.png"), ("C:\\me\\a.png", "a.png"), ("..", ".."), ("", "picture"), ("a\nb.png", "a?b.png"),
     ("/", "picture")],
)  # fmt: skip
def test_only_base_names_are_shown(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_notes_of_the_reader_reach_the_side() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    broken = embed(image, "png", None, {"prompt": "{"}, Options()).data
    assert "ComfyUI's graph cannot be used" in side(load(Source("a.png", broken)))["notes"][0]
