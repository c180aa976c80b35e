"""Pins: each thing that a record knows of a run holds it, and what it does not know does not."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from goodseed.determinism.audit import Finding
from goodseed.determinism.pins import environment_pins, model_pins, pinned_models, run_pins
from goodseed.determinism.report import Report, broken_line, not_exact
from goodseed.provenance.fingerprint import fingerprint
from goodseed.provenance.record import known, unknown
from tests.library.record_maker import observed, sample_record, tensor


def a_run(**changes: Any) -> dict[str, Any]:
    """The run of the sample record, as it is known before it starts."""
    run = copy.deepcopy(sample_record()["runs"][0])
    run["stages"].pop("output_latent")
    for name, value in changes.items():
        run[name] = observed(value) if isinstance(run[name], dict) and "known" in run[name] else value
    return run


def names(record: dict[str, Any], run: dict[str, Any]) -> list[str]:
    return [pin.pin for pin in run_pins(record, run)]


def test_the_recorded_run_breaks_no_pin() -> None:
    assert run_pins(sample_record(), a_run()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", 43), ("steps", 3), ("sampler", "heun"), ("sampler_options", {"eta": 0.5}), ("scheduler", "karras"),
        ("cfg", 7.0), ("guider", "DualCFG"), ("denoise", 0.9), ("width", 72), ("height", 56), ("batch_size", 2),
        ("device", "cuda:0"), ("dtype", "float16"),
    ],
)  # fmt: skip
def test_each_value_is_a_pin_named_with_both_values(name: str, value: Any) -> None:
    (broken,) = run_pins(sample_record(), a_run(**{name: value}))
    assert (broken.pin, broken.found) == (name, value)
    assert str(value) in str(broken)
    assert str(broken.recorded) in str(broken)
    assert broken.fix


@pytest.mark.parametrize("stage", ["conditioning", "initial_noise", "sigmas"])
def test_each_stage_is_a_pin(stage: str) -> None:
    run = a_run()
    shape = run["stages"][stage]["shape"]
    run["stages"][stage] = fingerprint(tensor("another", *shape))
    (broken,) = run_pins(sample_record(), run)
    assert broken.pin == stage
    assert "rounding" not in broken.fix


def test_a_stage_that_differs_by_rounding_alone_says_so() -> None:
    run = a_run()
    near = tensor("noise", 1, 4, 8, 8) * np.float32(1 + 1e-6)
    run["stages"]["initial_noise"] = fingerprint(near)
    (broken,) = run_pins(sample_record(), run)
    assert "the same but for rounding" in broken.fix


def test_a_stage_that_another_pin_explains_is_not_named_again() -> None:
    run = a_run(seed=43)
    run["stages"]["initial_noise"] = fingerprint(tensor("another", 1, 4, 8, 8))
    assert names(sample_record(), run) == ["seed"]


def test_a_mask_that_came_or_went_is_a_pin() -> None:
    record, run = sample_record(), a_run()
    record["runs"][0]["stages"]["mask"] = None
    run["stages"]["mask"] = fingerprint(tensor("mask", 1, 1, 8, 8))
    assert names(record, run) == ["mask"]
    record["runs"][0]["stages"]["mask"], run["stages"]["mask"] = run["stages"]["mask"], None
    assert names(record, run) == ["mask"]


@pytest.mark.parametrize(
    "adapters",
    [
        [],
        [{"strength_model": 0.7, "keys": 12, "sha256": None, "name": None}],
        [{"strength_model": 0.8, "keys": 13, "sha256": None, "name": None}],
        [{"strength_model": 0.8, "keys": 12, "sha256": "0" * 64, "name": None}],
    ],
)
def test_adapters_are_pinned_by_number_weight_and_hash(adapters: list[dict[str, Any]]) -> None:
    assert names(sample_record(), a_run(adapters=adapters)) == ["adapters"]


def test_an_adapter_whose_file_is_not_known_yet_is_held_by_its_weight() -> None:
    adapter = {"strength_model": 0.8, "keys": 12, "sha256": None, "name": None}
    assert run_pins(sample_record(), a_run(adapters=[adapter])) == []


def test_what_the_record_does_not_know_is_no_pin() -> None:
    record = sample_record()
    for name, value in record["runs"][0].items():
        if isinstance(value, dict) and "known" in value:
            record["runs"][0][name] = unknown()
    assert run_pins(record, a_run(seed=1, cfg=1.0, sampler="ddim", steps=9)) == []


def test_a_run_is_held_against_the_recorded_run_that_it_is_most_like() -> None:
    record = sample_record()
    second = copy.deepcopy(record["runs"][0])
    second |= {"node": "12", "denoise": observed(0.5), "width": observed(128), "height": observed(128)}
    record["runs"].append(second)
    assert run_pins(record, a_run()) == []
    assert names(record, a_run(denoise=0.5, width=128, height=128, cfg=1.0)) == ["cfg"]


def test_a_record_without_observed_runs_holds_a_single_sampling_by_its_tuple() -> None:
    record = sample_record(runs=[])
    assert run_pins(record, a_run()) == []
    assert names(record, a_run(seed=43)) == ["seed"]
    twice = record["recipe"]["nodes"]
    twice["30"] = copy.deepcopy(twice["3"])
    twice["30"]["inputs"]["latent_image"] = {"link": ["3", 0]}
    twice["8"]["inputs"]["samples"] = {"link": ["30", 0]}
    assert run_pins(record, a_run(seed=43)) == []


def test_the_machine_is_a_pin_where_both_sides_know_it() -> None:
    record = sample_record()
    environment = copy.deepcopy(record["environment"])
    assert list(environment_pins(record, environment)) == []
    environment |= {"torch": observed("9.9"), "gpu": observed("other"), "driver": observed("other"), "cuda": unknown()}
    environment["launch_flags"] = observed(["--cpu", "--fast"])
    assert [pin.pin for pin in environment_pins(record, environment)] == ["torch", "launch_flags"]


def test_model_files_are_pinned_by_bytes_or_tensors_and_not_by_name() -> None:
    record = sample_record()
    models = copy.deepcopy(record["models"])
    assert list(model_pins(record, models)) == []
    models[0]["name"] = "renamed.safetensors"
    models[1]["sha256"] = known("1" * 64, "graph")  # another header, the same tensors
    assert list(model_pins(record, models)) == []
    models[1]["tensors_sha256"] = known("2" * 64, "graph")
    (broken,) = model_pins(record, models)
    assert broken.pin == "loras soft.safetensors"
    assert "back in its place" in broken.fix
    (missing,) = model_pins(record, models[:1])
    assert missing.found == "not in the graph"


def test_a_file_that_cannot_be_hashed_is_no_broken_pin() -> None:
    record = sample_record()
    models = copy.deepcopy(record["models"])
    models[1] |= {"sha256": unknown(), "tensors_sha256": unknown()}
    assert list(model_pins(record, models)) == []


def test_only_files_with_a_recorded_hash_count_as_pinned() -> None:
    record = sample_record()
    record["models"][1]["sha256"] = unknown()
    assert pinned_models(record) == {("checkpoints", "base/model.safetensors")}
    assert pinned_models(None) == frozenset()


def test_an_error_that_stops_a_run_is_one_line() -> None:
    line = broken_line(run_pins(sample_record(), a_run(seed=43, cfg=1.0)))
    assert line.startswith("seed is 43, the record says 42. Set seed to 42. cfg is 1.0")
    assert "\n" not in line


def test_a_report_holds_the_same_as_text_and_as_data() -> None:
    broken = run_pins(sample_record(), a_run(seed=43))
    finding = Finding("tiled", "8", "VAE Decode (node 8): works in tiles.", "Use VAE Decode.")
    flags = {"algorithms": "warn", "cudnn_allow_tf32": False}
    report = Report("warn", "cuda:0", flags, True, "a record", broken, [finding], ["model", "vae"])
    text, data = str(report), report.as_dict()
    for part in ("warn", "cuda:0", "model, vae", "cudnn_allow_tf32 False", "a record", "seed is 43", finding.fix):
        assert part in text
    assert data["findings"] == [finding.as_dict()]
    assert data["broken"][0]["pin"] == "seed"
    assert "hides no randomness" in str(Report("enforce"))


def test_operations_are_named_as_the_reason() -> None:
    assert not_exact(["put_"], "Sampling") == "Sampling is not bit-exact: put_ has no deterministic form here."
    assert not_exact(["a", "b"], "Decoding").endswith("a, b have no deterministic form here.")
