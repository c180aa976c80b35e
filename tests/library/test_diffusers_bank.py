"""What a bank says of a pipeline of diffusers, and pipelines whose files are not what they should be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from goodseed.errors import MissingExtraError, StudyError, WeightsError
from goodseed.provenance.hashing import hash_file
from goodseed.study.diffusers.packages import library

try:
    library()
except MissingExtraError as error:
    pytest.skip(f"no pipeline is tested here: {error}", allow_module_level=True)

from tests.library import pipeline_maker as make
from tests.library.test_diffusers import furthest, generator_of


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache")


def test_a_bank_names_the_weights_by_their_hashes_and_all_that_decides(tmp_path: Path) -> None:
    folder = make.make_pipeline(tmp_path, "StableDiffusionXLPipeline")
    info = generator_of(folder, guidance=3.0, negative="dark", variant="").describe()
    weights = hash_file(folder / "unet" / "diffusion_pytorch_model.safetensors")
    assert info["model"] == {
        "file": "StableDiffusionXLPipeline, unet", "sha256": weights.sha256, "tensors_sha256": weights.tensors_sha256,
        "family": "sdxl",
    }  # fmt: skip
    assert info["text_encoder"]["file"] == "StableDiffusionXLPipeline, text_encoder + text_encoder_2"
    assert info["sampling"] == {
        "sampler": "EulerDiscreteScheduler", "scheduler": "linspace", "steps": 3, "cfg": 3.0, "guidance": 3.0,
        "shift": None, "denoise": 1.0, "negative_prompt": "dark", "width": 64, "height": 64,
    }  # fmt: skip
    about = info["diffusers"]
    assert about["scheduler"]["beta_schedule"] == "scaled_linear"
    assert (about["dtype"], about["device"], about["batch"]) == ("float32", "cpu", 4)
    assert set(about["versions"]) == {"diffusers", "transformers"}
    listed = {entry["file"] for entry in about["files"]}
    assert {"tokenizer/tokenizer_config.json", "unet/config.json", "vae/diffusion_pytorch_model.safetensors"} <= listed
    assert str(folder.parent) not in json.dumps(info), "no path of this machine"


def test_guidance_that_is_none_is_a_cfg_of_one(tmp_path: Path) -> None:
    for name, guidance in (("SDXL Turbo", 0.0), ("FluxPipeline", 3.5)):
        sampling = generator_of(make.make_named(tmp_path, name), guidance=guidance).describe()["sampling"]
        assert (sampling["cfg"], sampling["guidance"]) == (1.0, guidance)


def test_steps_guidance_and_size_are_the_pipelines_own_by_default(tmp_path: Path) -> None:
    wanted = {"steps": None, "width": None, "height": None}
    sampling = generator_of(make.make_named(tmp_path, "StableDiffusionXLPipeline"), **wanted).describe()["sampling"]
    assert {"steps": 50, "cfg": 5.0, "width": 64, "height": 64}.items() <= sampling.items()
    sampling = generator_of(make.make_named(tmp_path, "FluxPipeline"), **wanted).describe()["sampling"]
    assert {"steps": 28, "guidance": 3.5, "width": 1024, "height": 1024}.items() <= sampling.items()


def test_weights_in_several_files_and_of_a_variant_are_those_that_are_loaded(tmp_path: Path) -> None:
    import diffusers

    folder = make.make_pipeline(tmp_path, "StableDiffusionPipeline")
    plain = generator_of(folder)
    pipe = diffusers.DiffusionPipeline.from_pretrained(folder)
    pipe.unet.requires_grad_(False)
    pipe.unet.conv_in.weight.add_(0.05)
    config = (folder / "unet" / "config.json").read_bytes()
    pipe.unet.save_pretrained(folder / "unet", variant="other", max_shard_size="20KB")
    (folder / "unet" / "config.json").write_bytes(config)
    other = generator_of(folder, variant="other")
    names = [entry["file"] for entry in other.describe()["diffusers"]["files"] if entry["file"].startswith("unet/d")]
    assert len(names) > 1
    assert all(".other" in name for name in names)
    assert plain.describe() == generator_of(folder).describe(), "the plain files are what they were"
    assert furthest(plain.generate("a ball", [0]), other.generate("a ball", [0])) > 1
    with pytest.raises(StudyError, match="has no weights of variant fp16; leave --variant out"):
        generator_of(folder, variant="fp16")


def test_a_folder_that_has_changed_since_the_plan_is_one_line(tmp_path: Path) -> None:
    folder = make.make_pipeline(tmp_path, "StableDiffusionPipeline")
    generator = generator_of(folder)
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace("linear", "scaled"))
    with pytest.raises(StudyError, match=r"its scheduler/scheduler_config.json is not the one that the study was"):
        generator.generate("a ball", [0])


def test_weights_that_are_damaged_or_missing_are_one_line(tmp_path: Path) -> None:
    folder = make.make_pipeline(tmp_path, "StableDiffusionPipeline")
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="cannot be loaded"):
        generator_of(folder).generate("a ball", [0])
    weights.unlink()
    with pytest.raises(WeightsError, match="lacks the weights of vae"):
        generator_of(folder)
