"""Diff: the stages of the two images decide which cause comes first; records of other tools have none."""

from __future__ import annotations

import copy

import pytest

from goodseed.provenance.diff import diff
from goodseed.provenance.fingerprint import fingerprint
from tests.library.record_maker import sample_record, sha256, tensor
from tests.library.test_diff import changed, first, parted, sharpened, with_graph


def test_the_first_stage_that_differs_decides_before_the_order_of_likelihood() -> None:
    prompt = changed("5", text="a red bell")
    prompt["3"]["inputs"]["sampler_name"] = "heun"
    both = parted(with_graph(prompt), "conditioning", 0.3)
    assert [cause["cause"] for cause in diff(sample_record(), both)["causes"]] == ["prompt", "sampler"]
    both = parted(with_graph(prompt), "output_latent", 0.3)
    found = diff(sample_record(), both)["causes"]
    assert [(cause["cause"], cause["evidence"]) for cause in found] == [
        ("sampler", "explains"),
        ("prompt", "no effect"),
    ]


def test_without_any_stage_the_order_of_likelihood_decides() -> None:
    prompt = changed("5", text="a red bell")
    prompt["3"]["inputs"] |= {"sampler_name": "heun", "cfg": 8}
    prompt["7"]["inputs"]["strength_model"] = 0.1
    a, b = sample_record(), with_graph(prompt)
    for record in (a, b):
        record["runs"], record["decoded"], record["pixels"] = [], None, None
    found = diff(a, b)
    assert [cause["cause"] for cause in found["causes"]] == ["sampler", "number", "adapter", "prompt"]
    assert found["image_same"] is None


def test_float_noise_without_another_cause_is_numerics() -> None:
    other = parted(sample_record(), "output_latent", 1e-6)
    assert first(sample_record(), other)["cause"] == "numerics"
    other["environment"]["torch"]["value"] = "2.12.0"
    found = diff(sample_record(), other)["causes"]
    assert [(cause["cause"], cause["where"]) for cause in found] == [("numerics", "torch")]
    assert found[0]["fix"] == "Install torch 2.11.0."


def test_another_picture_is_not_blamed_on_torch_when_the_cfg_changed() -> None:
    other = parted(with_graph(changed("3", cfg=7.0)), "output_latent", 0.3)
    other["environment"]["torch"]["value"] = "2.12.0"
    assert [cause["cause"] for cause in diff(sample_record(), other)["causes"]] == ["number", "numerics"]


@pytest.mark.parametrize(
    ("stage", "apart", "cause"),
    [
        ("conditioning", 1.0, "prompt"), ("conditioning", 1e-6, "numerics"), ("initial_noise", 1.4, "number"),
        ("sigmas", 0.2, "sampler"), ("decoded", 1e-6, "numerics"), ("pixels", 1.0, "post-process"),
    ],
)  # fmt: skip
def test_a_stage_that_parts_without_a_recorded_cause_gets_the_one_it_suggests(
    stage: str, apart: float, cause: str
) -> None:
    found = diff(sample_record(), parted(sample_record(), stage, apart))["causes"]
    assert [(entry["cause"], entry["kind"]) for entry in found] == [(cause, "inferred")]


def test_noise_after_decoding_that_no_seed_sets_is_post_process() -> None:
    a = with_graph(sharpened())
    assert [cause["cause"] for cause in diff(a, parted(a, "decoded", 0.1))["causes"]] == ["post-process"]


def test_items_of_one_batch_differ_by_their_index() -> None:
    a = with_graph(changed("2", batch_size=2), sample_record(runs__0__batch_size=2, batch__size=2))
    noises = [fingerprint(tensor(f"noise {item}", 4, 8, 8)) for item in range(2)]
    a["runs"][0]["item_stages"] = {"initial_noise": noises, "output_latent": noises}
    b = copy.deepcopy(a)
    b["batch"]["index"], b["pixels"]["sha256"], b["decoded"] = 1, sha256("item 1"), None
    found = diff(a, b)["causes"]
    assert [(cause["cause"], cause["where"], cause["evidence"]) for cause in found] == [
        ("number", "batch: index", "explains")
    ]
    assert found[0]["fix"].startswith("Compare with picture 1 of B's batch: ")


# Records of other tools


def test_images_without_a_graph_are_compared_by_their_tuple_and_their_prompts() -> None:
    a = sample_record(recipe=None, runs=[])
    b = sample_record(recipe=None, runs=[], tuple__cfg__value=8, tuple__prompt_sha256__value=sha256("a red bell"))
    b["prompts"][0]["text"] = "a red bell"
    assert [(cause["cause"], cause["where"]) for cause in diff(a, b)["causes"]] == [
        ("number", "cfg"), ("prompt", "positive prompt"),
    ]  # fmt: skip
    c = sample_record(tuple__cfg__value=8)
    c["runs"][0]["cfg"]["value"] = 8
    assert [cause["where"] for cause in diff(a, c)["causes"]] == ["cfg"]


def test_what_only_one_of_the_two_knows_is_no_difference() -> None:
    blank = {"value": None, "known": "unknown"}
    b = sample_record(recipe=None, runs=[], prompts=[], models=[], decoded=None)
    b["tuple"] = dict.fromkeys(b["tuple"], blank)
    b["environment"] = dict.fromkeys(b["environment"], blank)
    assert diff(sample_record(), b)["causes"] == []
