"""JPEG: texts in EXIF, which one marker segment holds: 64 KB in all ("JFIF", ITU-T T.81, section B.1.1.4)."""

from __future__ import annotations

import io

from PIL import Image

LARGEST_SIDE = 65500
LARGEST_EXIF = 65533


def write_jpeg(image: Image.Image, exif: bytes, quality: int) -> bytes:
    """Return a JPEG file, colour in full resolution at quality 90 and above."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2, optimize=True, exif=exif)
    return buffer.getvalue()
