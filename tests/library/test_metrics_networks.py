"""Each loader of weights, on small random weights of the true architecture, and the studies made with them.

Needs the extra `metrics`, with a torchvision that fits torch: `make test-metrics` sets up an environment for it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from goodseed.banks import read_bank
from goodseed.cli import run
from goodseed.errors import MissingExtraError, WeightsError
from goodseed.study.frechet import Reference, frechet_distances
from goodseed.study.metrics import preference
from goodseed.study.metrics.catalogue import make_judge, weights_of
from goodseed.study.metrics.clip import ClipDiscrepancy, load_clip_vision, squashed
from goodseed.study.metrics.composition import (
    for_depth,
    for_objects,
    load_depth,
    load_mask2former,
    main_object,
    placed,
)
from goodseed.study.metrics.images import CLIP, IMAGENET, centre_square, padded_square, shorter_side, to_tensor
from goodseed.study.metrics.inception import InceptionDistance, load_inception
from goodseed.study.metrics.packages import require
from goodseed.study.metrics.style import load_vgg19
from goodseed.study.metrics.weights import fetch_all
from tests.library import network_maker as make
from tests.library import offline as offline_script
from tests.library.test_metrics_references import write_pictures

try:
    require("of this file", "torchvision", "torch_fidelity", "open_clip", "transformers")
except MissingExtraError as error:
    pytest.skip(f"no loader of weights is tested here: {error}; run `make test-metrics`", allow_module_level=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All weights, laid out as `goodseed metrics` says."""
    folder = tmp_path_factory.mktemp("weights")
    make.make_inception(folder)
    make.make_vgg19(folder)
    make.make_clip(folder / "clip-vit-large-patch14-336", 336, safetensors=False)
    make.make_clip(folder / "PickScore_v1", 224, safetensors=True)
    make.make_mask2former(folder / "mask2former-swin-tiny-coco-instance")
    make.make_depth(folder / "Depth-Anything-V2-Small-hf")
    make.make_hps(folder, "HPS_v2_compressed.pt")
    return folder


@pytest.fixture(scope="module")
def hps_config(folder: Path) -> dict[str, object]:
    return make.make_hps(folder)


@pytest.fixture
def weights(folder: Path, hps_config: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The weights' folder in use; open_clip's ViT-H-14 is as narrow as its checkpoint here."""
    import open_clip

    open_clip.get_model_config("ViT-H-14")  # makes sure that the registry is read
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "ViT-H-14", hps_config)
    monkeypatch.setenv("GOODSEED_WEIGHTS", str(folder))
    return folder


def pictures(count: int = 3, height: int = 72, width: int = 112) -> np.ndarray:
    """Smooth random pictures: networks answer to them, and resizing has something to do."""
    small = np.random.default_rng(0).random((count, 3, 6, 8)).astype(np.float32)
    large = torch.nn.functional.interpolate(torch.from_numpy(small), (height, width), mode="bicubic")
    return (large.clamp(0, 1) * 255).byte().permute(0, 2, 3, 1).contiguous().numpy()


# Inception


def test_inception_features_are_torch_fidelitys_own(weights: Path) -> None:
    found = InceptionDistance().embed(list(pictures()))
    network = load_inception(weights / "weights-inception-2015-12-05-6726825d.pth")
    (expected,) = network(torch.from_numpy(pictures()).permute(0, 3, 1, 2))
    assert found.shape == (3, 2048)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-6)
    assert np.abs(found[0] - found[1]).max() > 1e-4


@pytest.mark.parametrize("name", ["fid", "cmmd", "hps", "hps-v2", "pickscore", "style", "composition"])
def test_a_measurement_does_not_depend_on_the_other_pictures_of_its_call(name: str, weights: Path) -> None:
    judge = make_judge([name])
    together = judge.measure(pictures(2), "a red cat")
    alone = [judge.measure(pictures(2)[one : one + 1], "a red cat") for one in range(2)]
    for kind in ("metrics", "sets"):
        for entry, values in getattr(together, kind).items():
            np.testing.assert_allclose(
                values, np.concatenate([getattr(m, kind)[entry] for m in alone]), rtol=1e-5, atol=1e-7
            )
    for kind in ("style", "composition"):
        if getattr(together, kind) is not None:
            np.testing.assert_allclose(
                getattr(together, kind), np.concatenate([getattr(m, kind) for m in alone]), rtol=1e-5, atol=1e-6
            )


# CLIP


def test_cmmd_reads_pictures_as_the_authors_code_in_torch_does(weights: Path) -> None:
    """Squashed bicubically without antialiasing, then normalised by transformers' processor; features of length 1."""
    from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

    batch = torch.from_numpy(pictures()).permute(0, 3, 1, 2).float() / 255
    resized = torch.nn.functional.interpolate(batch, size=(336, 336), mode="bicubic")
    torch.testing.assert_close(torch.cat([squashed(p, 336) for p in pictures()]), resized)
    steps = {"do_resize": False, "do_center_crop": False, "do_rescale": False, "return_tensors": "pt"}
    values = CLIPImageProcessor()(list(resized), **steps)["pixel_values"]
    network = CLIPVisionModelWithProjection.from_pretrained(weights / "clip-vit-large-patch14-336").eval()
    with torch.no_grad():
        expected = torch.nn.functional.normalize(network(pixel_values=values).image_embeds)
    found = ClipDiscrepancy().embed(list(pictures()))
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)


