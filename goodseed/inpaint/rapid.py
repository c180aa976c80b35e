"""Text read by rapidocr (PaddleOCR's models on ONNX Runtime), its detector and its recogniser called apart."""

from __future__ import annotations

import importlib.util
import logging
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from goodseed.errors import MissingExtraError
from goodseed.inpaint.weights import without_denormals
from goodseed.inpaint.words import FloatArray, Picture, Word, count_letters

_LOG = logging.getLogger(__name__)

RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
BOX_SCORE = 0.3
"""How sure the detector has to be of a box; the recogniser has the last word."""

MOST_BOXES = 40
"""Boxes that are read in one picture, the surest first; a picture of gravel would take minutes otherwise."""

_FEW, _LARGER = 2, 1.3
"""A text of so few letters is read again in a box so much larger: a letter stays the letter it was, a twig does not."""

_LARGEST = 0.5
"""Share of a view's shorter side; a letter or two that are larger are no writing but a shape that looks like them."""

_TRIM = 0.18
"""What the detector's boxes are too large by on each side, as a share of the shorter one: the mean over drawn texts."""

LINE = 48
"""Height in pixels at which lines are read."""

_STRIDE = 32  # pixels of the picture to one of the detector's coarsest layer
_SURE, _HOPELESS = 0.9, 0.3  # a line read as surely as this, or less surely, is not turned to see if it reads better
_WORTH = 0.5  # a short text read less surely is not worth reading again
_SQUARE = 1.6  # a line that is not this much wider than high may be one letter
_NEVER_BOTH = "never both: they share one folder, and the one overwrites the other"


def check_packages() -> str:
    """Return a warning where both builds of ONNX Runtime are installed, or nothing.

    Raises:
        MissingExtraError: when rapidocr or ONNX Runtime is not installed; its line says which to install.
    """
    runtime = "onnxruntime (or, with CUDA, onnxruntime-gpu"
    no_runtime = importlib.util.find_spec("onnxruntime") is None
    if importlib.util.find_spec("rapidocr") is None:
        also = f" and {runtime}; {_NEVER_BOTH})" if no_runtime else ""
        raise MissingExtraError(f"rapidocr, which reads text in images, is missing; pip install rapidocr{also}")
    if no_runtime:
        raise MissingExtraError(
            f"onnxruntime, which rapidocr runs on, is missing; pip install {runtime}; {_NEVER_BOTH})"
        )
    if len([name for name in RUNTIMES if _installed(name)]) > 1:
        return (
            "onnxruntime and onnxruntime-gpu are both installed, and the one has overwritten files of the other; "
            "pip uninstall both, then install one"
        )
    return ""


class RapidOcr:
    """Finds boxes, and reads each: turned where that reads better, and more than once where it may be chance.

    A line is not padded to 320 px, as rapidocr does: what is blank costs time, and blurs a letter that stands alone.
    The models come within rapidocr's wheel; nothing is downloaded.
    """

    def __init__(self) -> None:
        """Load the models; a reading takes one thread, and several threads may read at once.

        Raises:
            MissingExtraError: when a package or a model is missing, or cannot be loaded.
        """
        if warning := check_packages():
            _LOG.warning(warning)
        try:
            ocr = _load()
            blank = np.zeros((32, 96, 3), np.uint8)
            ocr(blank, use_det=True, use_cls=False, use_rec=False)  # models load when they are first used
            ocr(blank, use_det=False, use_cls=False, use_rec=True)
            self._detector, self._recogniser = ocr.text_det, ocr.text_rec
            self._find(blank)  # another version of rapidocr may have other parts
            self._read(blank)
        except MissingExtraError:
            raise
        except Exception as error:  # rapidocr and what it rests on have classes of their own
            why = " ".join(str(error).split())[-160:] or type(error).__name__
            raise MissingExtraError(
                f"rapidocr cannot be loaded ({why}); pip install --force-reinstall --no-deps rapidocr onnxruntime"
            ) from error

    def __call__(self, image: Picture) -> list[Word]:
        """Return what stands in an image, whatever the score; that of a letter or two is the mean of two readings."""
        words = []
        picture = Image.fromarray(_lean(image))
        for box in self._find(image):
            text, score, turn = self._best(_straightened(picture, box))
            if 0 < count_letters(text) <= _FEW:
                score = 0.0 if len(text) == 1 and _fills(box, image) else self._again(picture, box, text, score, turn)
            if text:
                words.append(Word(_trimmed(box), text, score))
        return words

    def _best(self, line: Picture) -> tuple[str, float, int]:
        """Return the text that a line shows most surely, its score, and how many quarter turns it took to read it.

        A line is read upside down where it made little sense, and one letter, which may lean any way, on its sides too.
        """
        turns = (0, 2, 1, 3) if line.shape[1] < _SQUARE * line.shape[0] else (0, 2)
        best = ("", 0.0, 0)
        for turn in turns:
            best = max(best, (*self._read(np.rot90(line, turn)), turn), key=lambda one: one[1])
            if best[1] >= _SURE or best[1] < _HOPELESS:
                break
        return best

    def _again(self, picture: Image.Image, box: FloatArray, text: str, score: float, turn: int) -> float:
        """Return the mean score of a text in a box and a larger one; nothing where the readings differ."""
        if score < _WORTH:
            return score
        read, sure = self._read(np.rot90(_straightened(picture, _enlarged(box, _LARGER)), turn))
        return (score + sure) / 2 if read.casefold() == text.casefold() else 0.0

    def _find(self, image: Picture) -> list[FloatArray]:
        """Return boxes [4, 2], clockwise from the upper left, the surest first."""
        pixels = _as_the_detector_wants(image)
        if not pixels.size:
            return []
        boxes, scores = self._detector.postprocess_op(self._detector.session(pixels), image.shape[:2])
        return [np.asarray(boxes[place], np.float64) for place in np.argsort(scores)[::-1][:MOST_BOXES]]

    def _read(self, line: Picture) -> tuple[str, float]:
        """Return what stands in a line and how sure that is; rapidocr without its detours."""
        own = self._recogniser
        pixels = own.resize_norm_img(np.ascontiguousarray(line[..., ::-1]), max(1.0, line.shape[1] / line.shape[0]))
        ((text, score),), _ = own.postprocess_op(own.session(pixels[None]))
        return text.strip(), float(score)


