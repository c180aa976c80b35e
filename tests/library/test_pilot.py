"""The pilot: it says no where the seed does next to nothing, and what it promises is what choosing gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from goodseed.cli import run
from goodseed.study.pilot import judged, promise
from tests.library.test_racing import scores

FAKE = "tests.library.fake_model:make"
WEAK = "tests.library.test_pilot:make_weak"


def make_weak():
    """A fake whose score has an ICC of .01: the seed's own part drowned in chance."""
    from tests.library.fake_model import FakeGenerator, FakeJudge, _rng

    class WeakJudge(FakeJudge):
        def measure(self, images, prompt):
            measured = super().measure(images, prompt)
            of_seed = measured.metrics["score"]
            chance = [_rng("chance", prompt, image.tobytes()).standard_normal() for image in images]
            # The fake's own score has an SD of about .17 between seeds and .1 within.
            measured.metrics["score"] = np.float32(0.1 * (of_seed + 0.4) / 0.17 + np.array(chance))
            return measured

    return FakeGenerator(), WeakJudge()


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    file = tmp_path / "prompts.txt"
    file.write_text("\n".join(f"prompt {index}" for index in range(48)))
    return file


@pytest.mark.parametrize(
    ("generator", "seeds", "options", "worth", "goes_on"),
    [
        (WEAK, "0-63", [], False, False),
        (WEAK, "0-7", ["--force"], False, True),
        (FAKE, "0-63", ["--racing"], True, True),
    ],
    ids=["an ICC of a hundredth", "the same by force", "a seed that matters"],
)
def test_a_study_goes_on_where_the_pilot_says_that_it_is_worth_it_or_by_force(
    generator: str,
    seeds: str,
    options: list[str],
    worth: bool,
    goes_on: bool,
    tmp_path: Path,
    prompts: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["--generator", generator, "--seeds", seeds, "--prompts", str(prompts), "--workers", "0", *options]
    code = run(["study", *arguments, "--out", str(tmp_path / "out"), "--pilot", "--json"])
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    assert code == (0 if goes_on else 1)
    assert answer["pilot"]["worth"] is worth
    assert ("Not worth it: " in captured.err) is not worth
    assert ("--force goes on" in captured.err) is not goes_on
    assert len(list((tmp_path / "out").glob("*.safetensors"))) == int(goes_on)
    if goes_on:
        assert Path(answer["bank"]).exists()
    if seeds == "0-63":
        assert answer["pilot"]["pilot"]["images"] == 32 * 16
        assert (answer["pilot"]["promises"]["score"]["icc"]["value"] < 0.04) is not worth
    if "--racing" in options:
        assert 0 < answer["pilot"]["racing"]["images"] < 0.6


def test_the_promised_gain_is_what_choosing_gives() -> None:
    """With the ICC known (a large table), the breeder's equation predicts the chosen seeds' gain to 5 %."""
    gained = []
    for state in range(6):
        effects, table = scores(1024, 32, 0.1, state)
        gained.append(effects[np.argsort(-table.mean(axis=1))[:64]].mean())
    _, large = scores(2000, 100, 0.1, 99)
    promised = promise("score", large, 1024, 32, 64)
    assert promised.gain.value == pytest.approx(np.mean(gained), rel=0.05)
    assert promised.deviation == pytest.approx(1, rel=0.02)
    assert promised.gain.low < promised.gain.value < promised.gain.high


def test_what_the_pilot_says_of_racing_grows_with_the_icc() -> None:
    some = {icc: judged({"score": scores(32, 16, icc, 5)[1]}, "score", 512, 256, 32) for icc in (0.05, 0.5)}
    assert some[0.5].race_images < some[0.05].race_images < 1
    assert some[0.5].race_quality > 0.95
