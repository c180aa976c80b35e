"""The demo model's inpainting variant: its signs, its weights, its name."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from goodseed.banks import make_bank, read_bank, resolve_bank
from goodseed.banks.library import SHIPPED
from goodseed.banks.match import mismatches
from goodseed.demo import weights
from goodseed.demo.generator import DemoGenerator, to_uint8
from goodseed.demo.scenes import SIDE, Scene, draw_scene, random_caption
from goodseed.demo.train.autoencoder import to_unit
from goodseed.demo.train.data import TEST_SEED, draw_set
from goodseed.demo.weights import INPAINTING, TEXT_TO_IMAGE
from goodseed.study.registry import DEMOS, default_prompts, make_pair
from tests.library.bank_maker import sound_info, sound_tensors


@pytest.fixture(scope="module")
def variant() -> DemoGenerator:
    return DemoGenerator(variant=INPAINTING)


@pytest.fixture(scope="module")
def scenes_with_a_sign() -> list[Scene]:
    """Twelve scenes."""
    found: list[Scene] = []
    for number in itertools.count():
        rng = np.random.default_rng([TEST_SEED, number])
        scene = draw_scene(random_caption(rng), rng, signs=True)
        if scene.word and not scene.border:
            found.append(scene)
        if len(found) == 12:
            break
    return found


def test_half_of_the_variants_scenes_hang_a_sign_over_the_object(scenes_with_a_sign: list[Scene]) -> None:
    labels = draw_set(TEST_SEED, 0, 100, signs=True).labels
    assert 0.4 < labels[:, -1].mean() < 0.6
    for scene in scenes_with_a_sign:
        white, black = ((np.abs(scene.image.astype(int) - shade) < 3).all(axis=2) for shade in (250, 16))
        rows, columns = np.nonzero(white if white.sum() > black.sum() else black)
        assert white.sum() > 100 < black.sum()
        middles = [np.mean(places) for places in (rows, columns)]
        near = [np.mean(places) for places in np.nonzero(scene.mask)]
        assert np.hypot(*np.subtract(middles, near)) < SIDE / 2


def test_without_signs_scenes_are_what_they_were() -> None:
    """Both draw their chances in the same order; the shipped bank's Fréchet distances rest on the model's scenes."""
    first, again = draw_set(TEST_SEED, 0, 40), draw_set(TEST_SEED, 0, 40, signs=True)
    same = [(a == b).all() for a, b in zip(first.images, again.images, strict=True)]
    plain = (again.labels[:, -1] == 0) & (first.labels[:, -1] == 0)
    assert all(here for here, bare in zip(same, plain, strict=True) if bare)
    assert plain.sum() > 10


def test_words_on_signs_are_read_after_the_variants_vae_and_not_after_the_models(
    scenes_with_a_sign: list[Scene],
) -> None:
    pytest.importorskip("rapidocr")
    from goodseed.inpaint.engines import make_engine
    from goodseed.inpaint.scan import Scanner

    images = np.stack([scene.image for scene in scenes_with_a_sign])
    scanner, whole = Scanner(make_engine("rapidocr")), np.ones((SIDE, SIDE), np.float32)

    def words(pictures: np.ndarray) -> list[list[str]]:
        return [[box.text.lower() for box in scanner.scan(picture, whole).boxes] for picture in pictures]

    drawn = words(images)
    assert all(drawn)
    kept = {}
    for name in weights.VARIANTS:
        model = weights.load_autoencoder(variant=name)
        with torch.no_grad():
            remade = to_uint8(model.decode(model.encode(to_unit(torch.from_numpy(images)))))
        kept[name] = sum(a == b for a, b in zip(drawn, words(remade), strict=True))
    assert kept[INPAINTING] >= 10
    assert kept[TEXT_TO_IMAGE] <= 6


def test_the_variant_has_weights_and_names_of_its_own_and_the_models_text_encoder(variant: DemoGenerator) -> None:
    ours, models = variant.describe(), DemoGenerator().describe()
    for part, file in (("model", "inpaint-denoiser.safetensors"), ("vae", "inpaint-autoencoder.safetensors")):
        assert ours[part]["file"] == file
        assert ours[part]["tensors_sha256"] != models[part]["tensors_sha256"]
        assert ours[part]["family"] == "goodseed-demo-inpaint"
    assert ours["text_encoder"] == models["text_encoder"]
    assert models["model"]["family"] == "goodseed-demo"


def test_the_variants_weights_weigh_at_most_12_megabytes() -> None:
    names = [name for name in weights.NETWORKS if name.startswith("inpaint-")]
    assert sum(weights.weights_path(name).stat().st_size for name in names) <= 12e6


@pytest.mark.parametrize(("own", "other"), [(TEXT_TO_IMAGE, INPAINTING), (INPAINTING, TEXT_TO_IMAGE)])
def test_a_bank_of_one_variant_does_not_fit_the_other(own: str, other: str) -> None:
    described = {name: weights.describe("denoiser", variant=name) for name in weights.VARIANTS}
    bank = make_bank(sound_tensors(), {**sound_info(), "model": described[own]}, "mine")
    assert not mismatches(bank, tensors_sha256=described[own]["tensors_sha256"])
    (sentence,) = mismatches(bank, tensors_sha256=described[other]["tensors_sha256"])
    assert sentence.startswith(f"The bank mine was measured on {described[own]['file']} (tensors ")


@pytest.mark.parametrize("name", ["goodseed-demo", "demo-inpaint"])
def test_a_shipped_bank_belongs_to_the_shipped_weights(name: str) -> None:
    if not (SHIPPED / f"{name}.safetensors").is_file():
        pytest.skip(f"no bank {name}: it is measured anew after training")
    bank = read_bank(resolve_bank(name))
    variant = INPAINTING if name == "demo-inpaint" else TEXT_TO_IMAGE
    assert not mismatches(bank, tensors_sha256=weights.describe("denoiser", variant=variant)["tensors_sha256"])
    assert bank.info["model"]["family"] == weights.FAMILIES[variant]


def test_a_study_knows_both_by_name() -> None:
    assert DEMOS == ("demo", "demo-inpaint")
    assert default_prompts("demo-inpaint") == default_prompts("demo")
    assert make_pair("demo-inpaint")[0].describe()["model"]["file"] == "inpaint-denoiser.safetensors"
