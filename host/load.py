"""Images in the host's folders, read with what they say of themselves."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folder_paths
import numpy as np
import torch
from comfy_execution.graph_utils import ExecutionBlocker
from torch import Tensor

from goodseed.errors import GoodSeedError, ImageError
from goodseed.provenance.paths import shown
from goodseed.provenance.record import record_text
from goodseed.provenance.sidecar import sidecar_of

if TYPE_CHECKING:
    from goodseed.provenance.read import Reading

EXAMPLE = "goodseed-example.png"
"""A picture with its record that comes with the pack: example_workflows/made_again_from_its_file.json loads it."""

_SHIPPED = Path(__file__).resolve().parent.parent / "example_workflows" / "pictures" / EXAMPLE
_ENDINGS = (".png", ".webp", ".jpg", ".jpeg", ".avif")


def offer_example() -> None:
    """Put the example into ComfyUI's temporary folder, which it empties at its start: no folder of the user changes."""
    folder = Path(folder_paths.get_temp_directory())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_SHIPPED, folder / EXAMPLE)
    except OSError as error:
        logging.warning("Good Seed: %s cannot be offered: %s", EXAMPLE, error.strerror or error)


def image_names() -> list[str]:
    """Return the images in the input folder, as LoadImage lists them, and the example."""
    folder = folder_paths.get_input_directory()
    files = (entry.name for entry in os.scandir(folder) if entry.is_file())
    return [*sorted(name for name in files if name.lower().endswith(_ENDINGS)), f"{EXAMPLE} [temp]"]


def image_path(name: str) -> Path:
    """Return the file that LoadImage means by a name, `name [output]` included.

    Raises:
        ImageError: when there is none, or it lies outside the input, output and temporary folder.
    """
    plain, folder = folder_paths.annotated_filepath(name)
    root = Path(folder or folder_paths.get_input_directory()).resolve()
    try:
        path = (root / plain).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ImageError(f"image '{shown(name)}': is no usable name; choose an image of the list") from error
    if root not in path.parents:
        raise ImageError(f"image '{shown(name)}': lies outside ComfyUI's folders; upload it")
    if not path.is_file():
        raise ImageError(f"image '{shown(name)}': there is no such file; upload it")
    return path


def image_problem(name: str) -> str:
    """Return why an image cannot be loaded, or nothing."""
    try:
        image_path(name)
    except GoodSeedError as error:
        return str(error)
    return ""


def image_fingerprint(name: str) -> str:
    """Return a hash of an image and its sidecar, by which the host knows whether either has changed."""
    digest = hashlib.sha256()
    try:
        path = image_path(name)
        for file in (path, sidecar_of(path)):
            digest.update(hashlib.sha256(file.read_bytes()).digest() if file.is_file() else b"none")
    except (GoodSeedError, OSError) as error:
        return str(error)
    return digest.hexdigest()


def load_image(name: str) -> tuple[Tensor, Reading]:
    """Return an image float [1, H, W, 3 or 4] in 0…1, and what it says of itself.

    Raises:
        ImageError: when it is missing or damaged.
        RecordError: when its record is.
    """
    from goodseed.provenance.read import read_image  # late: it would lengthen ComfyUI's start

    reading = read_image(image_path(name), name=shown(name), keep_image=True)
    assert reading.image is not None  # as asked for
    return torch.from_numpy(reading.image.astype(np.float32) / 255.0)[None], reading


def record_or_stop(reading: Reading) -> Any:
    """Return the record as text; where there is none, what stops the nodes that would use it."""
    if reading.record is None:
        return ExecutionBlocker("Provenance Loader: the image holds no record and no parameters of a known tool")
    return record_text(reading.record)


def known_value(reading: Reading, name: str) -> Any:
    """Return a value of the record's tuple; where it is unknown, what stops the nodes that would use it."""
    entry = reading.record["tuple"].get(name) if reading.record is not None else None
    if entry is None or entry["value"] is None:
        return ExecutionBlocker(f"Provenance Loader: the image does not say its {name}; enter it by hand")
    return entry["value"]


def prompt_text(reading: Reading, role: str) -> Any:
    """Return the texts of a role, one under the other; where there are none, what stops the nodes that would use it."""
    prompts = reading.record["prompts"] if reading.record is not None else []
    texts = [prompt["text"] for prompt in prompts if prompt["role"] == role]
    if not texts:
        return ExecutionBlocker(f"Provenance Loader: the image does not say its {role} prompt; enter it by hand")
    return "\n".join(texts)
