"""Claims about the parts of verify: how pictures are measured, what is queued, what is changed, what a record adds."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodseed.errors import VerifyError
from goodseed.provenance.embed import encode
from goodseed.provenance.fingerprint import fingerprint, pixels_of
from goodseed.provenance.record import record_text
from goodseed.provenance.verify.check import check, estimated_psnr
from goodseed.provenance.verify.client import Server
from goodseed.provenance.verify.images import difference
from goodseed.provenance.verify.perturb import perturbations
from goodseed.provenance.verify.rerun import FRESH, Rerun, above, prepare
from goodseed.provenance.verify.run import Settings, verify
from goodseed.provenance.verify.verdict import Verification
from tests.library.record_maker import PROMPT, sample_record, sha256
from tests.library.stub_server import NODES, Stub, no_messages, picture, pixels, serving

DESCRIBED = {
    name: {"input": {"required": {input: ["*"] for input in node["inputs"]}}, "output_node": False}
    for node in PROMPT.values()
    for name in [node["class_type"]]
}
DESCRIBED["GoodSeedProvenanceSaver"] = NODES["SaveImage"]
DESCRIBED["SaveImage"] = NODES["SaveImage"]


def test_psnr_is_that_of_the_formula() -> None:
    a = np.zeros((32, 32, 3), dtype=np.uint8)
    b = a + np.uint8(5)
    found = difference(a, b)
    assert found is not None
    assert (found.largest, found.mean) == (5, 5)
    assert found.psnr == pytest.approx(10 * math.log10(255**2 / 25))
    assert found.worst_block_psnr == pytest.approx(found.psnr)


def test_equal_pictures_have_no_difference_and_json_has_no_infinity() -> None:
    found = difference(pixels(1), pixels(1))
    assert found is not None
    assert found.same
    assert found.as_dict()["psnr"] is None


def test_a_small_spot_in_a_large_picture_is_seen() -> None:
    """The mean alone would call it the same: PSNR is over 50 dB."""
    a = np.full((1024, 1024, 3), 100, dtype=np.uint8)
    b = a.copy()
    b[1009:1021, 1009:1021] += 60
    found = difference(a, b)
    assert found is not None
    assert found.psnr > 50
    assert not found.same_to_the_eye


def test_edges_that_fill_no_block_count_fully() -> None:
    a = np.zeros((17, 33, 3), dtype=np.uint8)
    b = a.copy()
    b[16, 32] = 100
    found = difference(a, b)
    assert found is not None
    assert found.worst_block_psnr == pytest.approx(10 * math.log10(255**2 / 100**2))


@pytest.mark.parametrize("scale", [0.001, 0.01, 0.2])
def test_the_estimated_psnr_is_within_three_db(scale: float) -> None:
    draw = np.random.default_rng(5)
    a = draw.random((64, 64, 3), dtype=np.float32)
    b = a + scale * draw.standard_normal(a.shape).astype(np.float32)
    true = 10 * math.log10(1 / float(((a - b) ** 2).mean()))
    assert estimated_psnr(fingerprint(a), fingerprint(b)) == pytest.approx(true, abs=3)


def rerun_of(prompt: Any, saver: str | None = "9") -> Rerun:
    return prepare(prompt, saver, DESCRIBED.get, "server")


def test_only_what_the_saver_needs_is_queued() -> None:
    prompt = {**PROMPT, "77": {"class_type": "SaveImage", "inputs": {"images": ["nowhere", 0]}}}
    graph = rerun_of(prompt).fresh()
    assert set(graph) == set(PROMPT)
    assert graph["9"] == {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}}


def test_nodes_that_take_undeclared_inputs_get_none_of_ours() -> None:
    prompt = copy.deepcopy(PROMPT)
    prompt["1"]["inputs"]["lora_1"] = {"on": True}
    graph = rerun_of(prompt).fresh()
    assert FRESH not in graph["1"]["inputs"]
    assert FRESH in graph["2"]["inputs"]


def test_a_graph_that_was_itself_verified_is_queued_without_the_old_number() -> None:
    once = rerun_of(PROMPT).fresh() | {"9": PROMPT["9"]}
    again = rerun_of(once)
    assert all(FRESH not in node["inputs"] for node in again.graph.values())
    assert again.dynamic == frozenset()


def test_lists_are_queued_wrapped_or_they_would_be_taken_for_links() -> None:
    prompt = copy.deepcopy(PROMPT)
    prompt["2"]["inputs"]["width"] = [1, 2, 3]
    assert rerun_of(prompt).graph["2"]["inputs"]["width"] == {"__value__": [1, 2, 3]}


def test_a_graph_of_ten_thousand_nodes_and_diamonds_is_walked_once() -> None:
    prompt = {str(n): {"inputs": {"a": [str(n + 1), 0], "b": [str(n + 1), 0]}} for n in range(10_000)}
    prompt["10000"] = {"inputs": {}}
    assert len(above(prompt, ["0"])) == 10_001


def test_a_saver_that_the_graph_has_not() -> None:
    with pytest.raises(VerifyError, match="has no node '99'"):
        rerun_of(PROMPT, "99")


def test_parameters_are_changed_one_at_a_time_seeds_first() -> None:
    found = [(change.node, change.name, change.new) for change in perturbations(PROMPT)]
    assert found[:3] == [("3", "seed", 43), ("3", "cfg", 8.5), ("3", "steps", 3)]
    assert ("5", "text", "a red ball red") in found


def test_a_linked_seed_is_changed_where_it_comes_from() -> None:
    prompt = {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": (1 << 64) - 1}},
        "2": {"class_type": "Reroute", "inputs": {"value": ["1", 0]}},
        "3": {"class_type": "RandomNoise", "inputs": {"noise_seed": ["2", 0]}},
    }
    (change,) = perturbations(prompt)
    assert (change.node, change.name, change.new) == ("1", "value", 0)


def test_seeds_linked_in_a_circle_are_left_alone() -> None:
    prompt = {"1": {"inputs": {"seed": ["2", 0]}}, "2": {"inputs": {"seed": ["1", 0]}}}
    assert list(perturbations(prompt)) == []


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving(Stub()) as running:
        running.nodes |= DESCRIBED
        running.nodes["GoodSeedReproductionCheck"] = NODES["PreviewImage"]
        yield running


def run(image: Path, stub: Stub) -> Verification:
    return verify(image, Server(stub.url, 2, listen=no_messages), Settings(), lambda what, done, total: None)


def saved(folder: Path, record: dict[str, Any], fmt: str = "png", seed: int = 7) -> Path:
    path = folder / f"saved.{fmt}"
    path.write_bytes(encode(pixels(seed, 64), fmt, record))
    return path


@pytest.mark.parametrize("index", range(3))
def test_an_item_of_a_batch_is_held_against_its_own_place(stub: Stub, tmp_path: Path, index: int) -> None:
    stub.pictures = [picture(seed, 64) for seed in (6, 7, 8)]
    image = saved(tmp_path, sample_record(batch={"index": index, "size": 3}))
    answer = run(image, stub)
    assert (answer.verdict, answer.runs[0].index) == ("identical" if index == 1 else "different", index)


def test_a_lossy_file_is_held_against_the_pixels_before_encoding(stub: Stub, tmp_path: Path) -> None:
    stub.pictures = [picture(7, 64)]
    answer = run(saved(tmp_path, sample_record(), "jpeg"), stub)
    assert answer.verdict == "identical"
    assert answer.as_dict()["difference"]["max"] > 0


def test_a_file_that_was_edited_is_named_though_the_run_is_right(stub: Stub, tmp_path: Path) -> None:
    record = sample_record(pixels=pixels_of(pixels(7, 64)))
    stub.pictures = [picture(7, 64)]
    image = saved(tmp_path, record, seed=7)
    assert run(image, stub).verdict == "identical"
    from PIL import Image

    with Image.open(image) as opened:
        from PIL.PngImagePlugin import PngInfo

        texts = PngInfo()
        texts.add_itxt("goodseed.record", record_text({**record, "pixels": pixels_of(pixels(7, 64))}))
        opened.rotate(180).save(image, pnginfo=texts)
    answer = run(image, stub)
    assert answer.verdict == "different"
    assert answer.causes[0]["cause"] == "post-process"
    assert "exactly" in answer.causes[0]["why"]


def test_the_records_name_what_changed_on_the_server(stub: Stub, tmp_path: Path) -> None:
    stub.pictures = [picture(8, 64)]
    now = sample_record(
        models__0__sha256__value=sha256("newer"),
        models__0__tensors_sha256__value=sha256("newer tensors"),
        tuple__model__value=sha256("newer"),
        decoded=fingerprint(pixels(8, 64).astype(np.float32) / 255),
        pixels=pixels_of(pixels(8, 64)),
    )
    stub.records = [record_text(now)]
    answer = run(saved(tmp_path, sample_record()), stub)
    assert answer.verdict == "different"
    assert answer.causes[0]["cause"] == "model"
    assert {stage["stage"] for stage in answer.stages} >= {"initial_noise", "output_latent", "decoded", "pixels"}
    assert not any(cause["cause"] == "graph" for cause in answer.causes)


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "goodseed.record", "version": 99}', None, 3])
def test_odd_records_of_a_server_are_left_aside(stub: Stub, tmp_path: Path, text: Any) -> None:
    stub.pictures = [picture(8, 64)]
    stub.records = [text]
    assert run(saved(tmp_path, sample_record()), stub).verdict == "different"


def test_the_check_without_anything_to_compare_with() -> None:
    found = check([pixels(1)], [sample_record()], [], None)
    assert (found.verdict, found.identical) == ("unchecked", False)
    assert "nothing to compare with" in str(found)


def test_the_check_reports_the_worst_of_a_batch() -> None:
    found = check([pixels(1), pixels(2)], [{}, {}], [pixels(1)], None)
    assert found.verdict == "different"
    assert "image 0: identical" in str(found)
    assert "image 1: different" in str(found)
    assert check([pixels(1), pixels(2)], [{}, {}], [pixels(1), pixels(2)], None).identical


def test_the_check_by_a_record_alone() -> None:
    shot = pixels(1, 64)
    floats = shot.astype(np.float32) / 255
    recorded = sample_record(pixels=pixels_of(shot), decoded=fingerprint(floats))
    assert check([shot], [recorded], [], recorded).identical
    near = np.clip(floats + 0.001, 0, 1)
    own = sample_record(pixels=pixels_of(pixels(2, 64)), decoded=fingerprint(near))
    assert check([pixels(2, 64)], [own], [], recorded).verdict == "same-to-the-eye"
    own = sample_record(pixels=pixels_of(pixels(2, 64)), decoded=fingerprint(floats[::-1].copy()))
    assert check([pixels(2, 64)], [own], [], recorded).verdict == "different"


def test_savers_are_no_difference_for_the_check() -> None:
    recorded = sample_record(pixels=pixels_of(pixels(1, 64)))
    other = fingerprint(pixels(2, 64).astype(np.float32))
    own = sample_record(
        pixels=pixels_of(pixels(2, 64)), decoded=other, tuple__seed__value=43, runs__0__seed__value=43,
        runs__0__stages__initial_noise=other, runs__0__stages__output_latent=other, runs__0__item_stages=None,
    )  # fmt: skip
    own["recipe"] = copy.deepcopy(own["recipe"])
    own["recipe"]["nodes"]["3"]["inputs"]["seed"] = 43
    own["recipe"]["nodes"]["9"] = {
        "class_type": "GoodSeedReproductionCheck", "title": None, "inputs": {"images": {"link": ["8", 0]}},
    }  # fmt: skip
    found = check([pixels(2, 64)], [own], [], recorded)
    assert found.causes
    assert {cause["cause"] for cause in found.causes} == {"number"}


@pytest.mark.parametrize(("images", "references"), [(3, 2), (1, 2)])
def test_a_reference_of_another_size_of_batch(images: int, references: int) -> None:
    with pytest.raises(VerifyError, match=f"{references} pictures for {images} images"):
        check([pixels(1)] * images, [{}] * images, [pixels(1)] * references, None)


def test_a_record_of_another_batch_size() -> None:
    with pytest.raises(VerifyError, match="batch of 4"):
        check([pixels(1)] * 2, [{}] * 2, [], sample_record(batch={"index": 0, "size": 4}))


def test_samplers_and_what_makes_the_picture_must_run() -> None:
    assert rerun_of(PROMPT).must_run == {"3", "8"}