# Preference


def test_hps_reads_pictures_as_open_clip_does_where_the_longer_side_counts() -> None:
    from open_clip.transform import image_transform
    from PIL import Image

    for height, width in ((72, 112), (112, 72), (300, 300), (512, 768)):
        picture = pictures(1, height, width)[0]
        theirs = image_transform(224, is_train=False, resize_mode="longest", fill_color=0, interpolation="bicubic")
        expected = theirs(Image.fromarray(picture))
        torch.testing.assert_close(to_tensor([padded_square(picture, 224)], CLIP)[0].cpu(), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "file"), [("hps", "HPS_v2.1_compressed.pt"), ("hps-v2", "HPS_v2_compressed.pt")])
def test_hps_is_the_cosine_of_picture_and_prompt(
    name: str, file: str, weights: Path, hps_config: dict[str, object]
) -> None:
    import open_clip

    network = open_clip.CLIP(**hps_config)
    network.load_state_dict(torch.load(weights / file)["state_dict"])
    network.eval()
    batch = torch.cat([to_tensor([padded_square(p, 224)], CLIP).cpu() for p in pictures()])
    with torch.no_grad():
        image, text, _ = network(batch, open_clip.get_tokenizer("ViT-H-14")(["a red cat"]))
    judge = make_judge([name])
    found = judge.measure(pictures(), "a red cat").metrics[name]
    np.testing.assert_allclose(found, (image @ text.T)[:, 0].numpy(), atol=1e-5)
    assert np.abs(judge.measure(pictures(), "two boats").metrics[name] - found).max() > 1e-4


def test_pickscore_reads_pictures_as_clips_processor_does() -> None:
    from transformers import CLIPImageProcessor

    for height, width in ((72, 112), (112, 73), (300, 300)):
        picture = pictures(1, height, width)[0]
        expected = CLIPImageProcessor()(picture, return_tensors="pt")["pixel_values"][0]
        found = to_tensor([centre_square(shorter_side(picture, 224), 224)], CLIP)[0].cpu()
        assert (found - expected).abs().mean() < 0.01  # of about 1: newer processors resize with torch, not with PIL


def test_pickscore_is_the_scaled_cosine_and_padding_is_not_read(weights: Path) -> None:
    network = preference.load_pickscore(weights / "PickScore_v1")
    words = preference.tokens("a red cat")
    end = int(words.argmax()) + 1
    batch = torch.cat([to_tensor([centre_square(shorter_side(p, 224), 224)], CLIP) for p in pictures()])
    with torch.no_grad():
        expected = network(input_ids=words[:, :end], pixel_values=batch).logits_per_image[:, 0]
    found = make_judge(["pickscore"]).measure(pictures(), "a red cat").metrics["pickscore"]
    np.testing.assert_allclose(found, expected.cpu().numpy(), rtol=1e-4)


# Composition


def test_mask2former_and_depth_anything_read_pictures_as_their_processors_do() -> None:
    from transformers import DPTImageProcessor, Mask2FormerImageProcessor

    objects = Mask2FormerImageProcessor(size={"shortest_edge": 800, "longest_edge": 1333}, size_divisor=32)
    depth = DPTImageProcessor(
        size={"height": 518, "width": 518}, keep_aspect_ratio=True, ensure_multiple_of=14, resample=3,
        image_mean=list(IMAGENET[0]), image_std=list(IMAGENET[1]),
    )  # fmt: skip
    for height, width in ((64, 64), (72, 112), (40, 120), (120, 50)):
        picture = pictures(1, height, width)[0]
        for processor, ours in ((objects, for_objects), (depth, for_depth)):
            expected = processor(images=[picture], return_tensors="pt")["pixel_values"][0]
            found = to_tensor([ours(picture)], IMAGENET)[0].cpu()
            assert found.shape == expected.shape, (processor, height, width)
            assert (found - expected).abs().mean() < 0.02


