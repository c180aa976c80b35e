"""Small copies of pictures, written into a page itself."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image


def small(image: NDArray[Any], side: int) -> Image:
    """Return an image uint8 [H, W, C] as RGB whose longer side is at most `side` pixels; transparency is left out."""
    from PIL import Image as images

    picture = images.fromarray(np.ascontiguousarray(image, dtype=np.uint8)).convert("RGB")
    if max(picture.size) > side:
        picture.thumbnail((side, side), images.Resampling.LANCZOS)
    return picture


def data_uri(image: Image) -> str:
    """Return a picture as a data URI: as WebP where Pillow has it, else as PNG."""
    kind, data = _encoded(image)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _encoded(image: Image) -> tuple[str, bytes]:
    from PIL import features

    buffer = io.BytesIO()
    if features.check("webp"):
        image.save(buffer, "WEBP", quality=86, method=4)
        return "webp", buffer.getvalue()
    image.save(buffer, "PNG")
    return "png", buffer.getvalue()
