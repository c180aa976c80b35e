"""Pictures of the running graph: shown in the front end, and held against a picture or a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comfy_api.latest import io, ui
from torch import Tensor

from goodseed.provenance.embed import to_uint8
from goodseed.provenance.fingerprint import pixels_of
from goodseed.provenance.record import parse_record, record_text
from goodseed.provenance.verify.check import Checked, check

from .record import records_for

_PREFIX = "goodseed-check"


def check_images(
    images: Tensor, reference: Tensor | None, record: str | None, prompt: Mapping[str, Any], node: str
) -> tuple[Checked, list[str]]:
    """Return what the comparison says, and the records of the images as texts.

    Raises:
        RecordError: when the record is unsound.
        VerifyError: when the reference does not fit the images.
    """
    pictures = [to_uint8(image.cpu().numpy()) for image in images]
    references = [to_uint8(image.cpu().numpy()) for image in reference] if reference is not None else []
    made = records_for(images, _pictures_only(prompt, node), node)
    own = [{**one, "pixels": pixels_of(picture)} for one, picture in zip(made, pictures, strict=True)]
    checked = check(pictures, own, references, parse_record(record) if record else None)
    return checked, [record_text(one) for one in own]


def show_images(images: Tensor, node: type[io.ComfyNode]) -> list[Any]:
    """Write images into the temporary folder, losslessly, and return what the front end needs to show them."""
    return ui.ImageSaveHelper.save_images(images, _PREFIX, io.FolderType.temp, node, compress_level=1)


def _pictures_only(prompt: Mapping[str, Any], node: str) -> dict[str, Any]:
    """Return the prompt with the check's other inputs cut, so that the images' records do not hang on the reference."""
    own = prompt[node]
    return {**prompt, node: {**own, "inputs": {"images": own["inputs"]["images"]}}}
