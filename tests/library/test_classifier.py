"""The seed classifier: it finds a planted seed, and claims nothing where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodseed.cli import run
from goodseed.demo.generator import DemoGenerator
from goodseed.demo.prompts import prompt_set
from goodseed.errors import StudyError
from goodseed.study.classifier import SeedModel, told
from goodseed.study.plan import make_plan
from goodseed.study.recognize import calibrate, evidence
from goodseed.study.runner import Running, run_study
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


def test_with_few_pictures_what_is_known_of_middles_helps_beside_nearest_means() -> None:
    """Of 40 axes 4 differ between seeds; from 3 pictures a seed plain means scatter on the other 36 as well."""
    random = np.random.default_rng(1)
    of_seed = np.zeros((60, 1, 40))
    of_seed[..., :4] = 2 * random.standard_normal((60, 1, 4))
    found = of_seed + random.standard_normal((60, 23, 40))
    accuracy = told(found[:, :3], found[:, 3:]).accuracy
    means = found[:, :3].mean(axis=1)
    nearest = [((x[None] - means) ** 2).sum(axis=1).argmin() == seed for seed in range(60) for x in found[seed, 3:]]
    assert accuracy.low > np.mean(nearest) + 0.05


def test_probabilities_mean_what_they_say() -> None:
    """Of pictures given 50 to 90 % about so many are right."""
    found = features(120, 40, 4.0)
    scale = calibrate(found[:, :20], found[:, 20:]).scale
    model = SeedModel.learn(found[0::2, :20])
    shares = np.concatenate([scale.shares(evidence(model, found[:, prompt])) for prompt in range(20, 40)])
    truth = np.tile(np.where(np.arange(120) % 2 == 0, np.arange(120) // 2, 60), 20)
    middling = (shares.max(axis=1) > 0.5) & (shares.max(axis=1) < 0.9)
    assert middling.sum() > 1000
    right = (shares.argmax(axis=1) == truth)[middling].mean()
    assert right == pytest.approx(shares.max(axis=1)[middling].mean(), abs=0.07)


def test_seeds_that_were_not_learned_are_seldom_named() -> None:
    calibration = calibrate(*np.split(features(80, 40, 8.0), 2, axis=1))
    assert calibration.named_right.low > 0.3
    assert calibration.named_wrong.high < 0.1
    assert calibration.named_strangers.high < 0.35
    nothing = calibrate(*np.split(features(80, 40, 0.0), 2, axis=1))
    assert nothing.named_right.high == nothing.named_strangers.high == 0


@pytest.mark.parametrize("metrics", [("demo-style", "demo-composition", "demo-traits"), ("demo-score", "small")])
def test_the_command_names_the_seed_that_made_an_image(
    metrics: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = prompt_set(0, 6), prompt_set(1, 3)
    options = {"steps": 1, "cfg": 1.0}
    run_study(
        tmp_path / "study", make_plan("demo", range(8), *sets, metrics=metrics, options=options), Running(workers=0)
    )
    pictures = DemoGenerator(**options).generate(prompt_set(1, 5).prompts[-1], [3, 4])
    for seed, picture in zip((3, 4), pictures, strict=True):
        Image.fromarray(picture).save(tmp_path / f"{seed}.png")
    code = run(
        ["classify", *(str(tmp_path / f"{seed}.png") for seed in (3, 4)), "--study", f"{tmp_path}/study", "--json"]
    )
    answer = json.loads(capsys.readouterr().out)
    assert code == (0 if all(image["seed"] is not None for image in answer["images"]) else 1)
    for image in answer["images"]:
        assert len(image["likeliest"]) == 5
        assert sum(one["probability"] for one in image["likeliest"]) + image["none"] <= 1 + 1e-9
    if "small" in metrics:
        assert [image["likeliest"][0]["seed"] for image in answer["images"]] == [3, 4]
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    assert run(["classify", str(tmp_path / "noise.png"), "--study", f"{tmp_path}/study"]) == 1
    assert "no seed stands out" in capsys.readouterr().err
    if "small" not in metrics:
        Image.fromarray(noise[:64]).save(tmp_path / "half.png")
        assert run(["classify", str(tmp_path / "half.png"), "--study", f"{tmp_path}/study"]) == 2
        assert "half.png: cannot be measured as the study measures (" in capsys.readouterr().err


def test_images_and_folders_that_cannot_be_used_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.png").write_bytes(b"no picture")
    for arguments, why in (
        (["text.png"], "images, and their study with --study DIR"),
        (["text.png", "--study", "."], "text.png"),
        (["nothing.png", "--study", "."], "nothing.png"),
    ):
        paths = [str(tmp_path / one) if not one.startswith("--") else one for one in arguments]
        assert run(["classify", *paths, "--json"]) == 2
        assert why in json.loads(capsys.readouterr().out)["error"]
