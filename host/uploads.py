"""Questions to the panel's routes: multipart forms, read as they come in, up to a cap on each part."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from goodseed.errors import TooLargeError, TooLongError, UploadError

if TYPE_CHECKING:
    from goodseed.panel.picture import Source

_CHUNK = 256 << 10
_MOST_NAME = 16 << 10
_SLACK = 256 << 10
"""What the form itself may take, beside what its parts hold."""
_SECONDS = 600.0
_AT_ONCE = asyncio.Semaphore(4)
"""How many questions' bodies are kept at a time."""


@dataclass
class Parts:
    """The parts of a form by name: pictures, and the bytes of texts."""

    pictures: dict[str, Source] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)


async def read_parts(
    request: web.Request,
    pictures: tuple[str, ...],
    texts: Mapping[str, int],
    optional: tuple[str, ...],
    named: Callable[[Mapping[str, Any]], Source],
) -> Parts:
    """Return the parts of a form; `texts` gives the most bytes of each, `named` finds a picture by its name.

    Raises:
        UploadError: when it is no form, is broken off, lacks a part, or has others.
        TooLargeError: when a part is over its cap, or the whole says beforehand that it is.
        TooLongError: when it does not arrive in time.
    """
    from goodseed.panel.picture import LARGEST_FILE

    most = len(pictures) * LARGEST_FILE + sum(texts.values()) + _SLACK
    if (request.content_length or 0) > most:
        raise TooLargeError(f"what was sent has {_size(request.content_length or 0)}, over the limit of {_size(most)}")
    if not request.content_type.startswith("multipart/"):
        raise UploadError("what was sent is no form; send multipart/form-data")
    limits = {**dict.fromkeys(pictures, LARGEST_FILE), **texts}
    async with _AT_ONCE:
        try:
            parts = await asyncio.wait_for(_read(request, pictures, limits, named), _SECONDS)
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise TooLongError(f"it did not arrive within {_SECONDS:g} s; send it again") from error
        except (ValueError, LookupError, AssertionError, HttpProcessingError) as error:
            raise UploadError("the form is broken off or damaged; send it again") from error
    missing = [name for name in limits if name not in optional and name not in (*parts.pictures, *parts.texts)]
    if missing:
        raise UploadError(f"{missing[0]}: is missing from the form")
    return parts


async def _read(
    request: web.Request,
    pictures: tuple[str, ...],
    limits: Mapping[str, int],
    named: Callable[[Mapping[str, Any]], Source],
) -> Parts:
    from goodseed.panel.picture import Source

    parts = Parts()
    async for part in await request.multipart():
        name = part.name if isinstance(part, BodyPartReader) else None
        if name not in limits or name in parts.pictures or name in parts.texts:
            raise UploadError(f"{str(name)[:40]!a}: is a part that is not expected here, or comes twice")
        if name not in pictures:
            parts.texts[name] = await _content(part, name, limits[name])
        elif part.filename is not None:
            parts.pictures[name] = Source(part.filename, await _content(part, name, limits[name]))
        else:
            parts.pictures[name] = named(_parsed(await _content(part, name, _MOST_NAME), name))
    return parts


async def _content(part: BodyPartReader, name: str, most: int) -> bytes:
    """Return what a part holds, reading no further than its cap."""
    found = bytearray()
    while chunk := await part.read_chunk(_CHUNK):
        found += chunk
        if len(found) > most:
            raise TooLargeError(f"{name}: is over the limit of {_size(most)}")
    return bytes(found)


def _parsed(text: bytes, name: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UploadError(f"{name}: is neither a file nor JSON of filename, subfolder and type")
    return value


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count >= 1 << 20 else f"{count >> 10} KB"