def _load() -> Any:
    import rapidocr
    from omegaconf import flag_override

    models = Path(rapidocr.__file__).parent / "models"
    if not all(any(models.glob(f"*{part}*.onnx")) for part in ("det", "rec")):
        raise MissingExtraError(
            "rapidocr's models are missing from its folder; pip install --force-reinstall --no-deps 'rapidocr>=3.10'"
        )
    ocr = rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.text_score": 0.0,
            "Global.max_side_len": 4096,
            "Det.limit_type": "max",  # the size is chosen here, not there
            "Det.limit_side_len": 4096,
            "Det.box_thresh": BOX_SCORE,
            "Rec.rec_img_shape": [
                3,
                LINE,
                LINE,
            ],  # no wider than the line: what is blank costs time, and blurs a letter
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,
        }
    )
    if session := _lean_session(models, ocr.cfg.Det):
        with flag_override(ocr.cfg, "allow_objects", True):
            ocr.cfg.Det.session = session
    return ocr


def _as_the_detector_wants(image: Picture) -> NDArray[np.float32]:
    """Return an image as -1…1 [1, 3, H, W], blue first, its sides multiples of 32; empty for a few pixels."""
    height, width = (round(length / _STRIDE) * _STRIDE for length in image.shape[:2])
    planes = np.empty((1, 3, height, width), np.float32)
    if not planes.size:
        return planes
    lean = _lean(image)
    if image.shape[:2] != (height, width):
        lean = np.asarray(Image.fromarray(lean).resize((width, height), Image.Resampling.BILINEAR))
    levels = np.atleast_3d(lean)[..., ::-1].transpose(2, 0, 1) * np.float32(2 / 255)
    np.subtract(levels, np.float32(1), out=planes[0])
    return planes


def _lean(image: Picture) -> Picture:
    """Return a picture whose three channels are one in memory (`numpy.broadcast_to`) as [H, W]; others as they are."""
    return image[..., 0] if image.strides[2] == 0 else image


def _lean_session(models: Path, config: Any) -> Any | None:
    """Return the detector without its denormal weights; nothing where its file is not the one that is looked for."""
    import onnxruntime

    files = list(models.glob(f"{config.ocr_version.value}_det_*{config.model_type.value}.onnx"))
    if len(files) != 1:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = without_denormals(files[0].read_bytes())
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _fills(box: FloatArray, image: Picture) -> bool:
    """Return whether a box is so large that a single letter in it would be a shape, such as a tent is an A."""
    return bool(np.ptp(_trimmed(box), axis=0).max() > _LARGEST * min(image.shape[:2]))


def _enlarged(box: FloatArray, by: float) -> FloatArray:
    middle = box.mean(axis=0)
    larger: FloatArray = (box - middle) * by + middle
    return larger


def _trimmed(box: FloatArray) -> FloatArray:
    """Return the text's own outline: a box without the room that the detector leaves around it."""
    across, down = box[1] - box[0], box[3] - box[0]
    width, height = np.hypot(*across), np.hypot(*down)
    x, y = (side / length * _TRIM * min(width, height) for side, length in ((across, width), (down, height)))
    trimmed: FloatArray = box + np.array([x + y, y - x, -x - y, x - y])
    return trimmed


def _straightened(picture: Image.Image, box: FloatArray) -> Picture:
    """Return the line of text in a box, lying, no higher than it is read; what stands is turned left."""
    top, right, bottom, left = (float(np.hypot(*side)) for side in np.roll(box, -1, axis=0) - box)
    width, height = max(2, round(max(top, bottom))), max(2, round(max(right, left)))
    corners = [float(value) for place in (0, 3, 2, 1) for value in box[place]]
    quad = picture.transform((width, height), Image.Transform.QUAD, corners, Image.Resampling.BICUBIC)
    if height >= 1.5 * width:
        quad = quad.transpose(Image.Transpose.ROTATE_90)
    if quad.height > LINE:  # averages, where the recogniser would pick pixels: noise goes
        quad = quad.resize((max(1, round(quad.width * LINE / quad.height)), LINE), Image.Resampling.BICUBIC)
    return np.asarray(quad.convert("RGB"))


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
