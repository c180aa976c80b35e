"""References and weights: what cannot be used, or cannot be had, is one clear line."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from goodseed.cli import run
from goodseed.errors import StudyError, WeightsError
from goodseed.study.frechet import Moments, Reference, frechet_distances
from goodseed.study.metrics.catalogue import weights_of
from goodseed.study.metrics.packages import EXTRAS
from goodseed.study.metrics.source import LEAST, open_source, read_picture
from goodseed.study.metrics.style import VGG19
from goodseed.study.metrics.weights import WeightsFile, describe, fetch, fetch_folder, find, in_words, missing


def write_pictures(folder: Path, count: int, side: int = 8) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04}.png")
    return folder


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert run([*arguments, "--json"]) == 2
    return str(json.loads(capsys.readouterr().out)["error"])


def study(*arguments: object) -> list[str]:
    return ["study", "--seeds", "0-3", "--workers", "0", *map(str, arguments)]


# References


def test_a_reference_folder_with_3_images_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_pictures(tmp_path / "few", 3)
    error = refused(study("--metrics", "fid", "--reference", folder, "--out", tmp_path / "out"), capsys)
    assert f"{folder}: holds 3 images; a reference needs at least {LEAST}" in error
    assert not (tmp_path / "out").exists()


def test_a_references_hash_is_that_of_its_images_and_their_names(tmp_path: Path) -> None:
    first = open_source(write_pictures(tmp_path / "a", LEAST))
    assert open_source(write_pictures(tmp_path / "b", LEAST)).sha256 == first.sha256
    assert (first.count, sum(len(batch) for batch in first.batches())) == (LEAST, LEAST)
    (tmp_path / "b" / "0000.png").write_bytes((tmp_path / "b" / "0001.png").read_bytes())
    assert open_source(tmp_path / "b").sha256 != first.sha256


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"means": np.zeros(3)}, "holds neither mu and sigma nor rows"),
        ({"mu": np.array(["a"]), "sigma": np.eye(1)}, "holds neither mu and sigma nor rows"),
        ({"mu": np.zeros(3), "sigma": np.eye(2)}, "a mean of shape .3,. with a covariance of shape .2, 2."),
        ({"mu": np.zeros(0), "sigma": np.zeros((0, 0))}, "a mean of shape .0,."),
        ({"mu": np.zeros(2), "sigma": np.full((2, 2), np.nan)}, "holds a NaN or an infinity"),
        ({"mu": np.zeros(2), "sigma": np.array([[1, 0.5], [0.1, 1]])}, "the covariance is not symmetric"),
        ({"mu": np.zeros(2), "sigma": np.eye(2), "count": np.zeros(3)}, "its count is no number of images"),
        ({"mu": np.zeros(2), "sigma": np.eye(2), "count": np.array("many")}, "its count is no number of images"),
        ({"rows": np.zeros((1, 4))}, "are not the finite features of at least two images"),
        ({"rows": np.zeros(4)}, "are not the finite features of at least two images"),
        ({"mu": np.array([object()], dtype=object), "sigma": np.zeros((1, 1))}, "is no .npz of plain arrays"),
        (None, "is no .npz of plain arrays"),
    ],
)
def test_files_that_hold_no_statistics_are_refused(arrays, message: str, tmp_path: Path) -> None:
    path = tmp_path / "statistics.npz"
    if arrays is None:
        path.write_bytes(b"PK\x03\x04 but no more")
    else:
        np.savez(path, **arrays)
    with pytest.raises(StudyError, match=message) as error:
        open_source(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("metric", "arrays", "message"),
    [
        ("fid", {"mu": np.zeros(768), "sigma": np.eye(768)}, "holds statistics of 768 features, and fid has 2048"),
        ("cmmd", {"rows": np.zeros((2, 2048))}, "holds statistics of 2048 features, and cmmd has 768"),
        ("cmmd", {"mu": np.zeros(768), "sigma": np.eye(768)}, "has no rows, which cmmd needs"),
        ("fid", {"rows": np.zeros((2, 2048))}, "has no mu, which fid needs"),
    ],
)
def test_statistics_of_another_network_are_refused_before_anything_is_fetched(
    metric: str, arrays: dict[str, np.ndarray], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "statistics.npz"
    np.savez(path, **arrays)
    error = refused(study("--metrics", metric, "--reference", path, "--out", tmp_path / "out"), capsys)
    assert error.startswith(f"{path}: {message}")
    assert "name a folder of images with --reference" in error
    assert not (tmp_path / "out").exists()


def test_a_references_images_may_have_any_sizes(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "mixed", LEAST)
    write_pictures(folder / "large", 3, side=12)
    pictures = [picture for batch in open_source(folder).batches() for picture in batch]
    assert sorted({picture.shape for picture in pictures}) == [(8, 8, 3), (12, 12, 3)]
    assert len(pictures) == LEAST + 3


def test_a_missing_reference_and_one_that_is_no_image_are_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="cannot be read"):
        open_source(tmp_path / "nowhere.npz")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    with pytest.raises(StudyError, match=r"broken\.png: cannot be read as an image"):
        read_picture(broken)


def test_statistics_give_the_distance_that_their_features_give() -> None:
    real = np.random.default_rng(0).normal(size=(60, 8)) @ np.random.default_rng(1).normal(size=(8, 8)) + 5
    moments = Moments(8)
    for part in np.split(real, [1, 7, 30]):
        moments.add(part)
    np.testing.assert_allclose(moments.mean, real.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance, np.cov(real, rowvar=False), rtol=1e-9)
    values = np.random.default_rng(2).normal(size=(1, 20, 8))
    by_statistics = frechet_distances(values, Reference.of_statistics(moments.mean, moments.covariance))
    np.testing.assert_allclose(by_statistics, frechet_distances(values, Reference.of(real)), rtol=1e-9)


@pytest.mark.parametrize(
    ("mean", "covariance"),
    [
        (np.zeros(3), np.zeros((2, 2))),
        (np.zeros(2), np.full((2, 2), np.nan)),
        (np.zeros(2), np.array([[1.0, 0.5], [0.1, 1.0]])),
        (np.zeros(2), -np.eye(2)),
    ],
)
def test_what_is_no_covariance_is_refused(mean: np.ndarray, covariance: np.ndarray) -> None:
    with pytest.raises(StudyError, match="reference:"):
        Reference.of_statistics(mean, covariance)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--metrics", "fidd"), "'fidd' is unknown; use fid"),
        (("--metrics", "fid"), "fid is a distance to real images; name a folder of them with --reference"),
        (("--metrics", "traits", "--reference", "."), "leave --reference out"),
        (("--metrics", ","), "names none"),
        (("--reference", "."), "names none"),
        (("--weights", "nowhere"), "weights: nowhere is no folder"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(study(*arguments, "--out", tmp_path / "out"), capsys)


# Weights


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches, and no way out: every address is asked for at a port that nobody listens on."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY", "GOODSEED_WEIGHTS"):
        monkeypatch.setenv(name, "")  # so that what the command sets is taken back after the test
        monkeypatch.delenv(name)
    monkeypatch.setattr(urllib.request, "_opener", None)  # it would keep the proxies that it first met
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_without_a_network_one_line_says_the_file_its_size_and_where_to_put_it(
    no_network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = no_network / "weights"
    folder.mkdir()
    arguments = study("--metrics", "style", "--weights", folder, "--out", no_network / "out")
    assert run([*arguments, "--json"]) == 2
    captured = capsys.readouterr()
    error = json.loads(captured.out)["error"]
    assert "vgg19-dcbb9e9d.pth: these weights (575 MB) are not here and cannot be fetched" in error
    assert f"get {VGG19.url} and put it at {folder / 'vgg19-dcbb9e9d.pth'}" in error
    assert "\n" not in error
    assert "Weights to fetch, 575 MB: vgg19-dcbb9e9d.pth (575 MB)" in captured.err  # said before it is asked for


def test_without_a_folder_the_line_says_how_to_name_one(no_network: Path) -> None:
    with pytest.raises(WeightsError, match=r"put it at vgg19-dcbb9e9d.pth in a folder that --weights or \$GOODSEED"):
        fetch(VGG19)


def test_a_file_that_is_not_what_it_should_be_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GOODSEED_WEIGHTS", raising=False)
    (tmp_path / "there.pth").write_bytes(b"something else")
    file = WeightsFile("there.pth", 14, url=(tmp_path / "there.pth").as_uri(), sha256="0123456789")
    with pytest.raises(WeightsError, match="invalid hash"):
        fetch(file)
    assert find(file) is None
    good = WeightsFile("there.pth", 14, url=file.url)
    assert fetch(good).read_bytes() == b"something else"
    assert missing([good]) == []


def test_a_repositorys_files_are_found_in_a_folder_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOODSEED_WEIGHTS", str(tmp_path))
    files = (
        WeightsFile("config.json", 2, repository="who/it"),
        WeightsFile("model.safetensors", 2, repository="who/it"),
    )
    (tmp_path / "config.json").write_text("{}")  # whose it is cannot be told: not taken
    assert find(files[0]) is None
    (tmp_path / "it").mkdir()
    for file in files:
        (tmp_path / "it" / file.name).write_text("{}")
    assert fetch_folder(files) == tmp_path / "it"


def test_a_metrics_weights_are_described_by_their_hashes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        torch.save({}, tmp_path / name)
    one, two = describe([tmp_path / "a"]), describe([tmp_path / "a", tmp_path / "b"])
    assert one["weights_sha256"] == one["weights"][0]["sha256"]
    assert two["weights"][0] == one["weights"][0]
    assert two["weights_sha256"] not in {file["sha256"] for file in two["weights"]}


def test_what_is_said_to_install_is_what_the_extras_install() -> None:
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra, packages in EXTRAS.items():
        assert sorted(packages) == sorted(project["optional-dependencies"][extra])


def test_sizes_are_said_for_people() -> None:
    assert [in_words(size) for size in (900, 99_173_660, 1_970_000_000)] == ["1 kB", "99 MB", "1.97 GB"]
    assert len(weights_of(["composition", "style", "style"])) == 5
