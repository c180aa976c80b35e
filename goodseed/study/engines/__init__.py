"""Where shards are computed: the interface of an engine, and the engines by name."""

from __future__ import annotations

from collections.abc import Sequence

from goodseed.errors import StudyError
from goodseed.study.engines.interface import Engine, Place

__all__ = ["NAMES", "Engine", "Place", "make_engine"]

NAMES = ("local",)


def make_engine(name: str, workers: int | None = None, places: Sequence[Place] = ()) -> Engine:
    """Make the engine called `name`.

    `places` get one worker each; without any there are `workers` of them, by default as many as the engine sees fit.

    Raises:
        StudyError: for an unknown name.
    """
    if name == "local":
        from goodseed.study.engines.local import LocalEngine

        return LocalEngine(workers, places)
    raise StudyError(f"engine: '{name[:40]}' is unknown; use {', '.join(NAMES)}")
