"""The seed classifier: it finds a planted seed, and claims nothing where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from goodseed.cli import run
from goodseed.errors import StudyError
from goodseed.study.classifier import told
from tests.library.fake_model import make_study


def features(seeds: int, prompts: int, effect: float, state: int = 0) -> np.ndarray:
    """Return features [S, P, 6]: the seed moves the first two; the first shares its large chance with the third."""
    random = np.random.default_rng(state)
    of_seed = np.zeros((seeds, 1, 6))
    of_seed[..., :2] = effect * random.standard_normal((seeds, 1, 2))
    chance = random.standard_normal((seeds, prompts, 6))
    chance[..., 2] *= 5
    chance[..., 0] = 0.1 * chance[..., 0] + chance[..., 2]
    return of_seed + chance + 0.2 * random.standard_normal((1, prompts, 6))


def test_a_planted_seed_is_told_where_single_features_hide_it() -> None:
    """The first feature's chance, five times the seed's effect, is known from the third: whitening takes it off."""
    found = features(50, 24, 1.0)
    result = told(found[:, :12], found[:, 12:])
    assert result.chance == 1 / 50
    assert result.accuracy.low > 3 * result.chance
    assert result.among_five.value > result.accuracy.value
    assert result.accuracy.low <= result.accuracy.value <= result.accuracy.high
    without = told(np.delete(found, 2, axis=2)[:, :12], np.delete(found, 2, axis=2)[:, 12:])
    assert without.accuracy.high < result.accuracy.low


def test_where_the_seed_does_nothing_chance_lies_in_the_interval() -> None:
    held = 0
    for state in range(20):
        found = features(30, 24, 0.0, state)
        result = told(found[:, :12], found[:, 12:])
        held += result.accuracy.low <= result.chance <= result.accuracy.high
    assert held >= 16


def test_features_that_do_not_fit_are_refused() -> None:
    for learn, test in (((1, 4, 3), (1, 4, 3)), ((4, 1, 3), (4, 4, 3)), ((4, 4, 3), (4, 4, 2)), ((4, 4, 3), (4, 0, 3))):
        with pytest.raises(StudyError, match="give"):
            told(np.zeros(learn), np.zeros(test))


def test_a_feature_without_any_spread_is_no_trouble() -> None:
    found = np.concatenate([features(20, 8, 3.0), np.ones((20, 8, 1))], axis=2)
    assert told(found[:, :4], found[:, 4:]).accuracy.value > 0.2


def test_the_command_tells_the_seeds_of_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_study(tmp_path, seeds=16, prompts=6)
    assert run(["classify", str(folder), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["better_than_chance"] is True
    assert (answer["seeds"], answer["learned"], answer["tested"]) == (16, 6, 6)
    assert set(answer["features"]) == {"style", "composition", "traits", "quality"}
    assert run(["classify", str(folder), "--seeds", "8"]) == 0
    assert "by chance 12.5%" in " ".join(capsys.readouterr().err.split())
    assert run(["classify", str(tmp_path), "--json"]) == 2
    assert "is this a study's folder" in json.loads(capsys.readouterr().out)["error"]
