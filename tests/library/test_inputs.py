"""Files that go into a graph: what a record says of their contents, and that diff and verify name one that changed."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from goodseed.errors import RecordError, ServerError, VerifyError
from goodseed.provenance.diff import diff
from goodseed.provenance.embed import Options, embed
from goodseed.provenance.inputs import file_and_folder, named_files
from goodseed.provenance.recipe import node_of
from goodseed.provenance.record import check_record, known, unknown
from goodseed.provenance.verify.client import Server
from goodseed.provenance.verify.run import Settings, verify
from goodseed.provenance.verify.verdict import Verification
from tests.library.record_maker import PROMPT, sample_record, sha256
from tests.library.stub_server import Stub, no_messages, picture, pixels, serving
from tests.library.test_diff import parted, with_graph

Record = dict[str, Any]


def img2img(name: str = "cat.png", **more: Any) -> dict[str, Any]:
    """The sample graph, starting from a picture."""
    prompt: dict[str, Any] = copy.deepcopy(PROMPT)
    prompt["20"] = {"class_type": "LoadImage", "inputs": {"image": name}}
    prompt["21"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["20", 0], "vae": ["1", 2]}}
    prompt["3"]["inputs"]["latent_image"] = ["21", 0]
    return prompt | more


def file(content: str | None, name: str = "cat.png", node: str = "20", folder: str = "input") -> dict[str, Any]:
    digest = known(sha256(content), "graph") if content is not None else unknown()
    return {"node": node, "input": "image", "file": name, "folder": folder, "sha256": digest}


def record(*files: Any, prompt: Any = None) -> Record:
    return with_graph(prompt or img2img(), sample_record(inputs=list(files)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat.png", ("cat.png", "input")),
        ("sub/cat.png [input]", ("sub/cat.png", "input")),
        ("cat.png [output]", ("cat.png", "output")),
        ("clipspace/mask-1.png [temp]", ("clipspace/mask-1.png", "temp")),
        ("cat [red].png", ("cat [red].png", "input")),
    ],
)
def test_a_text_names_a_file_and_its_folder(text: str, expected: tuple[str, str]) -> None:
    assert file_and_folder(text) == expected


def test_texts_that_may_name_a_file_are_found_and_prompts_are_not() -> None:
    prompt = img2img("sub/cat.png [output]") | {
        "30": {"class_type": "LoadAudio", "inputs": {"audio": "gone.wav", "rate": 3}},
        "31": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a cat.\nOn a mat. Or not.png\n"}},
        "32": {"class_type": "Many", "inputs": {"files": {"a": ["x.png", "y.custom"]}, "image": ["20", 0]}},
    }
    found = list(named_files({key: node_of(node) for key, node in prompt.items()}))
    assert [(named.node, named.text, named.sure) for named in found if int(named.node) >= 20] == [
        ("20", "sub/cat.png [output]", True), ("30", "gone.wav", True), ("32", "x.png", False),
        ("32", "y.custom", False),
    ]  # fmt: skip


def test_records_with_and_without_the_part_are_sound() -> None:
    check_record(record(file("a"), file(None, "gone.png", folder="temp")))
    check_record(with_graph(img2img()))


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        ({"inputs": None}, r"inputs: is missing or no list"),
        ({"inputs": ["cat.png"]}, r"inputs\[0\]: is missing or no object"),
        ({"inputs__0__sha256": sha256("a")}, r"inputs\[0\]\.sha256: is no known value"),
        ({"inputs__0__sha256__value": "abc"}, r"inputs\[0\]\.sha256: 'abc' is no SHA-256"),
        ({"inputs__0__sha256__value": None}, r"inputs\[0\]\.sha256: None is no SHA-256"),
        ({"inputs__0__file": 7}, r"inputs\[0\]\.file: 7 is no text"),
    ],
)
def test_an_edited_part_is_refused_in_one_line(edit: dict[str, Any], complaint: str) -> None:
    broken = sample_record(**{"inputs": [file("a")], **edit})
    with pytest.raises(RecordError, match=complaint) as caught:
        check_record(broken)
    assert "\n" not in str(caught.value)


def test_a_picture_with_other_contents_is_the_first_cause() -> None:
    a = record(file("a"))
    b = parted(record(file("b")), "output_latent", 0.01)
    b["environment"]["torch"]["value"] = "2.12.0"
    first, *others = diff(a, b)["causes"]
    assert (first["cause"], first["where"], first["evidence"]) == ("graph", "LoadImage: cat.png", "explains")
    assert first["fix"] == f"Put back the file that A used: cat.png with sha256 {sha256('a')}."
    assert sha256("a")[:12] in first["a"]
    assert sha256("b")[:12] in first["why"]
    assert [cause["where"] for cause in others] == ["torch"]


def test_a_picture_put_on_the_decoded_image_is_post_process() -> None:
    prompt = copy.deepcopy(PROMPT)
    prompt["20"] = {"class_type": "LoadImage", "inputs": {"image": "cat.png"}}
    inputs = {"destination": ["8", 0], "source": ["20", 0]}
    prompt["22"] = {"class_type": "ImageCompositeMasked", "inputs": inputs}
    prompt["9"]["inputs"]["images"] = ["22", 0]
    a, b = (record(file(name), prompt=prompt) for name in "ab")
    assert [cause["cause"] for cause in diff(a, parted(b, "decoded"))["causes"]] == ["post-process"]


def test_the_same_contents_under_another_name_are_no_difference() -> None:
    other = record(file("a", "copy.png"), prompt=img2img("copy.png"))
    found = diff(record(file("a")), other)
    assert found["causes"] == []
    assert found["notes"] == ["LoadImage: cat.png and copy.png are the same file"]


def test_another_file_is_named_once() -> None:
    other = parted(record(file("b", "dog.png"), prompt=img2img("dog.png")), "output_latent")
    causes = diff(record(file("a")), other)["causes"]
    assert [(cause["cause"], cause["where"]) for cause in causes] == [("graph", "LoadImage: cat.png")]
    assert "dog.png" in causes[0]["b"]


def test_other_bytes_that_give_the_same_image_are_a_note() -> None:
    found = diff(record(file("a")), record(file("b")))
    assert (found["same"], found["causes"]) == (True, [])
    assert found["notes"] == ["LoadImage: cat.png is another file in each; what was made of it is the same"]


@pytest.mark.parametrize("other", [[], None, [file(None)], [file("a", node="404")]])
def test_what_is_not_known_is_no_difference(other: Any) -> None:
    b = record(*(other or []))
    if other is None:
        del b["inputs"]
    for pair in ((record(file("a")), b), (b, record(file("a")))):
        assert diff(*pair)["causes"] == []


def test_of_files_in_one_input_the_changed_one_is_named() -> None:
    a = record(file("a"), file("c", "dog.png"))
    b = parted(record(file("a"), file("d", "dog.png")), "output_latent")
    assert [cause["where"] for cause in diff(a, b)["causes"]] == ["LoadImage: dog.png"]


# verify


@pytest.fixture
def stub() -> Any:
    with serving(Stub()) as found:
        found.nodes |= {
            "LoadImage": {"input": {"required": {"image": [["x"]]}}, "output_node": False},
            "VAEEncode": {"input": {"required": {"pixels": ["IMAGE"], "vae": ["VAE"]}}, "output_node": False},
            "LoraLoader": {"input": {"required": {}}}, "CLIPTextEncode": {"input": {"required": {}}},
            "GoodSeedProvenanceSaver": {"input": {"required": {"images": ["IMAGE"]}}, "output_node": True},
        }  # fmt: skip
        yield found


def saved(folder: Path, *files: Any, prompt: Any = None) -> Path:
    """Write an image of the stub's own seed 42 with a record of its inputs."""
    path = folder / "image.png"
    path.write_bytes(embed(pixels(42), "png", record(*files, prompt=prompt), {}, Options()).data)
    return path


