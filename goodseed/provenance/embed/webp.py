"""WebP: lossless to the bit, or lossy; texts in EXIF, of any length.

Chunks are those of "WebP Container Specification" (Google, RFC 9649), section 2.3.
"""

from __future__ import annotations

import io

from PIL import Image

LARGEST_SIDE = 16383
_PICTURE = (b"VP8 ", b"VP8L", b"ALPH")


def write_webp(image: Image.Image, exif: bytes, quality: int, lossless: bool) -> bytes:
    """Return a WebP file. Lossless keeps the colour of transparent pixels too."""
    buffer = io.BytesIO()
    if lossless:
        image.save(buffer, "WEBP", lossless=True, exact=True, quality=50, method=2, exif=exif)
    else:
        image.save(buffer, "WEBP", quality=quality, exif=exif)
    return _even(buffer.getvalue())


def _even(data: bytes) -> bytes:
    """Return the file with its pictures' chunks of even size: the zero that pads an odd one is made a part of it.

    ComfyUI's front end up to 1.27 at least (getWebpMetadata in scripts/pnginfo.ts) forgets the padding, and then finds
    no EXIF. Decoders leave alone what follows the last bit that they need.
    """
    changed = bytearray(data)
    place = 12
    while place + 8 <= len(changed):
        size = int.from_bytes(changed[place + 4 : place + 8], "little")
        padded = size + size % 2
        if bytes(changed[place : place + 4]) in _PICTURE:
            changed[place + 4 : place + 8] = padded.to_bytes(4, "little")
        place += 8 + padded
    return bytes(changed)
