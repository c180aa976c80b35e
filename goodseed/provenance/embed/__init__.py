"""Records in image files: PNG, WebP, JPEG and AVIF, beside ComfyUI's own prompt and workflow."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from goodseed.errors import OutputError
from goodseed.provenance.a1111 import parameters_text
from goodseed.provenance.embed import avif, jpeg, webp
from goodseed.provenance.embed.avif import has_avif, write_avif
from goodseed.provenance.embed.exif import build_exif
from goodseed.provenance.embed.jpeg import write_jpeg
from goodseed.provenance.embed.png import write_png
from goodseed.provenance.embed.webp import write_webp
from goodseed.provenance.fingerprint import pixels_of
from goodseed.provenance.record import SCHEMA, VERSION, Record, record_id, record_text

RECORD_KEY = "goodseed.record"
IN_SIDECAR = "in_sidecar"
"""In a record's place: the id of a record that did not fit into the file and lies beside it."""

ENDINGS = {"png": "png", "webp lossless": "webp", "webp": "webp", "jpeg": "jpg", "avif": "avif"}
"""The formats, and the ending of their files."""
LOSSLESS = ("png", "webp lossless")
_LARGEST_SIDE = {
    "webp lossless": webp.LARGEST_SIDE, "webp": webp.LARGEST_SIDE, "jpeg": jpeg.LARGEST_SIDE,
    "avif": avif.LARGEST_SIDE,
}  # fmt: skip


@dataclass(frozen=True)
class Options:
    """How to encode: quality 1…100 of the lossy formats, PNG's compression as in SaveImage, A1111's text as well."""

    quality: int = 90
    compress_level: int = 4
    a1111: bool = False


@dataclass(frozen=True)
class Embedded:
    """An encoded image, its record with the pixels' hash in it, and the keys of what did not fit into the file."""

    data: bytes
    record: Record | None
    left_out: tuple[str, ...]


def formats() -> list[str]:
    """Return the formats that can be written here."""
    return [name for name in ENDINGS if name != "avif" or has_avif()]


def encode(
    image: NDArray[np.uint8],
    fmt: str,
    record: Record | None = None,
    prompt: Mapping[str, Any] | None = None,
    workflow: Mapping[str, Any] | None = None,
    options: Options | None = None,
) -> bytes:
    """Return a file of an image uint8 [H, W, C] with what it carries; see `embed`."""
    return embed(image, fmt, record, graph_texts(prompt, {"workflow": workflow}), options or Options()).data


def embed(
    image: NDArray[np.uint8], fmt: str, record: Record | None, texts: Mapping[str, str], options: Options
) -> Embedded:
    """Encode an image uint8 [H, W, 1, 3 or 4] with its record and ComfyUI's `texts` (see `graph_texts`).

    Raises:
        OutputError: when the format cannot hold the image.
    """
    if fmt not in ENDINGS:
        raise OutputError(f"format '{fmt[:40]}': is unknown; use {', '.join(ENDINGS)}")
    image = _plain(image, fmt)
    if record is not None:
        record = {**record, "pixels": pixels_of(image)}
        if fmt not in LOSSLESS:
            record["lossy"] = True
    parameters = parameters_text(record) if options.a1111 and record is not None else None
    picture = Image.fromarray(image)
    if fmt == "png":
        carried = {**({"parameters": parameters} if parameters else {}), **texts}
        own = {RECORD_KEY: record_text(record)} if record is not None else {}
        return Embedded(write_png(picture, carried, own, options.compress_level), record, ())
    exif, left_out = _fitting_exif(record, texts, parameters, jpeg.LARGEST_EXIF if fmt == "jpeg" else None)
    if fmt == "jpeg":
        data = write_jpeg(picture, exif, options.quality)
    elif fmt == "avif":
        data = write_avif(picture, exif, options.quality)
    else:
        data = write_webp(picture, exif, options.quality, lossless=fmt in LOSSLESS)
    return Embedded(data, record, left_out)


def graph_texts(prompt: Mapping[str, Any] | None, extra: Mapping[str, Any] | None) -> dict[str, str]:
    """Return ComfyUI's prompt and extra_pnginfo as SaveImage writes them, in ASCII, but without NaN.

    What a node's fingerprint was (`is_changed`) stands in the prompt of a run; it is no input, and often NaN.
    """
    texts: dict[str, str] = {}
    if prompt is not None:
        nodes = {
            key: {name: value for name, value in node.items() if name != "is_changed"}
            if isinstance(node, Mapping)
            else node
            for key, node in prompt.items()
        }
        texts["prompt"] = json.dumps(_finite(nodes), allow_nan=False)
    for key, value in (extra or {}).items():
        if value is not None and key != RECORD_KEY:
            texts[str(key)] = json.dumps(_finite(value), allow_nan=False)
    return texts


def to_uint8(image: Any) -> NDArray[np.uint8]:
    """Return floats in 0…1 as bytes, exactly as SaveImage rounds them (nodes.py): down."""
    scaled = np.multiply(image, np.float32(255.0), dtype=np.float32)
    np.clip(scaled, 0, 255, out=scaled)
    with np.errstate(invalid="ignore"):  # NaN becomes what the processor makes of it, as in SaveImage
        return np.asarray(scaled, dtype=np.float32).astype(np.uint8)


def _plain(image: NDArray[np.uint8], fmt: str) -> NDArray[np.uint8]:
    """Return the image as the format gives it back: RGB, or RGBA where it can be kept.

    Raises:
        OutputError: when the format cannot hold its size or its transparency.
    """
    height, width, channels = image.shape
    largest = _LARGEST_SIDE.get(fmt)
    if largest is not None and max(height, width) > largest:
        raise OutputError(f"format {fmt}: {width}×{height} px is over its limit of {largest}; use png")
    if channels == 1:
        image = np.repeat(image, 3, axis=2)
    elif channels not in (3, 4):
        raise OutputError(f"images: {channels} channels are no picture; give 1 (grey), 3 (RGB) or 4 (RGBA)")
    elif channels == 4 and fmt != "png" and bool((image[:, :, 3] == 255).all()):
        image = image[:, :, :3]  # encoders drop a channel that says nothing
    elif channels == 4 and fmt == "jpeg":
        raise OutputError("format jpeg: has no transparency, and the images have; use png or webp")
    return np.ascontiguousarray(image)


def _fitting_exif(
    record: Record | None, texts: Mapping[str, str], parameters: str | None, limit: int | None
) -> tuple[bytes, tuple[str, ...]]:
    """Return EXIF of at most `limit` bytes, and the keys of what had to stay out: first the record, then the rest."""
    carried = dict(texts)
    left_out: list[str] = []
    if record is not None:
        carried[RECORD_KEY] = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
    exif = build_exif(carried, parameters)
    if limit is None or len(exif) <= limit:
        return exif, ()
    if record is not None:
        left_out.append(RECORD_KEY)
        stub = {"schema": SCHEMA, "version": VERSION, IN_SIDECAR: record_id(record)}
        carried[RECORD_KEY] = json.dumps(stub, sort_keys=True, separators=(",", ":"))
        exif = build_exif(carried, parameters)
    for key in [*(key for key in texts if key not in ("workflow", "prompt")), "parameters", "workflow", "prompt"]:
        if len(exif) <= limit:
            break
        if key == "parameters":
            parameters = None
        elif carried.pop(key, None) is not None:
            left_out.append(key)
        exif = build_exif(carried, parameters)
    return exif, tuple(left_out)


def _finite(value: Any) -> Any:
    """Return a JSON value with the numbers that JSON has not as their names, which ComfyUI reads as numbers again."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value
