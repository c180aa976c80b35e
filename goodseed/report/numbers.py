"""Numbers as a reader wants them."""

from __future__ import annotations

import math
from typing import Any

from goodseed.stats import Interval

MINUS = "\N{MINUS SIGN}"
PERCENT = "\N{NO-BREAK SPACE}%"


def finite(value: Any) -> float | None:
    """Return `value` as a float, or None where a bank holds something else or nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def read_interval(entry: Any, value: str = "value") -> Interval | None:
    """Return the interval that a bank's reliability entry holds, or None where it holds none."""
    if not isinstance(entry, dict):
        return None
    parts = [finite(entry.get(key)) for key in (value, "low", "high")]
    if None in parts:
        return None
    middle, low, high = (part for part in parts if part is not None)
    return Interval(middle, low, high)


def decimals_for(*values: float | None, figures: int = 3) -> int:
    """Return how many decimals show so many figures of the largest of `values` (0…6)."""
    largest = max((abs(v) for v in values if v is not None), default=0.0)
    return 2 if largest == 0 else min(6, max(0, figures - 1 - math.floor(math.log10(largest))))


def interval_decimals(interval: Interval) -> int:
    """Return how many decimals show two figures of an interval's larger end: more would be noise."""
    return decimals_for(interval.low, interval.high, figures=2)


def number(value: float | None, decimals: int | None = None, sign: bool = False) -> str:
    """Return `value` with thousands separated and a real minus; a dash for None."""
    if value is None or not math.isfinite(value):
        return "\N{EN DASH}"
    text = f"{abs(value):,.{decimals_for(value) if decimals is None else decimals}f}"
    nothing = not any(c in "123456789" for c in text)
    return ("" if nothing else MINUS if value < 0 else "+" if sign else "") + text


def percent(share: float | None) -> str:
    """Return a share of 1 as per cent, with one decimal below ten."""
    if share is None or not math.isfinite(share):
        return "\N{EN DASH}"
    return number(100 * share, 0 if abs(share) >= 0.0995 else 1) + PERCENT


def span(interval: Interval, decimals: int | None = None, sign: bool = False) -> str:
    """Return `low to high`."""
    places = interval_decimals(interval) if decimals is None else decimals
    return f"{number(interval.low, places, sign)} to {number(interval.high, places, sign)}"


def percent_span(interval: Interval) -> str:
    """Return `low to high` of shares, in per cent."""
    return f"{percent(interval.low).removesuffix(PERCENT)} to {percent(interval.high)}"


def count(number_of: int, one: str, many: str | None = None) -> str:
    """Return `1 seed`, `2 seeds`."""
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"
