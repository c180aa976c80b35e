"""The demo model: its world, its weights, its pictures, its judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from goodseed.demo import weights
from goodseed.demo.generator import DemoGenerator
from goodseed.demo.judge import DemoJudge
from goodseed.demo.networks import Denoiser
from goodseed.demo.particles import push
from goodseed.demo.prompts import HELD_OUT, SELECTION, prompt_set
from goodseed.demo.sampling import sample_euler, simple_sigmas
from goodseed.demo.scenes import draw_scene
from goodseed.demo.text import BEGIN, CONTEXT_LENGTH, PAD, UNKNOWN, VOCABULARY, tokenize
from goodseed.demo.train.data import TEST_SEED, Scenes, draw_set
from goodseed.demo.words import BACKGROUNDS, MODIFIERS, OBJECTS, Caption, read_caption
from goodseed.errors import PromptError, SeedError, StudyError, WeightsError
from goodseed.noise import NoiseSpec, initial_noise


@pytest.fixture(scope="module")
def generator() -> DemoGenerator:
    return DemoGenerator()


@pytest.fixture(scope="module")
def judge() -> DemoJudge:
    return DemoJudge()


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return draw_set(TEST_SEED, 0, 120)


@pytest.mark.parametrize("background", ["", *BACKGROUNDS])
@pytest.mark.parametrize("modifier", MODIFIERS)
def test_a_caption_is_read_back_from_its_own_text(modifier: str, background: str) -> None:
    for name in OBJECTS:
        caption = Caption(name, modifier, background)
        assert read_caption(caption.text) == caption


def test_every_word_of_every_caption_is_known() -> None:
    for name in OBJECTS:
        for modifier in MODIFIERS:
            for background in ("", *BACKGROUNDS):
                tokens = tokenize(Caption(name, modifier, background).text)
                assert UNKNOWN not in tokens
                assert len(tokens) == CONTEXT_LENGTH
                assert max(tokens) < len(VOCABULARY)


@pytest.mark.parametrize("text", ["", "a red ball", "x" * 10_000, "word " * 2000, "🎈 a red ball 🎈", "a\x00b"])
def test_any_text_becomes_as_many_tokens_as_the_encoder_takes(text: str) -> None:
    tokens = tokenize(text)
    assert len(tokens) == CONTEXT_LENGTH
    assert tokens[0] == BEGIN


def test_no_text_is_padding_alone() -> None:
    assert tokenize("") == [BEGIN] + [PAD] * (CONTEXT_LENGTH - 1)


def test_the_two_prompt_sets_share_no_prompt_at_any_length() -> None:
    assert not set(prompt_set(0, 390).prompts) & set(prompt_set(1, 390).prompts)
    assert len(set(prompt_set(0, 390).prompts)) == 390


@pytest.mark.parametrize("half", [0, 1])
def test_a_longer_prompt_set_begins_with_the_shorter_and_gives_each_pair_each_background_once(half: int) -> None:
    whole = prompt_set(half, 390).prompts
    assert prompt_set(half, 100).prompts == whole[:100]
    captions = [caption for caption in map(read_caption, whole) if caption]
    assert [caption.text for caption in captions] == list(whole)
    pairs = {(caption.object, caption.modifier) for caption in captions[:78]}
    assert {caption.background for caption in captions[:78]} == {""}
    for start in range(78, 390, 78):
        part = captions[start : start + 78]
        assert {(caption.object, caption.modifier) for caption in part} == pairs
        assert {caption.background for caption in part} == set(BACKGROUNDS)


@pytest.mark.parametrize("prompts", [SELECTION, HELD_OUT])
def test_each_default_prompt_set_names_each_object_once(prompts) -> None:
    named = [caption.object for caption in map(read_caption, prompts.prompts) if caption]
    assert sorted(named) == sorted(OBJECTS)


def test_a_scene_depends_on_its_own_random_state_alone() -> None:
    caption = Caption("fish", "striped")
    first, again = (draw_scene(caption, np.random.default_rng(5)) for _ in range(2))
    other = draw_scene(caption, np.random.default_rng(6))
    assert (first.image == again.image).all()
    assert (first.image != other.image).any()


def test_a_training_set_is_the_same_however_it_is_cut_up() -> None:
    whole, tail = draw_set(TEST_SEED, 0, 8), draw_set(TEST_SEED, 5, 8)
    assert (whole.images[5:] == tail.images).all()
    assert whole.captions[5:] == tail.captions


def test_the_shipped_weights_weigh_at_most_16_megabytes() -> None:
    names = [name for name in weights.NETWORKS if not name.startswith("inpaint-")]
    assert sum(weights.weights_path(name).stat().st_size for name in names) <= 16e6


def test_the_hash_of_the_tensors_ignores_the_header(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = weights.weights_path("text_encoder")
    save_file(load_file(path), tmp_path / "text_encoder.safetensors", {"another": "header"})
    edited = weights.describe("text_encoder", tmp_path)
    assert edited["tensors_sha256"] == weights.describe("text_encoder")["tensors_sha256"]
    assert edited["sha256"] != weights.describe("text_encoder")["sha256"]


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", None])
def test_weights_that_are_damaged_or_missing_are_one_clear_line(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "denoiser.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match=r"denoiser\.safetensors: cannot be loaded") as caught:
        weights.load_denoiser(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_schedule_falls_from_one_to_zero_in_even_steps() -> None:
    sigmas = simple_sigmas(10)
    assert torch.allclose(sigmas, torch.linspace(1, 0, 11))


@pytest.mark.parametrize("size", [(16, 16), (13, 18), (8, 24), (4, 4), (1, 5)])
def test_the_denoiser_takes_any_latent_size(size: tuple[int, int]) -> None:
    x = torch.zeros(2, 4, *size)
    assert Denoiser()(x, torch.ones(2), torch.zeros(2, CONTEXT_LENGTH, 128)).shape == x.shape


def test_a_seeds_noise_is_one_draw_of_torch_on_the_cpu() -> None:
    spec = NoiseSpec((4, 16, 16))
    reference = torch.randn((1, 4, 16, 16), generator=torch.Generator().manual_seed(2**64 - 1))[0]
    assert torch.equal(initial_noise(2**64 - 1, spec), reference)
    with pytest.raises(SeedError):
        initial_noise(2**64, spec)


def test_a_picture_hardly_depends_on_its_batch(generator: DemoGenerator) -> None:
    """Convolutions may sum in another order for another batch; a pixel then moves by one step at most."""
    batch = generator.generate("a red ball", range(5)).astype(int)
    alone = generator.generate("a red ball", [3]).astype(int)
    assert np.abs(batch[3] - alone[0]).max() <= 2


def test_the_same_call_gives_the_same_bits(generator: DemoGenerator) -> None:
    first, again = (generator.generate("a big star", [7, 8]) for _ in range(2))
    assert (first == again).all()
    assert (first[0] != first[1]).any()


def test_without_guidance_the_negative_prompt_has_no_say_and_costs_nothing(generator: DemoGenerator) -> None:
    """At cfg 1 the two halves of the guidance cancel: the model is asked once a step, as ComfyUI does."""
    spec, calls = NoiseSpec((4, 16, 16)), []
    noise = torch.stack([initial_noise(seed, spec) for seed in (1, 2)])
    denoiser = generator._denoiser
    contexts = [torch.full((1, CONTEXT_LENGTH, 128), value) for value in (0.1, -0.3)]

    def counted(x: torch.Tensor, t: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        calls.append(len(x))
        return denoiser(x, t, context)

    plain = sample_euler(counted, noise, *contexts, steps=3, cfg=1.0)  # type: ignore[arg-type]
    assert calls == [2, 2, 2]
    nearly = sample_euler(denoiser, noise, *contexts, steps=3, cfg=1.000001)
    assert torch.allclose(plain, nearly, atol=1e-4)
    assert not torch.allclose(plain, sample_euler(denoiser, noise, *contexts, steps=3, cfg=3.0), atol=1e-2)


def test_steps_and_cfg_are_part_of_what_the_generator_says_of_itself() -> None:
    quick = DemoGenerator(steps=4, cfg=1.0)
    assert {"steps": 4, "cfg": 1.0}.items() <= quick.describe()["sampling"].items()
    for odd, why in (({"steps": 0}, "give 1 to 1000 steps"), ({"dtype": "int8"}, "use float32 or bfloat16")):
        with pytest.raises(StudyError, match=why):
            DemoGenerator(**odd)


def test_the_push_is_the_gradient_of_the_potential() -> None:
    """Corso et al. (2024): −1/2 Σ exp(−‖xᵢ−xⱼ‖²/h), the bandwidth h held fixed; torch's own gradient agrees to 1e-9."""
    x = torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    apart = torch.pdist(x.flatten(1))
    width = apart.median() ** 2 / np.log(4)
    particles = x.clone().requires_grad_()
    squares = ((particles.flatten(1)[:, None] - particles.flatten(1)[None]) ** 2).sum(-1)
    (-0.5 * torch.exp(-squares / width).sum()).backward()
    assert torch.allclose(push(x), particles.grad, atol=1e-9)
    assert (torch.pdist((x + 0.1 * push(x)).flatten(1)) > apart).all()
    assert not push(x[:1]).any()
    assert not push(x[:1].repeat(3, 1, 1, 1)).any()


