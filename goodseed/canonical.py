"""Canonical JSON: one text for one value, so that it can be hashed."""

from __future__ import annotations

import json
from typing import Any


def canonical_json(value: Any) -> str:
    """Return `value` as JSON with sorted keys, no spaces and no NaN.

    Raises:
        ValueError: for NaN, infinities and types that JSON does not have.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
