"""WebP: lossless to the bit, or lossy; texts in EXIF, of any length."""

from __future__ import annotations

import io

from PIL import Image

LARGEST_SIDE = 16383


def write_webp(image: Image.Image, exif: bytes, quality: int, lossless: bool) -> bytes:
    """Return a WebP file. Lossless keeps the colour of transparent pixels too."""
    buffer = io.BytesIO()
    if lossless:
        image.save(buffer, "WEBP", lossless=True, exact=True, quality=50, method=2, exif=exif)
    else:
        image.save(buffer, "WEBP", quality=quality, exif=exif)
    return buffer.getvalue()
