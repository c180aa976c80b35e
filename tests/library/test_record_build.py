"""Records put together: the run of an item, adapters held against the graph, texts that were seen."""

from __future__ import annotations

import copy
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from goodseed.provenance.adapters import adapters_in, matched, named
from goodseed.provenance.build import build_record, prompts_of, runs_of_item
from goodseed.provenance.environment import machine, pack_version
from goodseed.provenance.recipe import above_model, recipe_of
from goodseed.provenance.record import check_record
from tests.library.record_maker import PROMPT, sample_record

RECIPE = recipe_of(PROMPT, "9")
MODELS = sample_record()["models"]


def run(number: int, node: str = "3", list_index: int = 0, batch: int = 1) -> dict[str, Any]:
    return {"node": node, "number": number, "list_index": list_index, "batch_size": batch}


def seen(strength: float, probe: str | None = "probe", kind: str = "weights") -> dict[str, Any]:
    content = {"dtype": "float32", "shape": [1], "sha256": probe} if probe else None
    return {"kind": kind, "strength_model": strength, "keys": 4, "probe": content, "known": "observed"}


@pytest.mark.parametrize(
    ("runs", "list_index", "index", "size", "expected"),
    [
        ([run(0, batch=4)], 0, 2, 4, [(0, 2)]),
        ([run(0, batch=2)], 0, 2, 4, [(0, None)]),
        ([run(0), run(1, list_index=1)], 1, 0, 1, [(1, 0)]),
        ([run(0), run(1, list_index=1)], 0, 0, 1, [(0, 0)]),
        ([run(0), run(1, list_index=1)], 0, 1, 2, [(1, 0)]),
        ([run(0, batch=3), run(1, list_index=1)], 0, 3, 4, [(1, 0)]),
        ([run(0), run(1, list_index=1)], 0, 0, 5, [(0, None)]),
        ([run(0), run(1, list_index=1)], 2, 0, 5, [(0, None), (1, None)]),
        ([run(1, node="5"), run(0, batch=1)], 0, 0, 1, [(0, 0), (1, 0)]),
    ],
)
def test_an_item_has_the_runs_of_its_place_in_batch_and_list(
    runs: list[dict[str, Any]], list_index: int, index: int, size: int, expected: list[tuple[int, int | None]]
) -> None:
    chosen = runs_of_item(runs, list_index, index, size)
    assert [(one["number"], one["item"]) for one in chosen] == expected


def test_a_lora_is_named_by_a_tensor_of_its_file_whatever_the_graph_says() -> None:
    listed = adapters_in(RECIPE, above_model(RECIPE, "3"), MODELS)
    found = named([seen(0.5)], listed, lambda name, probe: probe["sha256"] == "probe")
    assert (found[0]["name"], found[0]["known"]) == ("soft.safetensors", "observed")
    assert matched({"adapters": found}, listed)[0]["strength_model"] == 0.5


def test_a_lora_whose_file_cannot_be_searched_is_named_by_its_strength_alone() -> None:
    listed = adapters_in(RECIPE, above_model(RECIPE, "3"), MODELS)
    for strength, name in ((0.8, "soft.safetensors"), (0.9, None)):
        found = named([seen(strength)], listed, lambda name, probe: False)
        assert found[0]["name"] == name
    assert named([seen(0.8, kind="ControlNet")], listed, lambda name, probe: True)[0]["name"] is None


def test_a_lora_that_the_graph_lists_and_the_model_did_not_have_is_left_out() -> None:
    listed = adapters_in(RECIPE, above_model(RECIPE, "3"), MODELS)
    assert matched({"adapters": []}, listed) == []
    only_text = [{**listed[0], "strength_model": 0.0, "strength_clip": 1.0}]
    assert [entry["strength_clip"] for entry in matched({"adapters": []}, only_text)] == [1.0]


def test_a_lora_beside_the_samplers_model_is_no_adapter_of_it() -> None:
    prompt = copy.deepcopy(PROMPT)
    prompt["3"]["inputs"]["model"] = ["1", 0]
    recipe = recipe_of(prompt, "9")
    assert adapters_in(recipe, above_model(recipe, "3"), MODELS) == []


