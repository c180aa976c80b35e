"""Reading what an image says of itself: our record, its sidecar, ComfyUI's graph, or another tool's parameters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodseed.errors import MissingExtraError, RecordError
from goodseed.provenance.embed import IN_SIDECAR, RECORD_KEY
from goodseed.provenance.embed.decode import LARGEST_IMAGE, Picture, open_source, pixels_sha256
from goodseed.provenance.foreign import record_of_texts
from goodseed.provenance.paths import shown
from goodseed.provenance.record import SCHEMA, VERSION, Record, check_record, parse_json, record_id
from goodseed.provenance.sidecar import ENDING, read_sidecar, sidecar_of
from goodseed.provenance.stock import MOST_NODES, record_of_graph

GOODSEED, NOTHING = "goodseed", "none"


@dataclass
class Reading:
    """What was read: `source` is goodseed, comfyui, another tool's name, or none; `pixels` are those in the file."""

    record: Record | None = None
    prompt: dict[str, Any] | None = None
    workflow: dict[str, Any] | None = None
    source: str = NOTHING
    format: str = ""
    pixels: dict[str, Any] | None = None
    size: tuple[int, int] = (0, 0)
    sidecar_used: bool = False
    notes: list[str] = field(default_factory=list)
    image: NDArray[np.uint8] | None = None


def read_recorded(path: Path | str, keep_image: bool = False) -> Reading:
    """Return what an image, or the record beside one, says.

    Raises:
        ImageError: when the image cannot be read.
        RecordError: when there is no record, or an unsound one.
    """
    path = Path(path)
    if path.suffix.lower() == ENDING:
        return Reading(record=read_sidecar(path)[0], source=GOODSEED)
    reading = read_image(path, keep_image=keep_image)
    if reading.record is None:
        raise no_record(path.name, reading.notes[:1])
    return reading


def no_record(name: str, notes: Sequence[str]) -> RecordError:
    """Return the error for an image that says nothing of itself; `notes` are those of reading it."""
    why = f" ({'; '.join(notes)})" if notes else ""
    return RecordError(
        f"{shown(name)}: holds no record, no graph and no parameters of a known tool{why}; editors and web sites take "
        "them out: name the file that was saved first"
    )


def read_image(
    source: Path | str | bytes,
    name: str | None = None,
    keep_image: bool = False,
    most_pixels: int = LARGEST_IMAGE,
) -> Reading:
    """Return what an image file says of itself; of bytes, a sidecar is not looked for.

    Raises:
        ImageError: when it is no image, is damaged, cut short, or too large.
        RecordError: when its record is damaged, edited or too new, and no sidecar stands in for it.

    """
    path = Path(source) if not isinstance(source, bytes) else None
    name = shown(name or (path.name or str(path) if path is not None else "image"))
    with open_source(path if path is not None else bytes(source), name) as file:  # type: ignore[arg-type]
        picture = Picture(file, name)
        pixels = picture.pixels(most_pixels)
    reading = Reading(format=picture.format, size=picture.size, image=pixels if keep_image else None)
    reading.pixels = {"sha256": pixels_sha256(pixels), "shape": list(pixels.shape), "dtype": "uint8"}
    texts = dict(picture.texts)
    _read_own(reading, texts, path, name)
    reading.prompt, reading.workflow = (_graph(reading, texts, key) for key in ("prompt", "workflow"))
    if reading.record is not None:
        reading.source = GOODSEED
        _compare_pixels(reading)
    else:
        _read_others(reading, texts)
    return reading


def _read_own(reading: Reading, texts: dict[str, str], path: Path | None, name: str) -> None:
    """Read our record from the file, or else from the sidecar; texts that the sidecar keeps join the others."""
    text = texts.get(RECORD_KEY)
    wanted: str | None = None
    trouble: RecordError | None = None
    if text is not None:
        try:
            value = parse_json(text, "record")
            wanted = _id_in_sidecar(value)
            if wanted is None:
                check_record(value)
                reading.record = value
                return
        except RecordError as error:
            trouble = error
    sidecar = sidecar_of(path) if path is not None else None
    if sidecar is not None and sidecar.is_file():
        _read_beside(reading, texts, sidecar, wanted, trouble)
    elif wanted is not None:
        raise RecordError(f"{name}: its record did not fit into it and lies in {name}{ENDING}, which is not beside it")
    if reading.record is None and trouble is not None:
        raise RecordError(f"{name}: {trouble}") from trouble


