"""Opening an image file that nobody has checked: its texts and its pixels, within fixed bounds."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from goodseed.errors import ImageError
from goodseed.provenance.embed.avif import has_avif
from goodseed.provenance.embed.exif import exif_texts
from goodseed.provenance.embed.png import SIGNATURE, png_texts
from goodseed.provenance.record import LARGEST_TEXT

LARGEST_FILE = 512 << 20
LARGEST_IMAGE = 178_956_970
"""Pixels: where Pillow suspects a decompression bomb (PIL/Image.py), fixed here since hosts turn its check off."""
_BOMB_PIXELS, _BOMB_RATIO = 24_000_000, 400
"""An image with more pixels than this, each file byte of which stands for so many bytes of pixels, is refused."""
_STRIP = 4 << 20
_BROKEN = (
    OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, AttributeError, OverflowError, EOFError,
    RuntimeError, MemoryError, ZeroDivisionError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
"""What Pillow's decoders raise for damaged files."""


def open_source(source: Path | bytes, name: str) -> BinaryIO:
    """Return the open file, or the bytes as one.

    Raises:
        ImageError: when there is no such file, it is empty, or over 512 MB.
    """
    if isinstance(source, bytes):
        size, file = len(source), io.BytesIO(source)
    else:
        try:
            if not source.is_file():
                raise ImageError(
                    f"{name}: {'is no file' if source.exists() else 'there is no such file'}; name an image"
                )
            file = source.open("rb")  # type: ignore[assignment]
            size = os.fstat(file.fileno()).st_size
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = getattr(error, "strerror", None) or error
            raise ImageError(f"{name}: cannot be read ({reason}); check the name and the rights") from error
    if size > LARGEST_FILE:
        file.close()
        raise ImageError(f"{name}: {size >> 20} MB are over the limit of {LARGEST_FILE >> 20} MB for an image")
    if not size:
        file.close()
        raise ImageError(f"{name}: is empty; copy or save it again")
    return file


class Picture:
    """An image file: its format, its size, its texts; its pixels when they are asked for."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Read the head and the texts.

        Raises:
            ImageError: when it is no PNG, WebP, JPEG or AVIF, is damaged, or holds too much.
        """
        self.name = name
        self.format = _format(file, name)
        self.texts: dict[str, str] = {}
        try:
            if self.format == "PNG":
                self.texts = png_texts(file, LARGEST_TEXT)
            file.seek(0)
            self._size = file.seek(0, io.SEEK_END)
            file.seek(0)
            self._image = Image.open(file, formats=(self.format,))
        except ImageError as error:
            raise ImageError(f"{name}: {error}") from error
        except _BROKEN as error:
            raise self._damaged(error) from error
        self.size = self._image.size
        if self.format != "PNG":
            self._read_exif()

    def pixels(self, most: int = LARGEST_IMAGE) -> NDArray[np.uint8]:
        """Return the first frame's pixels uint8 [H, W, 3 or 4], as they are stored; `most` is how many are taken.

        Raises:
            ImageError: when they are damaged, cut short, or suspiciously many.
        """
        width, height = self.size
        count = width * height
        if count > LARGEST_IMAGE or (count > _BOMB_PIXELS and 3 * count > _BOMB_RATIO * self._size):
            raise ImageError(
                f"{self.name}: {width}×{height} px in {max(1, self._size >> 10)} KB look like a decompression bomb; "
                "it is not opened"
            )
        if count > most:
            raise ImageError(f"{self.name}: {width}×{height} px are over the limit of {most:,} pixels; scale it down")
        try:
            self._image.load()
            mode = self._mode()
            image = _as_eight_bits(self._image) if self._image.mode.startswith("I") else self._image
            if image.mode != mode:
                image = image.convert(mode)
            return np.asarray(image, dtype=np.uint8)
        except _BROKEN as error:
            raise self._damaged(error) from error

    def _mode(self) -> str:
        image = self._image
        transparent = "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info
        return "RGBA" if transparent else "RGB"

    def _read_exif(self) -> None:
        blob: Any = self._image.info.get("exif", b"")
        if len(blob) > LARGEST_TEXT:
            raise ImageError(f"{self.name}: holds over {LARGEST_TEXT >> 20} MB of text; remove it by saving it anew")
        self.texts = exif_texts(blob)

    def _damaged(self, error: BaseException) -> ImageError:
        why = " ".join(str(error).split())[:100] or type(error).__name__
        if isinstance(error, MemoryError):
            why = "not enough memory"
        return ImageError(f"{self.name}: is damaged or cut short ({why}); copy or save it again")


def pixels_sha256(pixels: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of pixels, without a copy of them all."""
    digest = hashlib.sha256()
    rows = max(1, _STRIP // max(1, pixels[0].nbytes))
    for start in range(0, len(pixels), rows):
        digest.update(np.ascontiguousarray(pixels[start : start + rows]).data)
    return digest.hexdigest()


def _format(file: BinaryIO, name: str) -> str:
    """Return Pillow's name of a format by the first bytes."""
    head = file.read(32)
    file.seek(0)
    if head.startswith(SIGNATURE):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp" and any(brand in head for brand in (b"avif", b"avis")):
        if not has_avif():
            raise ImageError(f"{name}: is AVIF, which Pillow reads from 11.3 on; pip install -U pillow")
        return "AVIF"
    raise ImageError(f"{name}: is no PNG, WebP, JPEG or AVIF image")


def _as_eight_bits(image: Image.Image) -> Image.Image:
    """Return a picture of 16 bits a channel with the upper 8 of them."""
    values = np.asarray(image)
    return Image.fromarray((np.clip(values, 0, 65535).astype(np.uint32) >> 8).astype(np.uint8))