def test_a_composition_is_made_of_what_the_two_networks_of_transformers_answer(weights: Path) -> None:
    from transformers import DepthAnythingForDepthEstimation, Mask2FormerForUniversalSegmentation

    objects = Mask2FormerForUniversalSegmentation.from_pretrained(weights / "mask2former-swin-tiny-coco-instance")
    depth = DepthAnythingForDepthEstimation.from_pretrained(weights / "Depth-Anything-V2-Small-hf")
    found = make_judge(["composition"]).measure(pictures(2), "a cat").composition
    assert found is not None
    for picture, composition in zip(pictures(2), found, strict=True):
        with torch.no_grad():
            answer = objects.eval()(to_tensor([for_objects(picture)], IMAGENET).cpu())
            near = depth.eval()(to_tensor([for_depth(picture)], IMAGENET).cpu()).predicted_depth[0]
        kinds, outlines = answer.class_queries_logits[0], answer.masks_queries_logits[0]
        expected = placed(main_object(kinds, outlines, objects.config.id2label, "a cat"), near)
        np.testing.assert_allclose(composition, expected, atol=1e-5)
        assert 0 < expected[2] < 1, "there is an outline to measure"


# Style


def test_the_layers_that_style_reads_are_torchvisions(weights: Path) -> None:
    from torchvision.models.vgg import cfgs, make_layers

    theirs = make_layers(cfgs["E"])[:30]
    state = torch.load(weights / "vgg19-dcbb9e9d.pth")
    theirs.load_state_dict({name: state[f"features.{name}"] for name in theirs.state_dict()})
    batch = to_tensor(list(pictures(1)), IMAGENET).cpu()
    with torch.no_grad():
        found = load_vgg19(weights / "vgg19-dcbb9e9d.pth").cpu()(batch)
        for number, layer in enumerate(theirs):
            batch = layer(batch)
            if number in (1, 6, 11, 20, 29):  # relu1_1 to relu5_1
                torch.testing.assert_close(found.pop(0), batch.clone(), rtol=1e-5, atol=1e-6)
    assert not found


# What is not the right file


@pytest.mark.parametrize(
    ("load", "place"),
    [
        (load_inception, "weights-inception-2015-12-05-6726825d.pth"),
        (preference.load_hps, "HPS_v2.1_compressed.pt"),
        (preference.load_pickscore, "PickScore_v1"),
        (load_clip_vision, "clip-vit-large-patch14-336"),
        (load_mask2former, "mask2former-swin-tiny-coco-instance"),
        (load_depth, "Depth-Anything-V2-Small-hf"),
        (load_vgg19, "vgg19-dcbb9e9d.pth"),
    ],
)
def test_a_file_that_holds_something_else_is_one_line(load, place: str, tmp_path: Path, folder: Path) -> None:
    path = tmp_path / place
    if "." in place:
        torch.save({"other.weight": torch.zeros(3)}, path)
    else:
        path.mkdir()
        (path / "config.json").write_bytes((folder / place / "config.json").read_bytes())
        from safetensors.torch import save_file

        save_file({"other.weight": torch.zeros(3)}, path / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match=place) as error:
        load(path)
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """An empty folder of weights, and what each metric says without a network."""
    home = tmp_path_factory.mktemp("offline")
    write_pictures(home / "real", 100)
    (home / "weights").mkdir()
    nowhere = "http://127.0.0.1:9"
    env = {**os.environ, "HF_ENDPOINT": nowhere, "HF_HOME": str(home / "hf"), "TORCH_HOME": str(home / "torch")}
    env |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), nowhere)
    env |= {"GOODSEED_WEIGHTS": str(home / "weights"), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, offline_script.__file__, str(home / "out"), str(home / "real"), *WITHOUT_NETWORK]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["code"] for answer in answers] == [2] * len(WITHOUT_NETWORK)
    return home / "weights", {answer["metric"]: json.loads(answer["said"])["error"] for answer in answers}


WITHOUT_NETWORK = {
    "fid": {"weights-inception-2015-12-05-6726825d.pth": "96 MB"},
    "cmmd": {
        "clip-vit-large-patch14-336/config.json": "5 kB",
        "clip-vit-large-patch14-336/pytorch_model.bin": "1.71 GB",
    },
    "hps": {"HPSv2/HPS_v2.1_compressed.pt": "1.97 GB"},
    "hps-v2": {"HPSv2/HPS_v2_compressed.pt": "1.97 GB"},
    "pickscore": {"PickScore_v1/config.json": "4 kB", "PickScore_v1/model.safetensors": "3.94 GB"},
    "style": {"vgg19-dcbb9e9d.pth": "575 MB"},
    "composition": {
        "mask2former-swin-tiny-coco-instance/config.json": "80 kB",
        "mask2former-swin-tiny-coco-instance/model.safetensors": "190 MB",
        "Depth-Anything-V2-Small-hf/config.json": "1 kB",
        "Depth-Anything-V2-Small-hf/model.safetensors": "99 MB",
    },
}


