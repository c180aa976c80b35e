"""What `goodseed study` asks about where it is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from goodseed.commands.metrics import loads_weights
from goodseed.commands.study_kind import Cells

if TYPE_CHECKING:
    from goodseed.study.engines import Engine, Place

EngineOption = Annotated[
    str, typer.Option("--engine", help="What runs the workers: local (processes of this machine), or ray.")
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="ray: a cluster's HOST:PORT on one of its machines, ray://HOST:PORT from elsewhere, or auto. "
        "By default $RAY_ADDRESS; else one is started here for the study.",
    ),
]


@dataclass(frozen=True)
class Hands:
    """Who computes a study, with the options of the same names."""

    engine: str
    workers: int | None
    address: str | None

    def check(self) -> None:
        """Return if there is such an engine.

        Raises:
            StudyError: for an unknown name, and an address of no use.
            MissingExtraError: when what the engine needs is not installed.
        """
        self._make(self.workers, ())

    def at(self, cells: Cells, places: Sequence[Place]) -> tuple[Engine, int | None]:
        """Return the engine for a study at these places, and its number of workers, where that is known."""
        from goodseed.study.engines.local import default_workers

        workers = self.workers
        if workers is None and self.engine == "local" and loads_weights(cells.metrics):
            workers = 1
        crew = default_workers() if workers is None and self.engine == "local" else workers
        if places:
            crew = len(places)
        return self._make(workers, places), None if crew is None else max(crew, 1)

    def _make(self, workers: int | None, places: Sequence[Place]) -> Engine:
        from goodseed.study.engines import make_engine

        return make_engine(self.engine, workers, places, self.address)
