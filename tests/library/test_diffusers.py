"""Pipelines of diffusers as a generator, on small random pipelines of the true classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from goodseed.errors import MissingExtraError, StudyError
from goodseed.noise import initial_noise, noise_fingerprint
from goodseed.study.diffusers.generator import DiffusersGenerator
from goodseed.study.diffusers.packages import library, quiet
from goodseed.study.diffusers.pipeline import LoadedPipeline
from goodseed.study.diffusers.prepare import Wanted, prepare

try:
    library()
except MissingExtraError as error:
    pytest.skip(f"no pipeline is tested here: {error}", allow_module_level=True)

from tests.library import pipeline_maker as make

SIZE = {"width": 64, "height": 64}
STEPS = 3
CLASSES = [
    "StableDiffusionPipeline", "StableDiffusion 2", "StableDiffusionXLPipeline", "SDXL Turbo",
    "LatentConsistencyModelPipeline", "StableDiffusion3Pipeline", "FluxPipeline",
]  # fmt: skip
FROM_COMFYUI = {
    (4, 0): "cc2e396b0f7eee29697357d709898d648b2545b68e76110909676686f58990fe",
    (4, 469): "afac247b9cc99e4788a2335b1d642466de9596505a75e6c846ffc3cbd4a58ce4",
    (4, 2**64 - 1): "3922343e149720a058e4d02bfe7b43ac4c2b22615a8310a295bc616224762247",
    (16, 0): "443a9fa4ffb0e2221dbc5b56bec0b8ccb4510a8a94a903e8321dfa3b2d99d55b",
    (16, 469): "0093075d7676344ee3db663ce14381ecc28bc662d949283d80fd2060f38e971e",
    (16, 2**64 - 1): "6da1e4b285bfcc2d55cfe3c634fd7a069f7087ad044255357343f6dc3898497d",
}
"""Channels and seed → SHA-256 of comfy.sample.prepare_noise for a latent [1, channels, 8, 8], 0.3.64 and 0.33.0."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where the pipeline of a name is; each is made once, by the first test that asks."""
    folder = tmp_path_factory.mktemp("pipelines")
    made: dict[str, Path] = {}

    def folder_of(name: str) -> Path:
        if name not in made:
            made[name] = make.make_named(folder, name)
        return made[name]

    return folder_of


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path_factory.getbasetemp() / "cache")


def generator_of(folder: Path, **more: Any) -> DiffusersGenerator:
    options, places = prepare(Wanted(str(folder), **{"steps": STEPS, **SIZE, **more}), None, lambda line: None)
    return DiffusersGenerator(json.loads(json.dumps(options)), places[0])


@pytest.fixture(scope="module")
def loaded(folders: Callable[[str], Path]) -> Callable[[str], DiffusersGenerator]:
    """The generator of a name with plain settings, loaded once for all tests; they leave it as it was."""
    made: dict[str, DiffusersGenerator] = {}

    def generator(name: str) -> DiffusersGenerator:
        if name not in made:
            made[name] = generator_of(folders(name))
        return made[name]

    return generator


def own_pictures(folder: Path, seeds: Sequence[int], **more: Any) -> np.ndarray:
    """What the pipeline makes of its own accord from generators on the CPU, one call a seed."""
    import diffusers

    pipe = diffusers.DiffusionPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    asked = {"num_inference_steps": STEPS, **SIZE, **more}
    with quiet():
        made = [pipe("a red ball", generator=torch.Generator().manual_seed(seed), **asked) for seed in seeds]
    return np.stack([np.asarray(one.images[0]) for one in made])


def furthest(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.abs(a.astype(int) - b).max())


# What comes out