def test_particle_guidance_makes_a_batch_differ_and_nothing_at_strength_0(generator: DemoGenerator) -> None:
    plain, zero, apart = (
        generator.generate("a red ball", range(4)),
        generator.generate_apart("a red ball", range(4), 0.0),
        generator.generate_apart("a red ball", range(4), 200.0),
    )
    assert (plain == zero).all()
    spread = [images.astype(float).std(axis=0).mean() for images in (plain, apart)]
    assert spread[1] > 1.1 * spread[0]


def test_half_precision_moves_pixels_by_a_hair_and_is_said(generator: DemoGenerator) -> None:
    half = DemoGenerator(dtype="bfloat16")
    assert half.describe()["sampling"]["dtype"] == "bfloat16"
    assert "dtype" not in generator.describe()["sampling"]  # what banks said before stays so
    pictures = [maker.generate("a red ball", range(4)).astype(int) for maker in (generator, half)]
    assert 0 < np.abs(pictures[0] - pictures[1]).mean() < 2


def test_generating_and_judging_leave_the_global_random_state_alone() -> None:
    before = torch.get_rng_state()
    maker, judge = DemoGenerator(), DemoJudge()
    judge.measure(maker.generate("a red ball", [0]), "a red ball")
    assert torch.equal(torch.get_rng_state(), before)


