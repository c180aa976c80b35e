"""`goodseed study --generator diffusers`: whole studies, pipelines of the hub, and one clear line for bad input."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from goodseed.banks import read_bank
from goodseed.cli import run
from goodseed.errors import MissingExtraError
from goodseed.study.diffusers.packages import library
from goodseed.study.plan import read_plan
from tests.library.test_study_cli import refused

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        library()
    except MissingExtraError as error:
        pytest.skip(str(error))
    from tests.library.pipeline_maker import make_pipeline

    return make_pipeline(tmp_path_factory.mktemp("pipelines"), "StableDiffusionPipeline")


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., list[str]]:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a red ball\na green box\na blue cup\na tree\n")

    def command(model: object, *arguments: object, out: str = "study", workers: int = 0) -> list[str]:
        chosen = ["--model", model, "--seeds", "0-5", "--prompts", prompts, "--out", tmp_path / out]
        chosen += ["--steps", "2", "--metrics", "traits", "--workers", workers, "--device", "cpu"]
        return ["study", "--generator", "diffusers", *map(str, chosen), *map(str, arguments)]

    return command


def test_a_study_gives_the_same_bank_twice(
    pipeline: Path, study: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = []
    for out, workers in (("one", 0), ("again", 0)):
        assert run([*study(pipeline, out=out, workers=workers), "--name", "bank", "--json"]) == 0
        ids.append(json.loads(capsys.readouterr().out)["id"])
    assert len(set(ids)) == 1
    bank = read_bank(tmp_path / "one" / "bank.safetensors")
    assert bank.id == ids[0]
    assert bank.info["model"]["file"] == "StableDiffusionPipeline, unet"
    assert len(bank.info["model"]["tensors_sha256"]) == 64
    assert bank.info["diffusers"]["batch"] == 4
    assert len(set(bank.tensors["trait.saturation"].tolist())) == 6, "each seed has pictures of its own"
    plan = json.dumps(read_plan(tmp_path / "one").as_dict())
    assert str(pipeline.parent) not in plan, "where the pipeline lies is no part of the plan"


@pytest.mark.long
def test_one_worker_and_two_give_the_same_bank_as_none(
    pipeline: Path, study: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    ids = []
    for out, workers in (("none", 0), ("one", 1), ("two", 2)):
        assert run([*study(pipeline, out=out, workers=workers), "--name", "bank", "--json"]) == 0
        ids.append(json.loads(capsys.readouterr().out)["id"])
    assert len(set(ids)) == 1


def test_a_study_is_continued_and_not_with_other_settings(
    pipeline: Path, study: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*study(pipeline), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    next((tmp_path / "study" / "shards" / "selection").glob("*.parquet")).unlink()
    moved = shutil.copytree(pipeline, tmp_path / "elsewhere" / pipeline.name)
    assert run([*study(moved), "--json"]) == 0, "a pipeline may lie somewhere else"
    again = json.loads(capsys.readouterr().out)
    assert again["id"] == answer["id"]
    assert 0 < again["computed"] < answer["images"]
    says = refused(study(pipeline, "--guidance", "3"), capsys)
    assert "holds a study with other settings: generator_info.sampling.cfg (was 7.5, now 3.0)" in says


def test_a_plan_at_a_known_rate_fetches_nothing(
    study: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*study("someone/not-fetched-yet", "--plan", "--rate", "0.5", workers=2), "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)["plan"]
    assert (plan["images"], plan["workers"]) == (24, 2)
    assert not (tmp_path / "study").exists()


def test_a_plan_measures_the_rate_of_a_pipeline(
    pipeline: Path, study: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*study(pipeline, "--plan"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["plan"]["images"] == 24
    assert not (tmp_path / "study").exists()


# The hub


@pytest.fixture
def hub(pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache, empty, and no network."""
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def _cached(hub: Path, pipeline: Path, name: str) -> Path:
    """Put a pipeline into the hub's cache as the hub's client does."""
    repository = hub / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    return Path(shutil.copytree(pipeline, repository / "snapshots" / COMMIT))


def test_a_pipeline_of_the_hub_is_found_in_its_cache_with_its_commit(
    hub: Path, pipeline: Path, study: Callable[..., list[str]], tmp_path: Path
) -> None:
    _cached(hub, pipeline, "someone/small-model")
    assert run(study("someone/small-model")) == 0
    info = read_bank(tmp_path / "study" / "study.safetensors").info
    assert (info["diffusers"]["model"], info["diffusers"]["revision"]) == ("someone/small-model", COMMIT)
    assert info["model"]["file"] == "small-model, unet"


