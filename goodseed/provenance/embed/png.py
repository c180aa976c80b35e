"""PNG: pixels as ComfyUI's SaveImage writes them, texts in uncompressed chunks, and reading the texts of any PNG.

Chunks are those of "PNG Specification, third edition" (W3C, 2025), sections 5.3 and 11.3.3. ComfyUI's front end reads
tEXt and uncompressed iTXt as UTF-8; so everything that is not ASCII goes to iTXt, and nothing is compressed.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from typing import BinaryIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from goodseed.errors import ImageError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LONGEST_KEY = 79
_MOST_CHUNKS = 200_000


def write_png(image: Image.Image, texts: Mapping[str, str], unicode: Mapping[str, str], compress_level: int) -> bytes:
    """Return a PNG file with `texts` by keyword: tEXt where they are ASCII, and iTXt for those in `unicode` anyhow."""
    info = PngInfo()
    for key, text in texts.items():
        if not 0 < len(key) <= _LONGEST_KEY or not key.isascii() or not key.isprintable():
            continue  # no keyword of a PNG; ComfyUI's own are prompt and workflow
        if text.isascii() and "\0" not in text:
            info.add_text(key, text)
        else:
            info.add_itxt(key, text.replace("\0", ""))
    for key, text in unicode.items():
        info.add_itxt(key, text)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=info, compress_level=compress_level)
    return buffer.getvalue()


def png_texts(file: BinaryIO, most: int) -> dict[str, str]:
    """Return the texts of a PNG by keyword, the first of each; at most `most` bytes of text in all.

    Raises:
        ImageError: when the file is cut short or damaged, or has too much text.
    """
    if file.read(8) != SIGNATURE:
        raise ImageError("is no PNG")
    end = file.seek(0, io.SEEK_END)
    place, left = 8, most
    found: dict[str, str] = {}
    for _ in range(_MOST_CHUNKS):
        file.seek(place)
        head = file.read(8)
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or place + size + 12 > end:
            raise ImageError("is cut short; copy or save it again")
        if kind == b"IEND":
            return found
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            if size > left:
                raise ImageError(f"holds over {most >> 20} MB of text; remove it, for instance by saving it anew")
            body = file.read(size)
            if zlib.crc32(kind + body) != int.from_bytes(file.read(4), "big"):
                raise ImageError(f"a text in it is damaged (checksum at byte {place}); copy or save it again")
            key, text = _text(kind, body, left)
            left -= max(size, len(text))
            found.setdefault(
                key, text.decode("latin-1" if kind != b"iTXt" and not _is_utf8(text) else "utf-8", "replace")
            )
        place += size + 12
    raise ImageError(f"has over {_MOST_CHUNKS} chunks; save it anew")


def _text(kind: bytes, body: bytes, most: int) -> tuple[str, bytes]:
    """Return keyword and text of a text chunk, decompressed within `most` bytes."""
    key, _, rest = body.partition(b"\0")
    compressed = kind == b"zTXt"
    if kind == b"zTXt":
        rest = rest[1:]
    elif kind == b"iTXt":
        compressed = rest[:1] == b"\1"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    if compressed:
        rest = _decompressed(rest, most)
    return key.decode("latin-1"), rest


def _decompressed(data: bytes, most: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(data, most + 1)
    except zlib.error as error:
        raise ImageError("a text in it is damaged (it cannot be decompressed); copy or save it again") from error
    if len(text) > most:
        raise ImageError("a text in it swells without end when it is decompressed; remove it")
    return text


def _is_utf8(text: bytes) -> bool:
    """Say whether a tEXt is UTF-8: by the specification it is Latin-1, many tools write UTF-8 all the same."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
