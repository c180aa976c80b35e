"""Known changes of ComfyUI: the table is sound, and a diff names a change only where it touches the run."""

from __future__ import annotations

from typing import Any

import pytest

from goodseed.provenance.diff import diff
from goodseed.provenance.diff.host_changes import changes_between, load_table, parse_version, touches
from goodseed.provenance.diff.places import ALL_STAGES
from tests.library.record_maker import observed, sample_record
from tests.library.test_diff import changed, parted, with_graph

OLD, NEW = "0.3.64", "0.33.0"


def hosts(sampler: str, old: str = OLD, new: str = NEW, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return two records of one graph from two versions, whose images part at the output latent."""
    records = []
    for version in (old, new):
        values = {"environment__comfyui": observed(version), "runs__0__sampler": observed(sampler), **changes}
        records.append(with_graph(changed("3", sampler_name=sampler), sample_record(**values)))
    return records[0], parted(records[1], "output_latent")


def test_every_change_in_the_table_has_a_version_a_stage_and_a_citation() -> None:
    table = load_table()
    low, high = (parse_version(table["measured"][name]) for name in ("old", "new"))
    assert len(table["changes"]) >= 4
    for change in table["changes"]:
        since = parse_version(change["since"])
        assert low is not None
        assert high is not None
        assert since is not None
        assert low < since <= high
        assert change["stage"] in ALL_STAGES
        assert any("commit" in cited for cited in change["cite"])
        assert change["what"]


def test_the_measured_distances_say_which_samplers_draw_other_noise() -> None:
    table = load_table()
    noisy = next(change["samplers"] for change in table["changes"] if change["id"] == "cpu-step-noise")
    for condition in ("float32", "from a latent", "masked", "item of a batch"):
        by_sampler = table["distances"][condition]
        assert len(by_sampler) >= 42
        assert sorted(name for name, apart in by_sampler.items() if apart) == noisy


@pytest.mark.parametrize(
    ("a", "b", "ids"),
    [
        ("0.3.64", "0.33.0", {"sa-solver-last-sigma", "cpu-step-noise", "half-latent-noise", "half-latent-sampling"}),
        ("0.33.0", "v0.6.0-3-gabcdef", {"cpu-step-noise", "half-latent-noise", "half-latent-sampling"}),
        ("0.7.0", "0.18.0", set()),
        ("0.6.0", "0.7.0", {"cpu-step-noise"}),
        ("0.3.64", "unknown", None),
    ],
)
def test_the_changes_between_two_versions(a: str, b: str, ids: set[str] | None) -> None:
    for first, second in ((a, b), (b, a)):
        found = changes_between(first, second)
        assert (None if found is None else {change["id"] for change in found}) == ids


def test_a_change_touches_a_run_by_its_sampler_its_device_its_latent_and_its_last_sigma() -> None:
    changes = {change["id"]: change for change in load_table()["changes"]}
    run = sample_record(runs__0__sampler__value="sa_solver")["runs"][0]
    assert touches(changes["cpu-step-noise"], run) is True
    assert touches(changes["cpu-step-noise"], {**run, "device": "cuda:0"}) is False
    assert touches(changes["cpu-step-noise"], {**run, "sampler": observed("euler")}) is False
    assert touches(changes["cpu-step-noise"], {"sampler": observed("lcm")}) is None
    assert touches(changes["half-latent-noise"], run) is False
    run["stages"]["initial_noise"]["dtype"] = "bfloat16"
    assert touches(changes["half-latent-noise"], run) is True
    assert touches(changes["sa-solver-last-sigma"], run) is False
    assert touches(changes["sa-solver-last-sigma"], {**run, "sigmas": [14.0, 1.5]}) is True


def test_a_sampler_that_a_change_touches_makes_the_version_the_first_cause_with_its_citation() -> None:
    a, b = hosts("euler_ancestral")
    found = diff(a, b)["causes"]
    assert [(cause["cause"], cause["a"], cause["b"]) for cause in found] == [("host", OLD, NEW)]
    assert "seed + 1" in found[0]["why"]
    assert "1e4e342f54386ea4179b273c24b37bd8cbde8f37" in found[0]["why"]
    assert "0.3.64" in found[0]["fix"]


def test_a_sampler_that_no_change_touches_makes_it_a_mere_possibility() -> None:
    a, b = hosts("euler")
    b["recipe"]["nodes"]["3"]["inputs"]["cfg"] = 9
    found = diff(a, b)["causes"]
    assert [cause["cause"] for cause in found] == ["number", "host"]
    assert "no change that is known between the two touches" in found[1]["why"]


def test_versions_that_nobody_measured_are_said_to_be_that() -> None:
    a, b = hosts("euler_ancestral", "0.33.0", "0.40.0")
    assert "has not been measured" in diff(a, b)["causes"][0]["why"]


def test_two_versions_that_gave_the_same_pixels_are_worth_a_note() -> None:
    a, b = (sample_record(environment__comfyui=observed(version)) for version in (OLD, NEW))
    found = diff(a, b)
    assert found["same"] is True
    assert found["notes"] == ["ComfyUI: 0.3.64 and 0.33.0"]
