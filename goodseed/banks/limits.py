"""Traits to avoid as users write them: `border, grayscale=0.3`."""

from __future__ import annotations

from goodseed.banks.choice import TRAIT_LIMIT
from goodseed.errors import ChoiceError


def parse_limits(text: str) -> dict[str, float]:
    """Return each trait named in `text` with the largest share that a seed may have of it; nothing for no text.

    Raises:
        ChoiceError: for a limit that is no number.
    """
    limits: dict[str, float] = {}
    for part in text.split(","):
        trait, given, limit = (piece.strip() for piece in part.partition("="))
        if not trait and not given:
            continue
        try:
            limits[trait] = float(limit) if given else TRAIT_LIMIT
        except ValueError as error:
            raise ChoiceError(f"avoid '{part.strip()}': '{limit}' is no number; write TRAIT or TRAIT=0.3") from error
    return limits
