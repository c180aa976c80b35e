"""Texts in EXIF: ComfyUI's convention of `key:text` in the tags around Make, and A1111's UserComment.

Reading walks the TIFF structure within fixed bounds, whatever the file claims of itself; sizes and offsets are those of
"TIFF 6.0" (Adobe, 1992), section 2, and of EXIF 2.3 (CIPA DC-008), section 4.6.5 for the UserComment.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping

from PIL import Image

PROMPT_TAG = 0x0110
"""Model: where ComfyUI's own savers put the prompt; everything else goes downwards from Make."""
_FIRST_EXTRA_TAG = 0x010F
_EXIF_IFD, _USER_COMMENT = 0x8769, 0x9286
_UNICODE = b"UNICODE\0"
_LINKS = (_EXIF_IFD, 0x014A)
"""Tags whose value is the place of another directory."""
_TEXT_TYPES = (1, 2, 6, 7)
_MOST_ENTRIES, _MOST_DIRECTORIES = 1000, 16
_KEYED = re.compile(r"([A-Za-z_][\w.\- ]{0,63}):")


def build_exif(texts: Mapping[str, str], parameters: str | None) -> bytes:
    """Return EXIF with ASCII `texts` by key, as ComfyUI's front end reads it, and A1111's text as UserComment."""
    exif = Image.Exif()
    tag = _FIRST_EXTRA_TAG
    for key, text in texts.items():
        line = f"{key}:{text}"
        if key == "prompt":
            exif[PROMPT_TAG] = line
        else:
            exif[tag] = line
            tag -= 1
    if parameters is not None:
        exif.get_ifd(_EXIF_IFD)[_USER_COMMENT] = _UNICODE + parameters.encode("utf-16-be", "replace")
    return exif.tobytes() if len(exif) or parameters is not None else b""


def exif_texts(blob: bytes) -> dict[str, str]:
    """Return the texts of an EXIF block by key; a text that names no key is `parameters` where it is a UserComment."""
    found: dict[str, str] = {}
    for tag, value in _entries(blob):
        text = _user_comment(value) if tag == _USER_COMMENT else value.decode("utf-8", "replace")
        text = text.rstrip("\0")
        keyed = _KEYED.match(text)
        if tag == _USER_COMMENT:
            found.setdefault("parameters", text)
        elif keyed:
            key = keyed[1].lower() if keyed[1] in ("Prompt", "Workflow") else keyed[1]
            found.setdefault(key, text[keyed.end() :])
    return found


def _entries(blob: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and bytes of each text in the directories of a TIFF block; what points outside it is left out."""
    start = 6 if blob[:6] == b"Exif\0\0" else 0
    data = memoryview(blob)[start:]
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    if order is None or len(data) < 8:
        return
    waiting, seen = [struct.unpack_from(order + "I", data, 4)[0]], set[int]()
    while waiting and len(seen) < _MOST_DIRECTORIES:
        place = waiting.pop(0)
        if place in seen or place + 2 > len(data):
            continue
        seen.add(place)
        count = min(struct.unpack_from(order + "H", data, place)[0], _MOST_ENTRIES)
        for number in range(count):
            entry = place + 2 + 12 * number
            if entry + 12 > len(data):
                return
            tag, kind, size, offset = struct.unpack_from(order + "HHII", data, entry)
            if tag in _LINKS:
                waiting.append(offset)
            elif kind in _TEXT_TYPES:
                begin = entry + 8 if size <= 4 else offset
                if begin + size <= len(data):
                    yield tag, bytes(data[begin : begin + size])


def _user_comment(value: bytes) -> str:
    """Return a UserComment's text; writers disagree on the byte order of UNICODE, so the zero bytes decide."""
    kind, text = value[:8], value[8:]
    if kind != _UNICODE:
        return (text if kind in (b"ASCII\0\0\0", b"\0" * 8) else value).decode("utf-8", "replace")
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return text.decode("utf-16", "replace")
    little = text[1::2].count(0) > text[0::2].count(0)
    return text.decode("utf-16-le" if little else "utf-16-be", "replace")
