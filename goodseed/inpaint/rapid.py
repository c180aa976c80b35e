"""Text read by rapidocr (PaddleOCR's models on ONNX Runtime), its detector and its recogniser called apart."""

from __future__ import annotations

import importlib.util
import logging
import math
import os
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from goodseed.errors import MissingExtraError
from goodseed.inpaint.weights import without_denormals
from goodseed.inpaint.words import SHORT, FloatArray, Picture, Word, count_letters

_LOG = logging.getLogger(__name__)

RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
BOX_SCORE = 0.3
"""How sure the detector has to be of a box; the recogniser has the last word."""

MOST_BOXES = 40
"""Boxes that are read in one picture, the surest first; a picture of gravel would take minutes otherwise."""

_NUDGES = ((1.15, 0.0), (1.3, 0.0), (1.0, 0.12), (1.0, -0.12))
"""A short text is read again in boxes so much larger, and so many radians turned: a letter stays one, a twig not."""

_SHARPER = ImageFilter.UnsharpMask(radius=2, percent=120, threshold=0)
_THREADS = 4
_SURE = 0.82  # a line read as surely as this is not turned over to see whether it reads better
_WORTH = 0.6  # a short text read less surely is not worth reading again
_SLANT = 0.5  # radians; a line that leans more may stand on its head
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
    """Finds boxes, reads each, and reads again upside down what made no sense.

    The models come within rapidocr's wheel; nothing is downloaded.
    """

    def __init__(self, threads: int | None = None) -> None:
        """Load the models; a reading uses `threads`, by default up to four.

        Raises:
            MissingExtraError: when a package or a model is missing, or cannot be loaded.
        """
        if warning := check_packages():
            _LOG.warning(warning)
        try:
            self._ocr = _load(threads or min(_THREADS, os.cpu_count() or 1))
            blank = np.zeros((32, 96, 3), np.uint8)
            self._find(blank)  # models load when they are first used
            self._read(blank)
        except MissingExtraError:
            raise
        except Exception as error:  # rapidocr and what it rests on have classes of their own
            why = " ".join(str(error).split())[-160:] or type(error).__name__
            raise MissingExtraError(
                f"rapidocr cannot be loaded ({why}); pip install --force-reinstall --no-deps rapidocr onnxruntime"
            ) from error

    def __call__(self, image: Picture) -> list[Word]:
        """Return what stands in an image, whatever the score; that of a short text is the mean of several readings."""
        words = []
        for box in self._find(image):
            text, score = self._best(image, box)
            text = text.strip()
            if 0 < count_letters(text) <= SHORT and score >= _WORTH:
                score = self._again(image, box, text, score)
            if text:
                words.append(Word(box, text, score))
        return words

    def _best(self, image: Picture, box: FloatArray) -> tuple[str, float]:
        line = _straightened(image, box)
        found = self._read(line)
        along = box[1] - box[0] if len(line) < line.shape[1] else box[2] - box[1]
        leans = abs(math.atan2(along[1], along[0])) > _SLANT
        if found[1] >= _SURE or not (leans or found[1] >= _WORTH):
            return found
        turned = self._read(np.ascontiguousarray(line[::-1, ::-1]))
        return max(found, turned, key=lambda one: one[1])

    def _again(self, image: Picture, box: FloatArray, text: str, score: float) -> float:
        """Return the mean score of a text over boxes a little off; a reading that differs counts nothing."""
        scores = [score]
        for larger, angle in _NUDGES:
            read, sure = self._best(image, _nudged(box, larger, angle))
            scores.append(sure if read.strip().casefold() == text.casefold() else 0.0)
        return float(np.mean(scores))

    def _find(self, image: Picture) -> list[FloatArray]:
        """Return boxes [4, 2], clockwise from the upper left, the surest first."""
        sharp = np.asarray(Image.fromarray(image).filter(_SHARPER))  # as good as enlarging by a quarter more
        found = self._ocr(np.ascontiguousarray(sharp[..., ::-1]), use_det=True, use_cls=False, use_rec=False)
        if getattr(found, "boxes", None) is None:
            return []
        order = np.argsort(found.scores)[::-1][:MOST_BOXES]
        return [np.asarray(found.boxes[place], np.float64) for place in order]

    def _read(self, line: Picture) -> tuple[str, float]:
        found = self._ocr(np.ascontiguousarray(line[..., ::-1]), use_det=False, use_cls=False, use_rec=True)
        return (found.txts[0], float(found.scores[0])) if getattr(found, "txts", None) else ("", 0.0)


def _load(threads: int) -> Any:
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
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,
        }
    )
    if session := _lean_session(models, ocr.cfg.Det, threads):
        with flag_override(ocr.cfg, "allow_objects", True):
            ocr.cfg.Det.session = session
    return ocr


def _lean_session(models: Path, config: Any, threads: int) -> Any | None:
    """Return the detector without its denormal weights; nothing where its file is not the one that is looked for."""
    import onnxruntime

    files = list(models.glob(f"{config.ocr_version.value}_det_*{config.model_type.value}.onnx"))
    if len(files) != 1:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    model = without_denormals(files[0].read_bytes())
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _nudged(box: FloatArray, larger: float, angle: float) -> FloatArray:
    middle = box.mean(axis=0)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    moved: FloatArray = (box - middle) @ turn * larger + middle
    return moved


def _straightened(image: Picture, box: FloatArray) -> Picture:
    """Return the line of text in a box, lying; what stands is turned left."""
    top, right, bottom, left = (float(np.hypot(*side)) for side in np.roll(box, -1, axis=0) - box)
    width, height = max(2, round(max(top, bottom))), max(2, round(max(right, left)))
    corners = [float(value) for place in (0, 3, 2, 1) for value in box[place]]
    quad = Image.fromarray(image).transform((width, height), Image.Transform.QUAD, corners, Image.Resampling.BICUBIC)
    line = np.asarray(quad)
    return np.ascontiguousarray(np.rot90(line)) if height >= 1.5 * width else line


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