@pytest.mark.parametrize("name", CLASSES)
def test_pictures_are_the_pipelines_own(
    name: str, folders: Callable[[str], Path], loaded: Callable[[str], DiffusersGenerator]
) -> None:
    """The same as a plain call of the pipeline with a CPU generator of the seed; of a batch up to rounding.

    So noise, its scale, packing, embeddings, guidance, and the noise between steps are as diffusers has them.
    """
    seeds = [0, 469, 2**63 + 1]
    generator = loaded(name)
    own = own_pictures(folders(name), seeds)
    assert (generator.generate("a red ball", seeds[:1])[0] == own[0]).all(), "alone: bit for bit"
    made = generator.generate("a red ball", seeds)
    assert made.dtype == np.uint8
    assert furthest(made, own) <= 1
    assert (made != own).mean() < 1e-3
    assert made.std() > 5
    assert furthest(made[0], made[1]) > 20, "each seed has a picture of its own"


@pytest.mark.parametrize("name", ["StableDiffusionPipeline", "StableDiffusionXLPipeline", "StableDiffusion3Pipeline"])
def test_guidance_steps_and_the_negative_prompt_are_handed_on(name: str, folders: Callable[[str], Path]) -> None:
    asked = {"guidance_scale": 2.5, "negative_prompt": "dark", "num_inference_steps": 2, "width": 80, "height": 48}
    own = own_pictures(folders(name), [7], **asked)
    generator = generator_of(folders(name), guidance=2.5, negative="dark", steps=2, width=80, height=48)
    assert (generator.generate("a red ball", [7]) == own).all()
    assert own.shape == (1, 48, 80, 3)


def test_each_setting_changes_the_picture(folders: Callable[[str], Path]) -> None:
    plain = {"guidance": 2.5, "negative": "dark", "steps": 2}
    first = generator_of(folders("StableDiffusionPipeline"), **plain).generate("a red ball", [7])
    for other in ({"guidance": 1.0, "negative": ""}, {"negative": "light"}, {"steps": 3}):
        changed = generator_of(folders("StableDiffusionPipeline"), **{**plain, **other})
        assert furthest(changed.generate("a red ball", [7]), first) > 1, other


@pytest.mark.parametrize("name", CLASSES)
def test_a_picture_does_not_depend_on_its_batch_mates(name: str, loaded: Callable[[str], DiffusersGenerator]) -> None:
    """With other mates bit for bit; alone within 1 of 255 in at most one value of a thousand."""
    generator = loaded(name)
    first, second = (generator.generate("a ball", seeds) for seeds in ([1, 2, 3, 4], [9, 8, 3, 7]))
    assert (first[2] == second[2]).all()
    alone = generator.generate("a ball", [3])[0]
    assert furthest(alone, first[2]) <= 1
    assert (alone != first[2]).mean() < 1e-3


# Noise


@pytest.mark.parametrize("name", CLASSES)
def test_the_denoiser_is_given_comfyuis_noise(name: str, loaded: Callable[[str], DiffusersGenerator]) -> None:
    """The very bits that ComfyUI's prepare_noise gives, for the Euler samplers scaled as they want them."""
    generator = loaded(name)
    seeds = [0, 469, 2**64 - 1]
    given = _first_input(generator, seeds)
    pipe = generator._pipeline._pipe  # type: ignore[union-attr]
    if name == "FluxPipeline":
        given = pipe._unpack_latents(given, 64, 64, 8)
    channels = given.shape[1]
    for seed, latent in zip(seeds, given, strict=True):
        noise = initial_noise(seed, generator._settings.noise)
        assert noise_fingerprint(noise) == FROM_COMFYUI[channels, seed]
        if name in ("StableDiffusionXLPipeline", "SDXL Turbo"):
            sigma = pipe.scheduler.sigmas[0]
            assert sigma > 10
            expected = noise * pipe.scheduler.init_noise_sigma / (sigma**2 + 1) ** 0.5
            torch.testing.assert_close(latent, expected, atol=1e-6, rtol=1e-6)
        else:
            assert noise_fingerprint(latent) == FROM_COMFYUI[channels, seed]
    assert generator.describe()["noise"]["fingerprint"] == FROM_COMFYUI[channels, 0]


