"""Metrics by name: pixel traits, the maximum mean discrepancy, styles, and how they make a study together."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from goodseed.banks import read_bank
from goodseed.cli import run
from goodseed.demo.generator import DemoGenerator
from goodseed.demo.judge import DemoJudge
from goodseed.demo.scenes import draw_scene, random_caption
from goodseed.errors import StudyError, WeightsError
from goodseed.prompts import PromptSet
from goodseed.study.ledger import read_ledger
from goodseed.study.metrics import pixels
from goodseed.study.metrics.catalogue import CATALOGUE, make_judge
from goodseed.study.metrics.composition import main_object, placed
from goodseed.study.metrics.mmd import SCALE, SIGMA, Mmd
from goodseed.study.metrics.small import small
from goodseed.study.metrics.style import GramStyle, Sketch, channel_cosines, load_vgg19
from goodseed.study.plan import make_plan
from goodseed.study.runner import Running, run_study
from tests.library.fake_model import LargeGenerator
from tests.library.network_maker import make_vgg19

FAKE = "tests.library.fake_model:make"
SETS = (PromptSet(("a cat", "a red car"), "CC0-1.0"), PromptSet(("a house", "a blue fish"), "CC0-1.0"))
JUDGED = "tests.library.fake_model:make_judged_by_the_demo"
DEMO_SETS = (PromptSet(("a ball", "a red star", "a fish"), "CC0-1.0"), PromptSet(("a house", "a blue box"), "CC0-1.0"))


def random_pictures(count: int = 3, side: int = 48, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


# Traits of pixels


def test_gray_pictures_are_gray_and_coloured_ones_are_not() -> None:
    coloured = random_pictures()
    gray = np.repeat(coloured[..., :1], 3, axis=3)
    np.testing.assert_array_equal(pixels.grayscale(gray), 1)
    np.testing.assert_array_equal(pixels.saturation(gray), 0)
    np.testing.assert_array_equal(pixels.grayscale(coloured), 0)
    tinted = np.clip(gray.astype(int) + np.array([0, 2, 4]), 0, 255).astype(
        np.uint8
    )  # a spread of 4 of 255 is no colour
    np.testing.assert_array_equal(pixels.grayscale(tinted), 1)


def test_a_blurred_picture_is_less_sharp_and_a_flat_one_not_at_all() -> None:
    picture = random_pictures(1)
    blurred = (
        picture.astype(float) + np.roll(picture, 1, 1) + np.roll(picture, 1, 2) + np.roll(picture, (1, 1), (1, 2))
    ) / 4
    sharp, soft, flat = (pixels.sharpness(p.astype(np.uint8))[0] for p in (picture, blurred, np.full_like(picture, 90)))
    assert sharp > 1.3 * soft > 0
    assert flat == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (200, 120, 40)])
@pytest.mark.parametrize("width", [3, 12, 25])
def test_frames_and_bars_are_borders(colour: tuple[int, int, int], width: int) -> None:
    picture = random_pictures(1, 128)[0] // 2 + 64
    framed, barred = picture.copy(), picture.copy()
    framed[:width] = framed[-width:] = colour
    barred[:width] = barred[-width:] = colour
    framed[:, :width] = framed[:, -width:] = colour
    assert pixels.has_border(framed)
    assert pixels.has_border(barred)
    assert pixels.has_border(barred.swapaxes(0, 1))
    assert not pixels.has_border(picture)


def test_a_flat_ground_a_disc_on_it_and_one_bar_are_no_borders() -> None:
    ground = np.full((128, 128, 3), 240, np.uint8)
    rows, columns = np.mgrid[:128, :128]
    disc = ground.copy()
    disc[(rows - 64) ** 2 + (columns - 64) ** 2 < 50**2] = (200, 30, 30)
    bar = random_pictures(1, 128)[0]
    bar[:10] = 0
    assert not any(map(pixels.has_border, (ground, disc, bar)))


def test_blue_over_green_is_sky_and_upside_down_it_is_not() -> None:
    picture = np.empty((96, 96, 3), np.uint8)
    picture[:48], picture[48:] = (120, 170, 235), (60, 120, 40)
    assert pixels.has_sky(picture)
    assert not pixels.has_sky(picture[::-1])
    assert not pixels.has_sky(np.full_like(picture, 120))
    assert not pixels.has_sky(random_pictures(1, 96)[0])


def test_borders_and_skies_of_drawn_scenes_are_seen() -> None:
    """400 scenes: nearly all borders; of the skies those by day, about half; of other pictures next to none."""
    scenes = [
        draw_scene(random_caption(np.random.default_rng([8, number])), np.random.default_rng([7, number]))
        for number in range(400)
    ]
    found = {"border": [pixels.has_border(s.image) for s in scenes], "sky": [pixels.has_sky(s.image) for s in scenes]}
    true = {"border": [bool(s.border) for s in scenes], "sky": [s.background == "sky" for s in scenes]}
    for name in found:
        seen, there = np.array(found[name]), np.array(true[name])
        assert seen[there].mean() > {"border": 0.9, "sky": 0.4}[name], name
        assert seen[~there].mean() < 0.03, name


# The maximum mean discrepancy


def by_definition(first: np.ndarray, second: np.ndarray) -> float:
    """Equation 3 of Gretton et al. 2012, pair by pair."""

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-((a - b) ** 2).sum() / (2 * SIGMA**2)))

    own, other = len(first), len(second)
    among = sum(kernel(first[i], first[j]) for i in range(own) for j in range(own) if i != j) / (own * (own - 1))
    real = sum(kernel(second[i], second[j]) for i in range(other) for j in range(other) if i != j)
    across = sum(kernel(a, b) for a in first for b in second) / (own * other)
    return SCALE * (among + real / (other * (other - 1)) - 2 * across)


def units(seed: int, count: int, size: int = 6, shift: float = 0.0) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(count, size)) + shift
    return drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)


def test_mmd_is_the_unbiased_estimator_pair_by_pair() -> None:
    first, second = units(1, 9), units(2, 13)
    assert Mmd(second).distances(first[None])[0] == pytest.approx(by_definition(first, second), rel=1e-9)


def test_mmd_of_equal_distributions_is_0_on_the_mean_and_the_biased_one_would_not_be() -> None:
    reference = Mmd(units(0, 4000))
    found = reference.distances(np.stack([units(seed, 20) for seed in range(1, 801)]))
    error = found.std(ddof=1) / np.sqrt(len(found))
    assert abs(found.mean()) < 4 * error
    assert 4 * error < 0.1 * SCALE / (20 * SIGMA**2)  # what each image's likeness to itself would add: (1−k)/n


def test_mmd_grows_with_the_distance_and_forgets_order_and_rotation() -> None:
    reference = units(3, 200)
    near, far = units(4, 50, shift=0.2), units(4, 50, shift=0.8)
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(6, 6)))[0]
    distance = Mmd(reference).distances(np.stack([near, far]))
    assert distance[1] > distance[0] > 0
    shuffled = np.random.default_rng(6).permutation(near)
    assert Mmd(reference).distances(shuffled[None])[0] == pytest.approx(distance[0], rel=1e-9)
    assert Mmd(reference @ turn).distances((near @ turn)[None])[0] == pytest.approx(distance[0], rel=1e-9)


def test_each_prompts_part_of_mmd_is_the_jackknifes() -> None:
    values, reference = units(7, 12), Mmd(units(8, 40))
    without = np.array([reference.distances(np.delete(values, one, axis=0)[None])[0] for one in range(12)])
    whole = reference.distances(values[None])[0]
    np.testing.assert_allclose(
        reference.per_prompt(values[None])[0], whole + 11 * (without.mean() - without), rtol=1e-8
    )
    np.testing.assert_allclose(without.mean(), whole, rtol=1e-9)


@pytest.mark.parametrize("shape", [(1, 1, 6), (1, 5, 7), (5, 6)])
def test_features_that_do_not_fit_the_reference_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(StudyError, match="MMD"):
        Mmd(units(9, 5)).distances(np.ones(shape))


# Style


def test_the_gram_matrix_forgets_where_things_are() -> None:
    layer = torch.rand(1, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    moved = layer.flatten(2)[:, :, torch.randperm(36, generator=torch.Generator().manual_seed(1))].view_as(layer)
    torch.testing.assert_close(channel_cosines(moved), channel_cosines(layer))
    torch.testing.assert_close(channel_cosines(3 * layer).diagonal(dim1=1, dim2=2), torch.ones(1, 8))


def test_a_flipped_picture_has_the_style_of_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With filters that are their own mirror images, so that the network itself does not tell left from right."""
    make_vgg19(tmp_path, symmetric=True)
    monkeypatch.setenv("GOODSEED_WEIGHTS", str(tmp_path))
    picture, other = random_pictures(2, 64)
    part = GramStyle()
    style = part.style(picture)
    np.testing.assert_allclose(part.style(picture[:, ::-1].copy()), style, atol=1e-4)
    assert np.abs(part.style(other // 3) - style).max() > 1e-2


def test_the_projection_keeps_inner_products_and_is_always_the_same() -> None:
    sketch = Sketch(64, 0)
    random = torch.Generator().manual_seed(2)
    grams = [(lambda rows: rows @ rows.T)(torch.randn(64, 96, generator=random)) for _ in range(60)]
    upper = torch.stack([gram[sketch.rows, sketch.columns] for gram in grams])
    exact = torch.nn.functional.normalize(upper) @ torch.nn.functional.normalize(upper).T
    found = torch.stack([sketch(gram) for gram in grams])
    error = ((found @ found.T - exact) ** 2).mean().sqrt()
    assert error < 1.3 / 32**0.5  # what a random projection to 32 numbers costs
    torch.testing.assert_close(Sketch(64, 0)(grams[0]), found[0], rtol=0, atol=0)
    assert sketch(torch.arange(4096.0).view(64, 64)).tolist()[:3] == pytest.approx(PINNED, abs=1e-5)


PINNED = [0.331164, -0.153379, 0.309369]


def test_a_checkpoint_that_lacks_a_layer_is_one_line(tmp_path: Path) -> None:
    path = make_vgg19(tmp_path)
    state = torch.load(path)
    del state["features.5.weight"]
    torch.save(state, path)
    with pytest.raises(WeightsError, match=r"lacks 1 weights \(features.5.weight"):
        load_vgg19(path)
    path.write_bytes(b"no checkpoint")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_vgg19(path)


# Composition


def logits(shapes: list[tuple[slice, slice]], size: int = 20) -> torch.Tensor:
    """Return outlines [Q, 20, 20] that are sure inside a rectangle each."""
    found = torch.full((len(shapes), size, size), -8.0)
    for outline, (rows, columns) in zip(found, shapes, strict=True):
        outline[rows, columns] = 8.0
    return found


SMALL, LARGE = (slice(2, 6), slice(10, 14)), (slice(8, 18), slice(0, 10))
LABELS = {0: "cat", 1: "traffic light"}


def kinds(*rows: tuple[float, float, float]) -> torch.Tensor:
    return torch.tensor(rows).log()


@pytest.mark.parametrize(
    ("sure", "prompt", "expected"),
    [
        (((0.9, 0.05, 0.05), (0.05, 0.9, 0.05)), "a picture", LARGE),  # both sure: the larger one
        (((0.9, 0.05, 0.05), (0.05, 0.9, 0.05)), "two cats at night", SMALL),  # the one that the prompt names
        (((0.9, 0.05, 0.05), (0.05, 0.9, 0.05)), "a catalogue", LARGE),  # a word within a word is no name
        (((0.9, 0.05, 0.05), (0.1, 0.2, 0.7)), "a traffic light", SMALL),  # the other one is not sure
        (((0.1, 0.2, 0.7), (0.1, 0.1, 0.8)), "a picture", SMALL),  # none is sure: the surest
    ],
)
def test_the_main_object_is_the_largest_sure_one_that_the_prompt_names(sure, prompt: str, expected) -> None:
    outline = main_object(kinds(*sure), logits([SMALL, LARGE]), LABELS, prompt)
    wanted = torch.zeros(20, 20)
    wanted[expected] = 1
    torch.testing.assert_close(outline, wanted)


def test_an_outlines_place_size_and_nearness() -> None:
    outline = torch.zeros(20, 20)
    outline[SMALL] = 1
    depth = torch.zeros(40, 40)
    depth[:, 20:] = 10.0  # the right half is near
    x, y, size, near = placed(outline, depth)
    assert (x, y, size) == pytest.approx((12 / 20, 4 / 20, 16 / 400), abs=1e-6)
    assert near == pytest.approx(1, abs=1e-3)
    assert placed(outline.flip(1), depth)[0] == pytest.approx(8 / 20, abs=1e-6)
    assert placed(outline.flip(1), depth)[3] == pytest.approx(0, abs=1e-3)
    np.testing.assert_array_equal(placed(torch.zeros(20, 20), depth), np.array([0.5, 0.5, 0, 0.5], np.float32))


# Text


def test_a_picture_with_a_word_has_text_and_one_without_has_none() -> None:
    pytest.importorskip("rapidocr")
    from PIL import Image, ImageDraw, ImageFont

    blank = Image.new("RGB", (320, 160), (235, 235, 225))
    written = blank.copy()
    ImageDraw.Draw(written).text((40, 50), "MARKET", fill=(20, 20, 60), font=ImageFont.load_default(48))
    found = make_judge(["text"]).measure(np.stack([np.asarray(blank), np.asarray(written)]), "a market")
    assert found.traits["text"][0] == 0
    assert 0.05 < found.traits["text"][1] < 0.5


# Together


def test_a_study_without_chosen_metrics_is_what_it_was() -> None:
    plan = make_plan(FAKE, range(8), *SETS)
    assert replace(plan, software={"goodseed": "0"}).key == UNCHANGED_KEY
    assert "metrics" not in plan.as_dict()
    assert set(plan.columns) == {"metric.score", "trait.border", "trait.bright", "quality", "style", "composition"}


UNCHANGED_KEY = "1d5c9fb6c30923041e04485868bee666f0a5e89fc9a7c7c8ae32fb42af593212"


def test_the_demo_judge_in_all_roles_measures_what_it_measures_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goodseed.demo.judge.REFERENCE_COUNT", 32)  # scenes to draw; 1,536 take their time
    alone = run_study(tmp_path / "alone", make_plan(JUDGED, range(2), *DEMO_SETS), Running(workers=0))
    roles = ("demo-score", "demo-fid", "demo-style", "demo-composition", "demo-traits")
    for name, metrics in (("roles", roles), ("whole", ("demo",))):
        plan = make_plan(JUDGED, range(2), *DEMO_SETS, metrics=metrics)
        result = run_study(tmp_path / name, plan, Running(workers=0))
        first, second = read_bank(alone.bank), read_bank(result.bank)
        assert first.tensors.keys() == second.tensors.keys()
        for key, values in first.tensors.items():
            np.testing.assert_array_equal(second.tensors[key], values, err_msg=key)
        assert second.info["metrics"] == first.info["metrics"]
        assert second.info["reference"] == first.info["reference"]


@pytest.mark.parametrize(
    ("metrics", "tensors"),
    [
        (("traits",), {"trait.border", "trait.grayscale", "trait.sky", "trait.saturation", "trait.sharpness"}),
        (
            ("demo-score",),
            {f"{which}.score.{part}" for which in ("metric", "heldout") for part in ("mean", "stderr", "n")},
        ),
    ],
)
def test_a_study_of_one_metric_has_a_sound_bank(metrics: tuple[str, ...], tensors: set[str], tmp_path: Path) -> None:
    plan = make_plan(JUDGED, range(6), *DEMO_SETS, metrics=metrics)
    result = run_study(tmp_path, plan, Running(workers=0))
    bank = read_bank(result.bank)
    assert set(bank.tensors) == {"seeds", *tensors}
    assert run(["report", str(result.bank), "--out", str(tmp_path / "report.html"), "--no-pictures"]) == 0


def test_pixel_traits_of_a_study_are_those_of_its_pictures(tmp_path: Path) -> None:
    result = run_study(tmp_path, make_plan(JUDGED, range(3), *DEMO_SETS, metrics=("traits",)), Running(workers=0))
    pictures = np.stack([LargeGenerator().generate(p, range(3)) for s in DEMO_SETS for p in s.prompts])
    expected = np.stack([pixels.saturation(images) for images in pictures]).mean(axis=0)
    np.testing.assert_allclose(read_bank(result.bank).tensors["trait.saturation"], expected, rtol=1e-6)
    judged = DemoJudge().measure(pictures[0], "a ball").traits["saturation"]
    np.testing.assert_array_equal(judged, pixels.saturation(pictures[0]))


def test_small_pictures_are_the_means_of_their_fields() -> None:
    pictures = random_pictures(2, 32)
    fields = pictures.reshape(2, 8, 4, 8, 4, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(small(pictures).reshape(2, 8, 8, 3) * 255, np.rint(fields), atol=1e-4)
    flat = np.full((1, 50, 37, 3), 51, np.uint8)  # sides that 8 does not divide
    np.testing.assert_array_equal(small(flat), np.full((1, 192), np.float32(0.2)))


def test_a_study_keeps_small_pictures_and_its_bank_does_not(tmp_path: Path) -> None:
    options = {"steps": 1, "cfg": 1.0}
    plan = make_plan("demo", range(3), *DEMO_SETS, metrics=("demo-score", "small"), options=options)
    bank = read_bank(run_study(tmp_path, plan, Running(workers=0)).bank)
    assert bank.info["sampling"]["steps"] == 1
    assert "small" not in bank.info["features"]
    assert not any("small" in name for name in bank.tensors)
    kept = np.concatenate(list(read_ledger(tmp_path).blocks("held_out", "small")))
    assert kept.shape == (3, 2, 192)
    of_seeds = small(DemoGenerator(**options).generate(DEMO_SETS[1].prompts[1], range(3)))
    np.testing.assert_array_equal(kept[:, 1], of_seeds)


def test_two_metrics_of_one_name_and_unknown_ones_are_one_line() -> None:
    with pytest.raises(StudyError, match="demo and traits both measure grayscale; choose one"):
        make_judge(["demo", "traits"]).describe()
    with pytest.raises(StudyError, match="'fidd' is unknown; use fid, cmmd"):
        make_judge(["fidd"])
    with pytest.raises(StudyError, match="traits is named twice"):
        make_judge(["traits", "traits"])


def test_the_command_lists_every_metric_with_the_size_of_its_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["metrics", "--json"]) == 0
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)["metrics"]}
    assert set(listed) == set(CATALOGUE)
    assert listed["style"]["weights"][0]["bytes"] == 574_673_361
    assert listed["traits"]["weights"] == []
    assert all(file["from"].startswith("https://") for row in listed.values() for file in row["weights"])
