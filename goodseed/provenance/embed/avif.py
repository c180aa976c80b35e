"""AVIF, where Pillow was built with it (11.3 and later are); texts in EXIF, of any length."""

from __future__ import annotations

import io

from PIL import Image, features

LARGEST_SIDE = 65535


def has_avif() -> bool:
    """Say whether Pillow can write AVIF here."""
    return "avif" in features.modules and features.check("avif") is True


def write_avif(image: Image.Image, exif: bytes, quality: int) -> bytes:
    """Return an AVIF file; one thread, since images are encoded side by side."""
    buffer = io.BytesIO()
    image.save(buffer, "AVIF", quality=quality, speed=7, max_threads=1, exif=exif)
    return buffer.getvalue()