def test_without_a_network_one_line_says_the_repository_its_size_and_what_to_do(
    hub: Path, pipeline: Path, study: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    says = refused(study("stabilityai/sdxl-turbo"), capsys)
    assert says.startswith("stabilityai/sdxl-turbo: there is no such folder, and this pipeline (about 13.9 GB) is")
    assert "by diffusers' DiffusionPipeline.download('stabilityai/sdxl-turbo', cache_dir='FOLDER'), put FOLDER" in says
    assert "of a size that only the hub knows" in refused(study("someone/unheard-of"), capsys)
    snapshot = _cached(hub, pipeline, "someone/half")
    (snapshot / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    says = refused(study("someone/half", "--revision", "main"), capsys)
    assert "neither in the hub's cache nor to be fetched" in says
    assert "DiffusionPipeline.download('someone/half', revision='main', cache_dir='FOLDER')" in says


def test_what_is_fetched_is_said_with_its_size_before(
    hub: Path,
    pipeline: Path,
    study: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import huggingface_hub
    from diffusers import DiffusionPipeline

    heard: list[str] = []
    sizes = {
        "unet/diffusion_pytorch_model.safetensors": 4_000_000_000, "unet/diffusion_pytorch_model.bin": 4_000_000_001,
        "unet/diffusion_pytorch_model.fp16.safetensors": 2 * 10**9, "vae/diffusion_pytorch_model.safetensors": 10**9,
        "safety_checker/model.safetensors": 10**9, "whole.safetensors": 10**10, "unet/config.json": 900,
    }  # fmt: skip

    def model_info(name: str, **asked: Any) -> Any:
        assert asked["files_metadata"]
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=key, size=sizes[key]) for key in sizes])

    def download(name: str, local_files_only: bool = False, **asked: Any) -> str:
        if local_files_only:
            raise FileNotFoundError(name)
        heard.append(capsys.readouterr().err)
        return str(pipeline)

    monkeypatch.setattr(huggingface_hub, "model_info", model_info)
    monkeypatch.setattr(DiffusionPipeline, "download", download)
    assert run(study("someone/new")) == 0
    assert "Weights to fetch: someone/new, about 5.00 GB" in heard[0]
    refused(study("someone/new", "--variant", "fp16"), capsys)
    assert "about 3.00 GB" in heard[1]


# Bad input