def run(image: Path, stub: Stub, **settings: Any) -> Verification:
    return verify(image, Server(stub.url, patience=5, listen=no_messages), Settings(**settings), lambda *_: None)


def has(stub: Stub, data: bytes | None) -> None:
    """Let the stub's input folder hold these bytes under every name, or nothing."""
    stub.broken[r"/view?filename=cat.png"] = data if data is not None else 404


def by(data: bytes, name: str = "cat.png", folder: str = "input") -> dict[str, Any]:
    digest = known(hashlib.sha256(data).hexdigest(), "graph")
    return {"node": "20", "input": "image", "file": name, "folder": folder, "sha256": digest}


def test_a_picture_that_changed_on_the_server_is_named(stub: Stub, tmp_path: Path) -> None:
    image = saved(tmp_path, by(picture(1)))
    has(stub, picture(1))
    assert run(image, stub).verdict == "identical"
    has(stub, picture(2))
    stub.pictures = [picture(9)]
    answer = run(image, stub)
    assert [(cause["cause"], cause["where"]) for cause in answer.causes] == [("graph", "node 20: cat.png")]
    assert hashlib.sha256(picture(1)).hexdigest() in answer.causes[0]["fix"]
    assert all("\n" not in cause["why"] for cause in answer.causes)


def test_a_server_with_records_names_it_by_them(stub: Stub, tmp_path: Path) -> None:
    image = saved(tmp_path, by(picture(1)))
    has(stub, picture(2))
    stub.pictures = [picture(9)]
    stub.nodes["GoodSeedReproductionCheck"] = stub.nodes["PreviewImage"]
    stub.records = [json.dumps(parted(record(by(picture(2))), "output_latent"))]
    answer = run(image, stub)
    assert [(cause["cause"], cause["where"]) for cause in answer.causes] == [("graph", "LoadImage: cat.png")]


def test_a_picture_that_is_missing_is_named_with_its_hash(stub: Stub, tmp_path: Path) -> None:
    image = saved(tmp_path, by(picture(1)))
    has(stub, None)
    with pytest.raises(ServerError, match=rf"no input picture 'cat\.png' \(sha256 {by(picture(1))['sha256']['value']}"):
        run(image, stub)
    (tmp_path / "cat.png").write_bytes(picture(2))
    with pytest.raises(VerifyError, match="has other contents than the image was made from"):
        run(image, stub, inputs=tmp_path)
    assert not [body for path, body in stub.asked if path == "/upload/image"]
    (tmp_path / "cat.png").write_bytes(picture(1))
    stub.broken["/upload/image"] = b'{"name": "cat.png", "subfolder": "", "type": "input"}'
    assert run(image, stub, inputs=tmp_path).verdict == "identical"
    assert [picture(1) in body for path, body in stub.asked if path == "/upload/image"] == [True]


def test_a_picture_of_the_output_folder_is_looked_for_there(stub: Stub, tmp_path: Path) -> None:
    image = saved(tmp_path, by(picture(1), "sub/cat.png", "output"), prompt=img2img("sub/cat.png [output]"))
    has(stub, None)
    with pytest.raises(ServerError, match=r"no output picture 'sub/cat\.png'"):
        run(image, stub)
    assert any("subfolder=sub&type=output" in path for path, _ in stub.asked)