def _read_beside(
    reading: Reading, texts: dict[str, str], sidecar: Path, wanted: str | None, trouble: RecordError | None
) -> None:
    """Read a sidecar, unless it is another image's.

    Raises:
        RecordError: when the image needs it and it is unsound or another's.
    """
    name = shown(sidecar.name)
    try:
        record, kept = read_sidecar(sidecar)
    except RecordError as error:
        if wanted is not None:
            raise
        reading.notes.append(f"The sidecar is of no use: {error}")
        return
    if wanted is not None and record_id(record) != wanted:
        raise RecordError(f"{name}: is not the record that the image names; find the one that was saved with it")
    if wanted is None and not _may_belong(record, reading):
        reading.notes.append(f"{name} is of another image: the pixels differ.")
        return
    if trouble is not None:
        reading.notes.append(f"The image's own record cannot be used ({trouble}); the sidecar's is.")
    reading.record, reading.sidecar_used = record, True
    for key, text in kept.items():
        texts.setdefault(key, text)


def _id_in_sidecar(value: Any) -> str | None:
    """Return the id of the record that a stub stands for, or None for a whole record."""
    if isinstance(value, dict) and value.get("schema") == SCHEMA and isinstance(value.get(IN_SIDECAR), str):
        if value.get("version") == VERSION:
            return str(value[IN_SIDECAR])
        raise RecordError("record: is of another version; update Good Seed")
    return None


def _may_belong(record: Record, reading: Reading) -> bool:
    """Say whether a sidecar can be this image's: the same pixels, or the same size where the format changes pixels."""
    own, found = record.get("pixels"), reading.pixels
    if own is None or found is None:
        return True
    same = own["shape"][:2] == found["shape"][:2] if record.get("lossy") else own["sha256"] == found["sha256"]
    return bool(same)


def _compare_pixels(reading: Reading) -> None:
    record = reading.record or {}
    if not _may_belong(record, reading):
        reading.notes.append("The pixels are not those that were saved: the image was edited or converted since.")


def _graph(reading: Reading, texts: dict[str, str], key: str) -> dict[str, Any] | None:
    """Return ComfyUI's prompt or workflow, or None; its NaN, which JSON has not, become texts."""
    text = texts.get(key)
    if text is None:
        return None
    try:
        value = parse_json(_without_nan(text), key)
    except RecordError as error:
        reading.notes.append(f"ComfyUI's graph cannot be used: {error}.")
        return None
    if not isinstance(value, dict):
        return None  # other tools' texts bear the same names
    return value


def _without_nan(text: str) -> str:
    """Return JSON with NaN and infinities as texts; text that is no JSON stays as it is."""
    if not any(word in text for word in ("NaN", "Infinity")):
        return text
    try:
        return json.dumps(json.loads(text, parse_constant=str))
    except (ValueError, RecursionError):
        return text


def _read_others(reading: Reading, texts: dict[str, str]) -> None:
    """Read ComfyUI's graph, or else what another tool wrote."""
    try:
        record = _of_graph(reading) or record_of_texts(texts)
        if record is None:
            return
        record["pixels"] = reading.pixels
        check_record(record)
    except (MissingExtraError, RecordError) as error:
        reading.notes.append(str(error))
    else:
        reading.record, reading.source = record, str(record["source"])


def _of_graph(reading: Reading) -> Record | None:
    if reading.prompt is None:
        return None
    if len(reading.prompt) > MOST_NODES:
        reading.notes.append(f"ComfyUI's graph has {len(reading.prompt)} nodes, over the limit of {MOST_NODES}.")
        return None
    return record_of_graph(reading.prompt)