def test_a_model_that_is_missing_or_no_pipeline_is_one_line(
    study: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = ["study", "--generator", "diffusers", "--out", str(tmp_path / "study")]
    assert "needs a pipeline; name its folder, or owner/name on the hub, by --model" in refused(bare, capsys)
    assert "there is no folder /no/such/folder;" in refused(study("/no/such/folder"), capsys)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert f"{empty}: holds no model_index.json" in refused(study(empty), capsys)
    assert "is a folder and has none; leave --revision out" in refused(study(empty, "--revision", "main"), capsys)
    checkpoint = tmp_path / "model.safetensors"
    checkpoint.write_bytes(b"")
    assert "is a file; give a pipeline's folder" in refused(study(checkpoint), capsys)
    for text, says in (
        ("{", "model_index.json: is no JSON"),
        ("[]", "model_index.json: is no JSON object"),
        ("{}", "empty: is a None, which this generator does not know"),
        ('{"_class_name": "StableDiffusionPipeline"}', "cannot be read"),
        ('{"_class_name": "StableDiffusionImg2ImgPipeline"}', "Img2ImgPipeline, which starts from a picture; name"),
        ('{"_class_name": "WanPipeline"}', "is a WanPipeline, which this generator does not know; it knows Stable"),
    ):
        (empty / "model_index.json").write_text(text)
        assert says in refused(study(empty), capsys)


def test_an_image_to_image_pipeline_and_one_for_inpainting_are_one_line(
    pipeline: Path, study: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.library.pipeline_maker import make_pipeline, unet

    folder = make_pipeline(tmp_path, "StableDiffusionImg2ImgPipeline")
    assert "is a StableDiffusionImg2ImgPipeline, which starts from a picture" in refused(study(folder), capsys)
    folder = make_pipeline(tmp_path, "StableDiffusionPipeline", unet=unet(in_channels=9))
    assert "its unet takes 9 channels where a latent has 4" in refused(study(folder), capsys)
    config = folder / "unet" / "config.json"
    for wrong, says in (({"in_channels": "x"}, "x is no count of channels"), ({"sample_size": None}, "is no count of")):
        config.write_text(json.dumps({"in_channels": 4, **wrong}))
        assert says in refused(study(folder), capsys)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--width", "100"], "width: 100 is not divisible by 8, as this pipeline wants it; use 96"),
        (["--height", "4"], "height: 4 is not divisible by 8, as this pipeline wants it; use 8"),
        (["--guidance", "1", "--negative", "dark"], "negative: has no effect at guidance 1"),
        (["--guidance", "inf"], "guidance: inf is no number that a pipeline can use"),
        (["--dtype", "float64"], "dtype: 'float64' is none; use one of float32, float16, bfloat16"),
        (["--noise", "gpu"], "noise: 'gpu' is unknown; use comfy, cpu or cuda"),
        (["--noise", "cuda", "--card", "RTX 9090"], "card 'RTX 9090': is not known; choose one of"),
        (["--card", "A100"], "card: only the noise of cuda has one"),
        (["--variant", "fp16"], "has no weights of variant fp16"),
        (["--device", "abacus"], "device: 'abacus' is none; use cpu, cuda, cuda:1 or mps"),
        (["--device", "meta"], "device: 'meta' is none that pipelines run on here"),
        (["--offload"], "offload: parts are kept off a GPU, and the device is cpu"),
    ],
)
def test_settings_that_cannot_be_used_are_one_line(
    arguments: list[str],
    says: str,
    pipeline: Path,
    study: Callable[..., list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert says in refused(study(pipeline, *arguments), capsys)


def test_a_gpu_that_is_not_there_is_one_line(
    study: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    says = refused(study(tmp_path, "--device", "cuda"), capsys)
    assert says == f"device: cuda is asked for, and torch {torch.__version__} sees no GPU; use --device cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert "device: cuda:5 is not there; the last of 2 is cuda:1" in refused(
        study(tmp_path, "--device", "cuda:5"), capsys
    )
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"card {device.index}")
    two = [part for part in study(tmp_path) if part not in ("--device", "cpu")]
    says = refused([*two, "--device", "cuda:0", "--device", "cuda:1"], capsys)
    assert "card 0 and card 1 give different pictures; a study has one kind of device" in says


def test_a_negative_prompt_for_flux_is_one_line(
    pipeline: Path, study: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.library.pipeline_maker import make_pipeline

    folder = make_pipeline(tmp_path, "FluxPipeline")
    assert "a FluxPipeline takes no negative prompt" in refused(study(folder, "--negative", "dark"), capsys)
    assert "height: 24 is not divisible by 16" in refused(study(folder, "--height", "24"), capsys)


def test_options_for_another_generator_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = ["study", "--generator", "demo", "--out", str(tmp_path / "study")]
    for more in (["--model", "x"], ["--guidance", "0"], ["--batch", "4"], ["--device", "cpu"], ["--offload"]):
        assert f"generator demo: takes no {more[0]}; use --generator diffusers" in refused([*demo, *more], capsys)
    diffusers = ["study", "--generator", "diffusers", "--model", "x", "--out", str(tmp_path / "study")]
    assert "takes no --cfg; its pipelines call it --guidance" in refused([*diffusers, "--cfg", "3"], capsys)
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a\nb\nc\nd\n")
    says = refused([*diffusers, "--prompts", str(prompts), "--workflow", "flow.json"], capsys)
    assert "generator diffusers: takes no --workflow; use --generator comfy" in says


@pytest.mark.parametrize("name", ["diffusers", "transformers"])
def test_a_package_that_is_not_installed_is_one_line(
    name: str,
    study: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if name == "diffusers":
        pytest.importorskip("transformers")
    monkeypatch.setitem(sys.modules, name, None)
    says = refused(study("someone/new"), capsys)
    assert f"generator diffusers needs {name}, which is not installed" in says
    assert says.endswith('pip install accelerate "diffusers>=0.35,<1" "transformers>=4.48"')


@pytest.mark.parametrize(("device", "share"), [("cuda", 0.5), ("cpu", 0.0)])
def test_on_ray_a_worker_on_a_gpu_asks_for_its_share_of_one(device: str, share: float) -> None:
    from goodseed.study.engines import Place
    from goodseed.study.engines.ray_cluster import Size, is_heavy, share_out

    places = tuple(Place(f"worker {number}", {"device": device}) for number in range(4))
    plan: Any = SimpleNamespace(metrics=("traits",))
    count, asks, _ = share_out(Size(2, 16, 1), None, len(places), is_heavy(plan, places))
    assert (count, asks["num_gpus"]) == (4, share)
