"""Diverse seeds: farthest point sampling over what seeds do to style or composition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from goodseed.banks.cautions import cautions
from goodseed.banks.choice import Choice, IntArray, check_count
from goodseed.banks.evidence import diverse_evidence
from goodseed.banks.format import Bank, listed
from goodseed.banks.golden import golden_positions
from goodseed.errors import ChoiceError
from goodseed.seeds import check_seed

if TYPE_CHECKING:
    import torch

BY = ("style", "composition", "both")
WITHIN = ("all", "golden")

_BLOCK_VALUES = 32_768
"""Values handled at a time: 256 KiB as float64 stay in a core's cache."""


def diverse(
    bank: Bank,
    by: str = "style",
    n: int = 4,
    start: int | None = None,
    within: str = "all",
    rule: str = "paper",
    random_state: int = 0,
) -> Choice:
    """Return `n` seeds of `bank` that differ most in `by`: farthest point sampling, the start seed first.

    `by` is a feature of the bank, or `both`: style and composition side by side, each scaled to unit total
    variance. `start` is a seed; None draws it uniformly with `random_state` ("Good Seed Makes a Good Crop",
    section 4.2). `within` golden takes only the seeds that `rule` calls golden: its list for `paper`, the best
    quarter for the others.

    Raises:
        ChoiceError: for an unknown feature, rule or `within`, more seeds than there are, and a start seed that
            is not among them.
        SeedError: for a start outside 0…2^64−1.
    """
    if bank.published:
        raise ChoiceError(f"by '{by}': the bank holds published figures only, no style and no composition; use another")
    features = _features_named(bank, by)
    candidates = _candidates(bank, within, rule)
    where = "the bank holds" if within == "all" else f"rule {rule} calls golden"
    check_count(n, len(candidates), "n", where)
    table = np.concatenate([_comparable(bank, feature, len(features) > 1)[candidates] for feature in features], axis=1)
    chosen = farthest_point_sampling(table, n, _start_index(bank, candidates, start, random_state, where))
    positions = candidates[chosen]
    seeds = [bank.seeds[position] for position in positions]
    evidence, notes = diverse_evidence(bank, features, positions, candidates, random_state) if n > 1 else ({}, [])
    settings: dict[str, Any] = {"by": by, "n": n, "start": seeds[0], "within": within}
    if within == "golden":
        settings["rule"] = rule
    if start is None:
        settings["random_state"] = random_state
    return Choice(seeds, "farthest-point", bank.id, settings, {}, evidence, cautions(bank) + notes)


def farthest_point_sampling(features: torch.Tensor | npt.ArrayLike, n: int, start_index: int) -> list[int]:
    """Return `n` rows of `features` [S, D], each the farthest from those before it, `start_index` first.

    Equation 1 of "Good Seed Makes a Good Crop": each time the row whose Euclidean distance to its nearest
    chosen row is largest; of equals the lowest index. Distances are computed in float64.

    Raises:
        ChoiceError: unless 1 ≤ n ≤ S and 0 ≤ start_index < S, and for features that are no finite table.
    """
    table = np.asarray(features)
    if table.ndim != 2:
        raise ChoiceError(f"farthest point sampling: features of shape {table.shape}; give a table [seeds, D]")
    check_count(n, len(table), "n", "the features hold")
    if not 0 <= start_index < len(table):
        raise ChoiceError(f"farthest point sampling: start {start_index} is outside 0…{len(table) - 1}")
    chosen = [start_index]
    nearest = np.full(len(table), np.inf)
    while len(chosen) < n:
        nearest[chosen[-1]] = -1.0  # never chosen again, also among copies of itself
        _lower_to(nearest, table, table[chosen[-1]])
        if not np.isfinite(nearest).all():
            row = int(np.flatnonzero(~np.isfinite(nearest))[0])
            raise ChoiceError(f"farthest point sampling: NaN or infinity, first met in row {row}; measure it again")
        chosen.append(int(nearest.argmax()))
    return chosen


def _lower_to(nearest: npt.NDArray[np.float64], table: npt.NDArray[Any], point: npt.NDArray[Any]) -> None:
    """Lower each row's squared distance to its nearest chosen row, in place, now that `point` is chosen."""
    block = max(1, _BLOCK_VALUES // max(1, table.shape[1]))
    offsets = np.empty((block, table.shape[1]))
    for first in range(0, len(table), block):
        rows = table[first : first + block]
        offset = offsets[: len(rows)]
        offset[:] = rows
        offset -= point
        lowered = nearest[first : first + block]
        np.minimum(lowered, np.einsum("ij,ij->i", offset, offset), out=lowered)


def _features_named(bank: Bank, by: str) -> list[str]:
    names = ["style", "composition"] if by == "both" else [by]
    if not bank.features:
        raise ChoiceError(f"by '{by}': the bank holds no features; measure some with goodseed study --metrics style")
    for name in names:
        if name not in bank.features:
            raise ChoiceError(f"by '{by}': the bank holds the features {listed(bank.features)}; name one, or both")
    return names


def _candidates(bank: Bank, within: str, rule: str) -> IntArray:
    if within not in WITHIN:
        raise ChoiceError(f"within '{within}': is none of {', '.join(WITHIN)}")
    if within == "all":
        return np.arange(len(bank.seeds))
    golden = golden_positions(bank, rule, None if rule == "paper" else max(1, len(bank.seeds) // 4))
    if len(golden) == 0:
        raise ChoiceError(f"within golden: rule {rule} calls no seed of this bank golden; use another rule")
    return np.sort(golden)


def _comparable(bank: Bank, feature: str, scale: bool) -> npt.NDArray[Any]:
    table = bank.tensors[f"feature.{feature}"]
    if not scale:
        return table
    spread = float(np.sqrt(table.var(axis=0, dtype=np.float64).sum()))
    return table / np.float64(spread) if spread > 0 else table


def _start_index(bank: Bank, candidates: IntArray, start: int | None, random_state: int, where: str) -> int:
    if start is None:
        return int(np.random.default_rng(random_state).integers(len(candidates)))
    check_seed(start, "start")
    for index, position in enumerate(candidates):
        if bank.seeds[position] == start:
            return index
    raise ChoiceError(f"start {start}: is not among the {len(candidates)} seeds that {where}; give one of those")