def test_the_noise_of_cuda_is_that_of_the_card_in_the_pipelines_dtype(folders: Callable[[str], Path]) -> None:
    generator = generator_of(folders("StableDiffusionPipeline"), noise="cuda", card="A100", dtype="bfloat16")
    given = _first_input(generator, [0])
    first = torch.tensor([-0.92466259, -0.42534415, -2.6438457, 0.14518388]).bfloat16()
    assert given.dtype == torch.bfloat16
    torch.testing.assert_close(given.flatten()[:4], first, atol=0.02, rtol=0)
    noise = generator.describe()["noise"]
    assert (noise["name"], noise["card"], noise["dtype"]) == ("cuda", "A100", "bfloat16")
    assert noise["fingerprint"] == noise_fingerprint(given[0].float())


def _first_input(generator: DiffusersGenerator, seeds: Sequence[int]) -> torch.Tensor:
    """Return what the denoiser is given at the first step of a batch, without the half that guidance adds."""
    generator.generate("a ball", seeds[:1])  # loads it
    pipe = generator._pipeline._pipe  # type: ignore[union-attr]
    denoiser = pipe.unet if hasattr(pipe, "unet") else pipe.transformer
    seen: list[torch.Tensor] = []

    def note(module: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        seen.append((arguments[0] if arguments else named["hidden_states"]).clone())

    hook = denoiser.register_forward_pre_hook(note, with_kwargs=True)
    generator.generate("a ball", seeds)
    hook.remove()
    return seen[0][: len(seeds)]


@pytest.mark.parametrize("name", ["SDXL Turbo", "LatentConsistencyModelPipeline"])
def test_noise_between_steps_is_each_pictures_own_and_nobody_elses(
    name: str, loaded: Callable[[str], DiffusersGenerator]
) -> None:
    torch.rand(1)
    before = torch.get_rng_state()
    generator = loaded(name)
    first = generator.generate("a ball", [3, 4])
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    assert (generator.generate("a ball", [3, 4]) == first).all()


def test_a_scheduler_that_draws_from_the_shared_random_state_is_one_line(tmp_path: Path) -> None:
    folder = make.make_pipeline(tmp_path, "FluxPipeline", scheduler=make.flow(shift=3.0, stochastic_sampling=True))
    before = torch.get_rng_state()
    with pytest.raises(StudyError, match="FlowMatchEulerDiscreteScheduler draws noise that no seed decides about"):
        generator_of(folder).generate("a ball", [3])
    assert torch.equal(torch.get_rng_state(), before)


# How it is made


def test_a_prompt_is_encoded_once_for_all_its_batches(loaded: Callable[[str], DiffusersGenerator]) -> None:
    generator = loaded("StableDiffusionXLPipeline")
    generator.generate("a ball", [0])
    encoder = generator._pipeline._pipe.text_encoder  # type: ignore[union-attr]
    calls: list[int] = []
    hook = encoder.register_forward_hook(lambda *_: calls.append(1))
    generator.generate("a ball", [1, 2])
    assert not calls
    generator.generate("a box", [1, 2])
    once = len(calls)
    generator.generate("a box", [3, 4])
    hook.remove()
    assert len(calls) == once > 0


@pytest.mark.parametrize("name", ["StableDiffusionXLPipeline", "FluxPipeline"])
def test_parts_that_are_kept_away_until_they_are_needed_change_no_bit(
    name: str, folders: Callable[[str], Path], loaded: Callable[[str], DiffusersGenerator]
) -> None:
    generator = loaded(name)
    parts = generator._family, folders(name), generator._settings, torch.device("cpu")
    offloaded = LoadedPipeline(*parts, offload=True)
    for prompt in ("a ball", "a box"):
        assert (offloaded.paint(prompt, [0, 1]) == generator.generate(prompt, [0, 1])).all()


def test_flags_of_torch_are_left_as_they_were(loaded: Callable[[str], DiffusersGenerator]) -> None:
    from goodseed.determinism import flags

    before = flags.read()
    loaded("StableDiffusionPipeline").generate("a ball", [0])
    assert flags.read() == before


@pytest.mark.parametrize(
    "error", [torch.cuda.OutOfMemoryError("CUDA out of memory"), RuntimeError("can't allocate memory")]
)
def test_out_of_memory_halves_the_batch_says_so_once_and_goes_on(
    error: RuntimeError, folders: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = generator_of(folders("StableDiffusionPipeline"), batch=8)
    whole = generator.generate("a ball", list(range(8)))
    paint, sizes, said = generator._pipeline.paint, [], []  # type: ignore[union-attr,var-annotated]

    def scarce(prompt: str, seeds: Sequence[int]) -> np.ndarray:
        sizes.append(len(seeds))
        if len(seeds) > 3:
            raise error
        return paint(prompt, seeds)

    monkeypatch.setattr(generator._pipeline, "paint", scarce)
    generator.say = said.append
    again = generator.generate("a ball", list(range(8)))
    assert sizes == [8, 4, 2, 2, 2, 2]
    assert furthest(again, whole) <= 1
    (line,) = said
    assert "too little memory for batches of 8; goes on with 2" in line
    generator.generate("a ball", list(range(8)))
    assert sizes[6:] == [2, 2, 2, 2]
    assert len(said) == 1
    assert generator.batch == 8, "the plan's batches stay"


def test_one_picture_that_does_not_fit_is_one_line(
    loaded: Callable[[str], DiffusersGenerator], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = loaded("StableDiffusionPipeline")
    generator.generate("a ball", [0])

    def never(prompt: str, seeds: Sequence[int]) -> np.ndarray:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(generator._pipeline, "paint", never)
    with pytest.raises(StudyError, match="too little memory for one picture; use --dtype float16"):
        generator.generate("a ball", [0])


def test_other_errors_of_a_pipeline_are_no_lack_of_memory(
    loaded: Callable[[str], DiffusersGenerator], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = loaded("StableDiffusionPipeline")
    generator.generate("a ball", [0])

    def broken(prompt: str, seeds: Sequence[int]) -> np.ndarray:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(generator._pipeline, "paint", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        generator.generate("a ball", [0, 1])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda pictures: pictures * np.nan, "gave NaN in float32; use --dtype float32"),
        (lambda pictures: pictures[:, :32], "gave 64×32 where the study has 64×64; a study has one resolution"),
    ],
)
def test_nan_and_mixed_resolutions_are_one_line(
    change: Callable[[np.ndarray], np.ndarray], says: str, folders: Callable[[str], Path]
) -> None:
    generator = generator_of(folders("StableDiffusionPipeline"))
    generator.generate("a ball", [0])
    pipe = generator._pipeline._pipe  # type: ignore[union-attr]

    class Changed:
        def __getattr__(self, name: str) -> Any:
            return getattr(pipe, name)

        def __call__(self, **asked: Any) -> Any:
            return (change(pipe(**asked)[0]),)

    generator._pipeline._pipe = Changed()  # type: ignore[union-attr]
    with pytest.raises(StudyError, match=says):
        generator.generate("a ball", [0])


def test_an_operation_that_cannot_be_repeated_is_said_once(folders: Callable[[str], Path]) -> None:
    import warnings

    generator = generator_of(folders("StableDiffusionPipeline"))
    generator.generate("a ball", [0])
    said: list[str] = []
    generator.say = said.append

    def warn(*_: Any) -> None:
        warnings.warn("cumsum_cuda does not have a deterministic implementation", UserWarning, stacklevel=2)

    generator._pipeline._pipe.unet.register_forward_pre_hook(warn)  # type: ignore[union-attr]
    generator.generate("a ball", [0])
    generator.generate("a ball", [1])
    (line,) = said
    assert "cumsum_cuda cannot be computed the same way twice here" in line


def test_a_prompt_that_is_too_long_for_its_text_encoders_is_said_once(folders: Callable[[str], Path]) -> None:
    long = "ball " * 40
    for name, lines in (("StableDiffusionPipeline", 1), ("FluxPipeline", 0)):  # T5 reads 512 tokens
        generator = generator_of(folders(name))
        said: list[str] = []
        generator.say = said.append
        generator.generate("a ball", [0])
        assert not said
        generator.generate(long, [0])
        generator.generate(long + "and a box", [0])
        assert len(said) == lines
        assert all("is longer than this pipeline reads; it leaves the rest out" in line for line in said)
