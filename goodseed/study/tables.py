"""A study's numbers as tables of seeds × prompts, in float64: what means, errors and intervals are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodseed.study.interfaces import SetDistance
from goodseed.study.ledger import Ledger

FloatArray = npt.NDArray[np.float64]
Distances = Mapping[str, Mapping[str, SetDistance]]
"""Prompt set → metric per seed → what it is the distance to."""

PLACES = {"x": "centroid_x", "y": "centroid_y"}
"""Names in a bank's evidence of what a composition's axes are called."""


@dataclass(frozen=True)
class Tables:
    """Each metric on each prompt set, and what needs no held-out set on both together."""

    selection: Mapping[str, FloatArray]
    """Metric → [S, P]."""
    held_out: Mapping[str, FloatArray]
    """Metric → [S, Q]."""
    traits: Mapping[str, FloatArray]
    """Trait → [S, P + Q]."""
    composition: Mapping[str, FloatArray]
    """centroid_x, centroid_y, size and, where measured, depth → [S, P + Q]."""

    def of_set(self, prompt_set: str) -> Mapping[str, FloatArray]:
        return self.selection if prompt_set == "selection" else self.held_out

    @staticmethod
    def of(ledger: Ledger, distances: Distances) -> Tables:
        """Make the tables of a ledger. A metric per seed has what each prompt adds (see `SetDistance.per_prompt`)."""
        metrics = {name: _metrics(ledger, name, found) for name, found in distances.items()}
        both = (ledger.selection, ledger.held_out)
        return Tables(
            selection=metrics["selection"],
            held_out=metrics["held_out"],
            traits={
                trait: np.concatenate([cells.traits[trait] for cells in both], axis=1).astype(np.float64)
                for trait in ledger.selection.traits
            },
            composition=_composition(ledger),
        )


def _metrics(ledger: Ledger, prompt_set: str, distances: Mapping[str, SetDistance]) -> dict[str, FloatArray]:
    tables = {name: values.astype(np.float64) for name, values in ledger.cells(prompt_set).metrics.items()}
    for name, distance in distances.items():
        blocks = ledger.blocks(prompt_set, ledger.plan.set_metrics[name])
        tables[name] = np.concatenate([distance.per_prompt(block) for block in blocks])
    return tables


def _composition(ledger: Ledger) -> dict[str, FloatArray]:
    places = [cells.composition for cells in (ledger.selection, ledger.held_out) if cells.composition is not None]
    return {
        PLACES.get(name, name): np.concatenate([values[..., axis] for values in places], axis=1).astype(np.float64)
        for axis, name in enumerate(ledger.plan.composition_names)
    }
