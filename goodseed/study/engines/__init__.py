"""Where shards are computed: the interface of an engine, and the engines by name."""

from __future__ import annotations

from collections.abc import Sequence

from goodseed.errors import StudyError
from goodseed.study.engines.interface import Engine, Place

__all__ = ["NAMES", "Engine", "Place", "make_engine"]

NAMES = ("local", "ray")


def make_engine(
    name: str, workers: int | None = None, places: Sequence[Place] = (), address: str | None = None
) -> Engine:
    """Make the engine called `name`.

    `places` get one worker each; without any there are `workers` of them, by default as many as the engine sees fit.
    `address` is that of a Ray cluster.

    Raises:
        StudyError: for an unknown name, and for an address that is none, or of another engine than Ray.
        MissingExtraError: when what the engine needs is not installed.
    """
    if name == "ray":
        from goodseed.study.engines.ray_engine import RayEngine

        return RayEngine(workers, places, address)
    if name != "local":
        raise StudyError(f"engine: '{name[:40]}' is unknown; use {', '.join(NAMES)}")
    if address is not None:
        raise StudyError("address: is that of a Ray cluster; use it with --engine ray, or leave it away")
    from goodseed.study.engines.local import LocalEngine

    return LocalEngine(workers, places)
