"""What a choice of seeds is, and the ranks that choices rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from goodseed.banks.format import Bank, listed
from goodseed.errors import ChoiceError

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

TRAIT_LIMIT = 0.5
"""The share of a seed's images above which a trait to avoid rules the seed out, unless another limit is given."""


@dataclass(frozen=True)
class Choice:
    """Seeds chosen from a bank, best first, with what speaks for them.

    `settings` repeats what was asked; `scores` holds, for each seed, its figures on the selection prompts;
    `evidence` holds figures on the held-out prompts and the bank's reliability; `notes` are sentences.
    """

    seeds: list[int]
    rule: str
    bank: str
    settings: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, list[float]] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "seeds": self.seeds,
            "rule": self.rule,
            "bank": self.bank,
            "settings": self.settings,
            "scores": self.scores,
            "evidence": self.evidence,
            "notes": self.notes,
        }


def quality(bank: Bank, metric: str, worst: bool = False) -> npt.NDArray[np.float64]:
    """Return a metric's selection means [S], turned so that more is better (with `worst`: so that more is worse)."""
    sign = 1.0 if (bank.metrics[metric]["direction"] == "higher") != worst else -1.0
    return sign * bank.metric(metric).astype(np.float64)


def order_of(values: npt.NDArray[np.float64]) -> IntArray:
    """Return positions by falling value; equal values in the bank's order."""
    return np.argsort(-values, kind="stable")


def ranks_of(values: npt.NDArray[np.float64]) -> IntArray:
    """Return each value's rank, 0 for the largest; equal values share the better rank."""
    falling = -values[order_of(values)]
    return np.searchsorted(falling, -values, side="left").astype(np.int64)


def allowed_seeds(bank: Bank, avoid: Mapping[str, float] | Sequence[str]) -> tuple[BoolArray, dict[str, float]]:
    """Return which seeds [S] keep every trait to avoid at or under its limit, and the limits.

    Raises:
        ChoiceError: for a trait that the bank does not hold, or a limit outside 0…1.
    """
    if isinstance(avoid, str):
        avoid = [avoid]
    limits = dict(avoid) if isinstance(avoid, Mapping) else dict.fromkeys(avoid, TRAIT_LIMIT)
    allowed = np.ones(len(bank.seeds), dtype=bool)
    for trait, limit in limits.items():
        if trait not in bank.traits:
            raise ChoiceError(f"avoid '{trait}': the bank holds the traits {listed(bank.traits)}; name one of these")
        if not 0 <= limit <= 1:
            raise ChoiceError(f"avoid '{trait}': the limit {limit} is no share; give one in 0…1")
        allowed &= bank.tensors[f"trait.{trait}"] <= limit
    return allowed, {trait: float(limit) for trait, limit in sorted(limits.items())}


def check_count(count: int, largest: int, name: str, where: str) -> int:
    """Return `count` if it lies in 1…largest.

    Raises:
        ChoiceError: otherwise.
    """
    if not 1 <= count <= largest:
        raise ChoiceError(f"{name} {count}: {where} {largest} seeds; give {name} in 1…{largest}")
    return count
