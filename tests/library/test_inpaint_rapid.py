"""The engine that is the default: what is said where its packages are missing, and what it reads where they are."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from goodseed.errors import MissingExtraError
from goodseed.inpaint import Scanner, Settings, make_engine, rapid, scan_batches, scan_image
from goodseed.inpaint.weights import without_denormals
from tests.library.ink_maker import mask_of

NEEDS_RAPIDOCR = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("rapidocr", "onnxruntime")),
    reason="RAPIDOCR TESTS SKIPPED: pip install rapidocr onnxruntime",
)


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ((), "rapidocr, which reads text in images, is missing; pip install rapidocr and onnxruntime (or, with CUDA, "
             "onnxruntime-gpu; never both: they share one folder, and the one overwrites the other)"),
        (("rapidocr",), "onnxruntime, which rapidocr runs on, is missing; pip install onnxruntime (or, with CUDA, "
                        "onnxruntime-gpu; never both: they share one folder, and the one overwrites the other)"),
        (("onnxruntime",), "rapidocr, which reads text in images, is missing; pip install rapidocr"),
    ],
)  # fmt: skip
def test_a_missing_package_is_one_line_that_says_which_to_install(
    monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], message: str
) -> None:
    monkeypatch.setattr(rapid.importlib.util, "find_spec", lambda name: object() if name in there else None)
    with pytest.raises(MissingExtraError) as raised:
        rapid.RapidOcr()
    assert str(raised.value) == message


def test_both_runtimes_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rapid.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(rapid, "_installed", lambda name: True)
    assert "both installed" in rapid.check_packages()
    monkeypatch.setattr(rapid, "_installed", lambda name: name == "onnxruntime")
    assert rapid.check_packages() == ""


def written(text: str, height: int, size: tuple[int, int] = (320, 240)) -> np.ndarray:
    image = Image.new("RGB", size, (190, 200, 205))
    ImageDraw.Draw(image).text((80, 100), text, font=ImageFont.load_default(size=height * 1.4), fill=(20, 20, 30))
    return np.asarray(image)


@NEEDS_RAPIDOCR
@pytest.mark.parametrize(("text", "height"), [("harbour", 8), ("harbour", 24), ("R", 40)])
def test_rapidocr_reads_small_and_large_letters(text: str, height: int) -> None:
    found = scan_image(written(text, height), mask_of((60, 70, 260, 170), size=(320, 240)), make_engine())
    assert found.texts == [text]
    assert found.share > 0


@NEEDS_RAPIDOCR
def test_a_shape_that_fills_the_hole_is_no_letter() -> None:
    image = Image.new("RGB", (320, 240), (190, 200, 205))
    ImageDraw.Draw(image).text((90, 20), "D", font=ImageFont.load_default(size=200), fill=(20, 20, 30))
    mask = mask_of((70, 40, 250, 220), size=(320, 240))
    assert scan_image(np.asarray(image), mask, make_engine()).boxes == ()
    assert scan_image(written("D", 40), mask, make_engine()).texts == ["D"]


@NEEDS_RAPIDOCR
def test_rapidocr_finds_nothing_in_a_plain_picture_or_beside_the_mask() -> None:
    assert make_engine()(np.zeros((3, 3, 3), np.uint8)) == []
    scanner = Scanner(make_engine())
    rows = np.sin(np.arange(240) / 5)[:, None, None] * 60 + 128
    stripes = np.broadcast_to(rows, (240, 320, 3)).astype(np.uint8)
    mask = mask_of((60, 70, 260, 170), size=(320, 240))
    assert scanner.scan(stripes, mask).boxes == ()
    assert scanner.scan(written("harbour", 24), mask_of((10, 180, 120, 235), size=(320, 240))).boxes == ()


@NEEDS_RAPIDOCR
def test_rapidocr_gives_the_same_for_a_batch_as_alone() -> None:
    images = [written(text, 20) for text in ("harbour", "lantern")]
    mask = mask_of((60, 70, 260, 170), size=(320, 240))
    found = scan_batches([np.stack(images)], [mask], make_engine(), settings=Settings())
    assert [one.texts for one in found] == [["harbour"], ["lantern"]]
    alone = [scan_image(image, mask, make_engine()) for image in images]
    assert [one.as_dict() for one in found] == [one.as_dict() for one in alone]


@NEEDS_RAPIDOCR
def test_without_its_denormal_weights_the_detector_answers_the_same_bit_for_bit() -> None:
    import onnxruntime
    import rapidocr

    (file,) = (Path(rapidocr.__file__).parent / "models").glob("*_det_*.onnx")
    model = file.read_bytes()
    lean = without_denormals(model)
    assert len(lean) == len(model)
    assert lean != model
    assert without_denormals(lean) == lean
    pixels = np.random.default_rng(0).normal(size=(1, 3, 96, 128)).astype(np.float32)
    before, after = (
        onnxruntime.InferenceSession(one, providers=["CPUExecutionProvider"]).run(None, {"x": pixels})[0]
        for one in (model, lean)
    )
    assert (before == after).all()
    for broken in (model[:-1], b"\x07no model"):
        with pytest.raises(ValueError, match="no ONNX file"):
            without_denormals(broken)