def test_the_judge_names_fresh_scenes(judge: DemoJudge, scenes: Scenes) -> None:
    """98 % is measured on 2,000 scenes by benchmarks/demo_quality.py; 120 here catch a judge that is broken."""
    seen = judge.name(scenes.images)
    objects = np.mean([OBJECTS.index(c.object) == row[0] for c, row in zip(seen, scenes.labels, strict=True)])
    modifiers = np.mean([MODIFIERS.index(c.modifier) == row[1] for c, row in zip(seen, scenes.labels, strict=True)])
    assert min(objects, modifiers) >= 0.95


def test_the_generator_draws_what_the_prompt_says(generator: DemoGenerator, judge: DemoJudge) -> None:
    """benchmarks/demo_quality.py measures it over all prompts; chance would be 1 in 12 and 1 in 13."""
    seen = [
        (judge.name(generator.generate(prompt, range(4))), read_caption(prompt))
        for prompt in ("a red ball", "a blue box", "a striped tent", "a yellow house")
    ]
    hits = [(s.object == c.object) + (s.modifier == c.modifier) for names, c in seen for s in names if c]
    assert np.mean(hits) / 2 >= 0.8


def test_a_measurement_does_not_depend_on_the_other_pictures_of_its_call(judge: DemoJudge) -> None:
    images = draw_set(TEST_SEED, 0, 4).images
    together, alone = judge.measure(images, "a red ball"), judge.measure(images[2:3], "a red ball")
    assert np.allclose(together.style[2], alone.style[0], atol=1e-5)
    assert np.allclose(together.metrics["score"][2], alone.metrics["score"][0], atol=1e-3)


def test_the_judge_outlines_the_object(judge: DemoJudge, scenes: Scenes) -> None:
    seen, true = judge.outline(scenes.images[:50]) > 0.5, scenes.masks[:50] > 127
    overlap = (seen & true).sum((1, 2)) / np.maximum((seen | true).sum((1, 2)), 1)
    assert overlap.mean() > 0.8


def test_the_judge_refuses_what_it_cannot_measure(judge: DemoJudge) -> None:
    with pytest.raises(PromptError, match="names none of the demo model's objects"):
        judge.check_prompt("a castle in Spain 🏰")
    with pytest.raises(StudyError, match="reads uint8"):
        judge.measure(np.zeros((1, 64, 64, 3), np.uint8), "a red ball")
