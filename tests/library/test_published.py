"""A bank of published figures: sound without a single measured number, and never used without saying so."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodseed.banks import check_bank, diverse, make_bank, mismatches, pick, read_bank, resolve_bank
from goodseed.banks.published_schema import published_seeds
from goodseed.banks.published_sd2 import INFO, published_sd2
from goodseed.banks.summary import golden_summary
from goodseed.cli import run
from goodseed.errors import BankError, ChoiceError
from goodseed.report import write_report
from tests.library.bank_maker import sound_info, sound_tensors

SAID = "published, not measured"
SEEDS = {"seeds": np.array([0, 50, 469, 696], np.int64)}


def test_the_shipped_file_is_what_the_script_makes_and_is_sound() -> None:
    path = resolve_bank("published-sd2")
    assert check_bank(path) == []
    assert read_bank(path).id == published_sd2().id
    assert published_sd2().seeds == [0, 50, 469, 696]


def test_the_best_published_seed_is_golden_and_the_worst_is_never_among_the_golden() -> None:
    bank = published_sd2()
    for rule in ("paper", "rank-sum", "pareto", "fid"):
        assert pick(bank, rule, k=4).seeds == [469]
        assert pick(bank, rule, k=4, worst=True).seeds == [696]
    choice = pick(bank, "fid", k=4)
    assert choice.scores == {"fid": [pytest.approx(21.60)]}
    assert any(SAID in note for note in choice.notes)
    assert any("4 were asked for" in note for note in choice.notes)
    assert pick(bank, "fid", k=1, avoid=["border"]).seeds == [469]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda bank: pick(bank, "score"), "rule 'score': a bank of published figures answers paper"),
        (lambda bank: pick(bank, "clean", k=1), "has no inpainting part"),
        (lambda bank: pick(bank, "fid", avoid=["sky"]), "avoid 'sky': the bank holds the traits border"),
        (lambda bank: pick(bank, "fid", k=0), "k 0"),
        (lambda bank: diverse(bank), "published figures only, no style"),
    ],
)
def test_what_it_cannot_answer_is_one_line(ask: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(ChoiceError, match=message):
        ask(published_sd2())


def test_every_tool_says_that_it_is_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bank = published_sd2()
    report = golden_summary(bank, pick(bank, "paper", 4), 0, mismatches(bank))
    assert SAID in report
    assert "cannot be known" in report
    assert "| fid (lower is better) | 21.6 | 1 of 1024 |" in report
    write_report(bank, tmp_path / "report.html")
    assert SAID in (tmp_path / "report.html").read_text(encoding="utf-8")
    for command in (["bank", "show"], ["pick"]):
        assert run([*command, "published-sd2"]) == 0
        assert SAID in " ".join(capsys.readouterr().err.split())
        assert run([*command, "published-sd2", "--json"]) == 0
        assert SAID in capsys.readouterr().out
    assert run(["bank", "list", "--json"]) == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)["banks"]}
    assert entries["published-sd2"]["published"] is True
    assert run(["bank", "check", "published-sd2"]) == 0


def spoiled(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    info = copy.deepcopy(INFO)
    change(info)
    return info


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda info: info.update(noise={"name": "comfy"}), "'noise': does not belong in a published bank"),
        (lambda info: info.update(metrics=sound_info()["metrics"]), "metrics: must be an empty object"),
        (lambda info: info.update(reliability={"icc": {}}), "reliability: must be an empty object"),
        (lambda info: info.pop("model"), "model: is missing"),
        (lambda info: info.pop("published"), "published: is missing"),
        (lambda info: info["published"].pop("source"), "published.source: is missing"),
        (lambda info: info["published"]["metrics"]["fid"]["figures"].update({"x": {}}), "'x' is no seed"),
        (lambda info: info["published"]["metrics"]["fid"]["figures"]["469"].update(place=0), "needs a value"),
        (lambda info: info["published"]["metrics"]["fid"].update(direction="up"), "'up' is none of"),
        (lambda info: info["published"]["traits"]["border"].update(seeds=[-1]), "no list of seeds"),
        (lambda info: info["published"]["traits"]["border"].update(seeds=3), "is no list"),
        (lambda info: info["published"]["traits"]["border"].update(seeds=[0, 51]), "seeds: are not those"),
    ],
)
def test_each_fault_is_named(change: Callable[[dict[str, Any]], Any], message: str) -> None:
    with pytest.raises(BankError) as caught:
        make_bank(SEEDS, spoiled(change))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_opens_no_door_for_measured_tensors_or_for_measured_banks_with_holes() -> None:
    with pytest.raises(BankError, match=r"'metric\.fid\.mean': is a tensor that the metadata does not name"):
        make_bank({**SEEDS, "metric.fid.mean": np.zeros(4, np.float32)}, INFO)
    with pytest.raises(BankError, match="text_share': is a tensor that the metadata does not name"):
        make_bank({**SEEDS, "inpaint.removal.text_share": np.zeros(4, np.float32)}, INFO)
    tensors = sound_tensors()
    tensors.pop("metric.fid.mean")
    with pytest.raises(BankError, match=r"metric\.fid\.mean: is missing"):
        make_bank(tensors, {**sound_info(), "published": INFO["published"]})


def test_the_seeds_named_are_those_of_figures_and_traits_together() -> None:
    assert published_seeds(INFO) == [0, 50, 469, 696]
