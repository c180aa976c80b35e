"""Figures as text with so many decimals, for tables and sentences in plain characters."""

from __future__ import annotations


def fixed(value: float, decimals: int) -> str:
    """Return `value` with so many decimals; what rounds to nothing has no sign."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def spanned(value: float, low: float, high: float, decimals: int) -> str:
    """Return `value (low…high)`."""
    return f"{fixed(value, decimals)} ({fixed(low, decimals)}…{fixed(high, decimals)})"
