"""Pictures as a server sends them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from goodseed.errors import StudyError


def decoded(data: bytes, url: str) -> np.ndarray:
    """Return the picture in a file that the server at `url` has sent: uint8 [H, W, 3].

    Raises:
        StudyError: when it cannot be read.
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise StudyError(f"{url}: sent a picture that cannot be read ({error})") from error
