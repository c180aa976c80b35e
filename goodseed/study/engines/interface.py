"""What a study asks of an engine: shards in, their results out, in any order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from goodseed.study.cells import ShardResult
from goodseed.study.plan import Plan, Shard

Say = Callable[[str], None]
"""Told in one line what happened that a user should know."""


@dataclass(frozen=True)
class Place:
    """Where a worker works: a process, or a server that it drives.

    `settings` (JSON) are for the generator. They say where and how patiently it works, never what comes out: the
    result of a shard depends on the plan alone, so a place is no part of it.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


class Engine(Protocol):
    """Computes shards in workers. A worker is made from a plan and a place, in any process of any machine."""

    def compute(self, plan: Plan, shards: Sequence[Shard], say: Say) -> Generator[ShardResult, None, None]:
        """Yield the result of each shard once, as they come; closing the iterator stops all workers.

        What a lost place had begun is computed elsewhere, or there when it is back.

        Raises:
            StudyError: when the generator or the judge fails, or no place is left; what was yielded stays good.
        """
        ...
