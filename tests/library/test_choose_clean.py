"""Rule clean: the least text on the selection pairs, ties by the other metrics; what speaks for it is held out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodseed.banks import check_bank, diverse, make_bank, pick, read_bank, write_bank
from goodseed.banks.summary import golden_summary
from goodseed.cli import run
from goodseed.errors import BankError, ChoiceError
from tests.library.bank_maker import make_inpaint_bank, make_test_bank, sound_info, sound_tensors, with_inpainting


def parts() -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    return with_inpainting(sound_tensors(), sound_info())


def test_clean_orders_by_the_share_and_ties_by_the_other_metrics_ranks() -> None:
    bank = make_inpaint_bank()
    chosen = pick(bank, "clean", k=40, task="removal").seeds
    by_rank = pick(bank, "rank-sum", k=40).seeds
    spotless = [seed for seed in by_rank if seed <= 10]  # no text at all
    assert chosen == [*spotless, *range(11, 40)]
    assert pick(bank, "clean", k=3, task="removal", worst=True).seeds == [39, 38, 37]


def test_without_a_task_the_mean_over_all_tasks_counts() -> None:
    bank = make_inpaint_bank()
    shares = [bank.text_share(task).astype(np.float64) for task in bank.tasks]
    assert pick(bank, "clean", k=40).seeds == [int(i) for i in np.argsort(sum(shares), kind="stable")]
    assert pick(bank, "clean").settings["tasks"] == ["completion", "removal"]


def test_the_held_out_pairs_have_no_part_in_the_choice() -> None:
    tensors, info = parts()
    chosen = pick(make_bank(tensors, info), "clean").seeds
    for name in tensors:
        if name.startswith("heldout.inpaint.") and name.endswith("text_share"):
            tensors[name] = tensors[name][::-1].copy()
    assert pick(make_bank(tensors, info), "clean").seeds == chosen


def test_what_speaks_for_clean_seeds_is_the_held_out_gain_and_the_icc() -> None:
    choice = pick(make_inpaint_bank(), "clean", k=5, task="removal")
    gain = choice.evidence["held_out"]["inpaint.removal"]
    assert gain["low"] > 0
    assert gain["golden"] == 0
    assert choice.evidence["icc"]["inpaint.removal"]["value"] == 0.3
    assert choice.evidence["rank_correlation"]["inpaint.removal"]["chance_high"] == 0.3
    assert choice.evidence["study"]["inpaint.removal"]["k"] == 2
    assert list(choice.scores) == ["inpaint.removal", "fid", "score"]
    assert choice.notes == ["11 seeds have as little text as the last one chosen (0.00%); their other metrics decided."]


def test_where_the_seed_explains_nothing_it_is_said() -> None:
    tensors, info = parts()
    info["reliability"]["inpaint"]["completion"]["icc"] = {"value": 0.0, "low": -0.02, "high": 0.03}
    tensors["heldout.inpaint.completion.text_share"][:] = np.tile([0, 0.1], 20)
    tensors["heldout.inpaint.completion.stderr"][:] = 0.5
    bank = make_bank(tensors, info)
    notes = pick(bank, "clean", k=4, task="completion").notes
    assert notes == [
        "On the held-out pairs the gain in completion cannot be told from none.",
        "The study found no sure effect of the seed on text in completion (its ICC's interval reaches 0).",
    ]
    assert not any("no sure effect" in note for note in pick(bank, "clean", k=4, task="removal").notes)


def test_traits_to_avoid_and_diverse_sets_work_with_it() -> None:
    bank = make_inpaint_bank()  # the upper half has borders
    kept = pick(bank, "clean", k=20, avoid=["border"], task="removal").seeds
    assert kept == pick(bank, "clean", k=20, task="removal").seeds
    dirty = pick(bank, "clean", k=20, avoid=["border"], task="removal", worst=True).seeds
    assert dirty[0] == 19
    quarter = set(pick(bank, "clean", k=10).seeds)
    assert set(diverse(bank, n=4, within="golden", rule="clean").seeds) <= quarter


@pytest.mark.parametrize(
    ("inpainting", "arguments", "message"),
    [
        (
            False,
            {"rule": "clean"},
            "rule clean: the bank has no inpainting part.* goodseed study --inpaint",
        ),
        (True, {"rule": "clean", "task": "repair"}, "task 'repair': the bank holds the tasks completion, removal"),
        (True, {"rule": "paper", "task": "removal"}, "task 'removal': goes with rule clean, not with paper"),
    ],
)
def test_what_the_bank_cannot_answer_is_one_line(inpainting: bool, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ChoiceError, match=message) as caught:
        pick(make_inpaint_bank() if inpainting else make_test_bank(), **arguments)
    assert "\n" not in str(caught.value)


def test_the_other_rules_do_not_see_the_inpainting_part() -> None:
    for rule in ("paper", "rank-sum", "pareto", "score"):
        with_part, without = (pick(bank, rule).as_dict() for bank in (make_inpaint_bank(), make_test_bank()))
        assert {**with_part, "bank": ""} == {**without, "bank": ""}


def test_the_report_of_a_choice_says_how_clean_the_seed_is() -> None:
    bank = make_inpaint_bank()
    choice = pick(bank, "clean", k=3, task="removal")
    text = golden_summary(bank, choice, 0)
    assert f"**Seed {choice.seeds[0]}**: clean seed 1 of 3 by clean" in text
    assert "| share of text, removal (lower is better) | 0 | 1 of 40 | 0 |" in text
    assert "- share of text, removal: 0 against" in text
    assert "ICC 0.300 (0.200…0.400)" in text


def test_the_command_gives_what_the_library_gives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.safetensors"
    write_bank(make_inpaint_bank(), path)
    assert run(["pick", str(path), "--rule", "clean", "--task", "completion", "-k", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == pick(make_inpaint_bank(), "clean", 3, task="completion").as_dict()
    assert {"seeds", "rule", "bank", "settings", "scores", "evidence", "notes"} == set(found)
    assert run(["pick", str(path), "--rule", "clean"]) == 0
    assert "Clean seeds, on the selection pairs" in capsys.readouterr().err
    assert run(["bank", "show", str(path)]) == 0
    assert "text, removal" in capsys.readouterr().err
    write_bank(make_test_bank(), path)
    assert run(["pick", str(path), "--rule", "clean", "--json"]) == 2
    assert "no inpainting part" in json.loads(capsys.readouterr().out)["error"]


def test_a_bank_with_an_inpainting_part_is_written_read_and_sound(tmp_path: Path) -> None:
    written = write_bank(make_inpaint_bank(), tmp_path / "bank.safetensors")
    assert check_bank(tmp_path / "bank.safetensors") == []
    assert read_bank(tmp_path / "bank.safetensors").id == written.id
    assert read_bank(tmp_path / "bank.safetensors").tasks == ["completion", "removal"]


def test_an_older_bank_with_shares_alone_is_still_read() -> None:
    tensors = {**sound_tensors(), "inpaint.removal.text_share": np.zeros(40, np.float32)}
    assert make_bank(tensors, sound_info()).tasks == []


Change = Callable[[dict[str, np.ndarray], dict[str, Any]], None]
BAD: list[tuple[Change, str]] = [
    (lambda t, i: t.pop("inpaint.removal.text_share"), "inpaint.removal.text_share: is missing"),
    (lambda t, i: t.pop("heldout.inpaint.removal.stderr"), "heldout.inpaint.removal.stderr: is missing"),
    (lambda t, i: t["heldout.inpaint.completion.text_share"].fill(1.5), "a share lies outside 0…1"),
    (lambda t, i: t["inpaint.removal.stderr"].fill(-1), "a standard error is negative"),
    (lambda t, i: t["inpaint.removal.n"].fill(0), "a seed has no image"),
    (lambda t, i: t["inpaint.removal.text_share"].fill(np.nan), "holds NaN"),
    (lambda t, i: i.update(inpaint=7), "inpaint: is missing or no object"),
    (lambda t, i: i["inpaint"].pop("tasks"), "inpaint.tasks: is missing"),
    (lambda t, i: i["inpaint"]["tasks"].update({"No Name": {"about": ""}}), "inpaint.tasks: 'No Name' is no name"),
    (lambda t, i: i["inpaint"]["tasks"].update({"repair": {"about": "x"}}), "heldout.inpaint.repair.n: is missing"),
    (lambda t, i: i["inpaint"]["pairs"].pop("held_out"), "inpaint.pairs.held_out: is missing"),
    (lambda t, i: i["inpaint"].update(pairs=[]), "inpaint.pairs.selection: is missing"),
    (lambda t, i: i["inpaint"]["reader"].pop("version"), "inpaint.reader.version: is missing"),
    (lambda t, i: i["inpaint"].update(images=0), "inpaint.images: 0 is no whole number"),
    (lambda t, i: i["reliability"].update(inpaint=[]), "reliability.inpaint: is no object"),
    (lambda t, i: i["reliability"]["inpaint"]["removal"]["gain"].update(low=1), ".gain: 1…"),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[message for _, message in BAD])
def test_a_bad_inpainting_part_is_named(change: Change, message: str) -> None:
    tensors, info = parts()
    change(tensors, info)
    with pytest.raises(BankError) as caught:
        make_bank(tensors, info)
    assert message in str(caught.value)
