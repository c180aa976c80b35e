"""A study's numbers as tables of seeds × prompts, in float64: what means, errors and intervals are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from goodseed.study.frechet import Reference, jackknife
from goodseed.study.ledger import Cells, Ledger

FloatArray = npt.NDArray[np.float64]


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
    """centroid_x, centroid_y, size → [S, P + Q]."""

    def of_set(self, prompt_set: str) -> Mapping[str, FloatArray]:
        return self.selection if prompt_set == "selection" else self.held_out

    @staticmethod
    def of(ledger: Ledger, references: Mapping[str, Reference]) -> Tables:
        """Make the tables of a ledger. The Fréchet distance's table holds jackknife values (see `jackknife`)."""
        metrics = {
            name: _metrics(ledger.cells(name), ledger.plan.frechet, reference) for name, reference in references.items()
        }
        both = (ledger.selection, ledger.held_out)
        return Tables(
            selection=metrics["selection"],
            held_out=metrics["held_out"],
            traits={
                trait: np.concatenate([cells.traits[trait] for cells in both], axis=1).astype(np.float64)
                for trait in ledger.selection.traits
            },
            composition={
                name: np.concatenate([cells.composition[..., axis] for cells in both], axis=1).astype(np.float64)
                for axis, name in enumerate(("centroid_x", "centroid_y", "size"))
            },
        )


def _metrics(cells: Cells, frechet: str, reference: Reference) -> dict[str, FloatArray]:
    tables = {name: values.astype(np.float64) for name, values in cells.metrics.items()}
    tables[frechet] = jackknife(cells.quality, reference)
    return tables