@pytest.mark.parametrize("metric", WITHOUT_NETWORK)
def test_without_a_network_one_line_says_the_files_their_sizes_and_where_to_put_them(
    metric: str, offline: tuple[Path, dict[str, str]]
) -> None:
    weights, answers = offline
    error = answers[metric]
    assert "\n" not in error
    assert "are not here and cannot be fetched" in error
    for file, size in WITHOUT_NETWORK[metric].items():
        assert error.startswith(file.rpartition("/")[2]) or f"{file} ({size})" in error
        assert f"({size})" in error
        assert f"and put it at {weights / file}" in error


@pytest.mark.parametrize("metric", WITHOUT_NETWORK)
def test_a_file_put_where_that_line_says_is_found(metric: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOODSEED_WEIGHTS", str(tmp_path))
    files = weights_of([metric])
    assert {str(file.place) for file in files} == set(WITHOUT_NETWORK[metric])
    for file in files:
        (tmp_path / file.place).parent.mkdir(exist_ok=True)
        (tmp_path / file.place).write_bytes(b"")
    assert fetch_all(files) == [tmp_path / file.place for file in files]


# Studies


def test_a_study_of_all_metrics_by_name(weights: Path, tmp_path: Path) -> None:
    """Stopped and continued without its reference and its weights, and built anew without them."""
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a red ball\na blue star\na fish\na house\n", encoding="utf-8")
    write_pictures(tmp_path / "real", 100, side=16)
    names = "fid,cmmd,hps,pickscore,style,composition,traits"
    arguments = ["study", "--generator", "demo", "--seeds", "0-1", "--prompts", str(prompts), "--workers", "0"]
    arguments += ["--metrics", names, "--reference", str(tmp_path / "real"), "--out", str(tmp_path / "study")]
    assert run(arguments) == 0
    bank = read_bank(tmp_path / "study" / "study.safetensors")
    assert set(bank.metrics) == {"fid", "cmmd", "hps", "pickscore"}
    assert bank.features == ["composition", "style"]
    assert bank.info["features"]["composition"]["names"] == ["x", "y", "size", "depth"]
    assert bank.info["reference"]["selection"]["count"] == 100
    assert bank.info["metrics"]["fid"]["weights"][0]["file"] == "weights-inception-2015-12-05-6726825d.pth"
    assert {"depth", "size", "centroid_x", "fid", "hps"} <= set(bank.info["reliability"]["icc"])

    from goodseed.study.bank import build_bank
    from goodseed.study.ledger import read_ledger

    for path in weights.rglob("*.pth"):
        path.rename(path.with_suffix(".away"))
    try:
        assert build_bank(tmp_path / "study").id == bank.id
    finally:
        for path in weights.rglob("*.away"):
            path.rename(path.with_suffix(".pth"))
    kept = np.load(tmp_path / "study" / "reference" / "inception.npz")
    features = np.concatenate(list(read_ledger(tmp_path / "study").blocks("selection", "inception")))
    expected = frechet_distances(features, Reference.of_statistics(kept["mu"], kept["sigma"]))
    np.testing.assert_allclose(bank.metric("fid"), expected, rtol=1e-6)

    np.savez(tmp_path / "others.npz", mu=kept["mu"], sigma=kept["sigma"])  # as pytorch-fid and clean-fid save them
    arguments = ["study", "--seeds", "0-1", "--prompts", str(prompts), "--workers", "0", "--metrics", "fid"]
    arguments += ["--reference", str(tmp_path / "others.npz"), "--out", str(tmp_path / "second")]
    assert run(arguments) == 0
    second = read_bank(tmp_path / "second" / "second.safetensors")
    np.testing.assert_allclose(second.metric("fid"), bank.metric("fid"), rtol=1e-6)
    assert second.info["reference"]["selection"]["count"] is None


def test_the_frechet_distance_is_torch_fidelitys_to_1e6() -> None:
    """benchmarks/frechet.py shows it for 768 and 2,048 features; here 96, with more and with fewer images."""
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

    random = np.random.default_rng(0)
    mix = random.normal(size=(96, 96))
    real = random.normal(size=(2000, 96)) @ mix
    for images in (300, 48):
        values = random.normal(size=(images, 96)) @ mix + 0.3
        theirs = [fid_features_to_statistics(torch.from_numpy(rows)) for rows in (values, real)]
        expected = fid_statistics_to_metric(*theirs, False)[KEY_METRIC_FID]
        assert frechet_distances(values[None], Reference.of(real))[0] == pytest.approx(expected, rel=1e-6)
