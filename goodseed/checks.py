"""Checks of values from files that nobody has checked: each returns what is wrong with a value, or nothing."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeGuard

Check = Callable[[Any], str]
"""Returns what is wrong with a value, or nothing."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_LARGEST = 1e300
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 2
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200


def field_problems(where: str, value: Any, fields: Mapping[str, Check]) -> Iterator[str]:
    """Yield one line for each field of an object that is missing or wrong."""
    if not isinstance(value, dict):
        yield f"{where}: is missing or no object"
        return
    for key, check in fields.items():
        if key not in value:
            yield f"{where}.{key}: is missing"
        elif complaint := check(value[key]):
            yield f"{where}.{key}: {complaint}"


def shown(value: Any, length: int = 60) -> str:
    """Return a value from a file on one line, safe to print."""
    text = _SHORT.repr(value).encode("ascii", "backslashreplace").decode()
    return text if len(text) <= length else text[: length - 1] + "…"


def is_int(value: Any) -> TypeGuard[int]:
    """Say whether a value is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Say whether a value is a finite number that arithmetic in float64 does not overflow at once."""
    return (is_int(value) or isinstance(value, float)) and abs(value) < _LARGEST


def an_object(value: Any) -> str:
    return "" if isinstance(value, dict) else "is no object"


def a_list(value: Any) -> str:
    return "" if isinstance(value, list) else "is no list"


def a_text(value: Any) -> str:
    return "" if isinstance(value, str) else f"{shown(value)} is no text"


def a_sha256(value: Any) -> str:
    return "" if isinstance(value, str) and _SHA256.fullmatch(value) else f"{shown(value)} is no SHA-256 in hexadecimal"
