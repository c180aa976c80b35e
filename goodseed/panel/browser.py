"""What a browser can hold of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGEST_EXACT = (1 << 53) - 1
"""The largest whole number that a browser holds exactly; larger seeds are shown as text and cannot be set there."""


def is_settable(value: Any) -> bool:
    """Say whether a browser can put a value into a widget: a text, a switch, or a number that it holds exactly."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= LARGEST_EXACT
    return isinstance(value, (str, bool, float))


def for_browsers(value: Any) -> Any:
    """Return JSON with whole numbers that a browser would round as texts."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_EXACT:
        return str(value)
    if isinstance(value, Mapping):
        return {key: for_browsers(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [for_browsers(inner) for inner in value]
    return value