def test_texts_seen_by_an_encoder_take_the_place_of_their_parts() -> None:
    prompt = copy.deepcopy(PROMPT) | {
        "40": {"class_type": "StringConcatenate", "inputs": {"string_a": "a red", "string_b": "ball", "delimiter": " "}}
    }
    prompt["5"]["inputs"]["text"] = ["40", 0]
    found = prompts_of(recipe_of(prompt, "9"), "3", {"5": ["a red ball"]})
    assert [(text["role"], text["text"], text["known"], text["whole"]) for text in found] == [
        ("negative", "blurry", "graph", True),
        ("positive", "a red ball", "observed", True),
    ]


def test_a_graph_that_was_not_observed_makes_a_sound_record_of_what_it_says() -> None:
    record = build_record(RECIPE, [], MODELS, {}, {}, None, (0, 1))
    check_record(record)
    values = {name: (value["value"], value["known"]) for name, value in record["tuple"].items()}
    assert values["seed"] == (42, "graph")
    assert values["model"] == (MODELS[0]["sha256"]["value"], "graph")
    assert values["adapters"][0][0]["strength_model"] == 0.8
    linked = copy.deepcopy(PROMPT)
    linked["3"]["inputs"]["seed"] = ["99", 0]
    record = build_record(recipe_of(linked, "9"), [], MODELS, {}, {}, None, (0, 1))
    assert record["tuple"]["seed"] == {"value": None, "known": "unknown"}


def test_the_prompt_of_a_graph_without_a_negative_prompt_is_known() -> None:
    prompt = copy.deepcopy(PROMPT) | {"30": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["5", 0]}}}
    prompt["3"]["inputs"]["negative"] = ["30", 0]
    values = build_record(recipe_of(prompt, "9"), [], MODELS, {}, {}, None, (0, 1))["tuple"]
    assert values["prompt_sha256"] == {"value": hashlib.sha256(b"a red ball").hexdigest(), "known": "graph"}
    assert values["negative_sha256"]["known"] == "unknown"


def test_a_graph_that_does_not_sample_has_a_tuple_of_unknowns() -> None:
    recipe = recipe_of({"1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}}}, "1")
    record = build_record(recipe, [], [], {}, {}, None, (0, 1))
    check_record(record)
    assert {value["known"] for value in record["tuple"].values()} == {"unknown"}


def test_a_pack_is_named_with_version_and_commit(tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    pack = tmp_path / "pack"
    (pack / ".git" / "refs" / "heads").mkdir(parents=True)
    project = '[project]\nname = "a-pack"\nversion = "1.2"\n'
    (pack / "pyproject.toml").write_text(f'[build]\nname = "no"\n{project}[tool.x]\n')
    (pack / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (pack / ".git" / "packed-refs").write_text(f"# pack-refs\n{commit} refs/heads/main\n")
    assert pack_version(pack) == {"name": "a-pack", "version": "1.2", "commit": commit}
    bare = tmp_path / "bare"
    bare.mkdir()
    assert pack_version(bare) == {"name": "bare", "version": None, "commit": None}


def test_the_machine_is_described_without_names_of_users_or_folders() -> None:
    assert machine()["python"].startswith("3.")
    assert str(Path.home()) not in str(machine())


def test_the_numerics_can_be_read_after_torchs_newer_setting_was_used() -> None:
    """In a process of its own: torch cannot go back to its older setting."""
    code = (
        "import torch; from goodseed.provenance.numerics import numerics_now as now\n"
        "before = now()['precision']\n"
        "if hasattr(torch.backends.cuda.matmul, 'fp32_precision'):\n"
        "    torch.backends.cuda.matmul.fp32_precision = 'tf32'\n"
        "    assert now()['precision']['matmul_allow_tf32'] is True, now()\n"
        "assert before['matmul_allow_tf32'] is False, before\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
