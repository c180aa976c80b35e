"""A worker of the Ray engine: what an actor does, on whatever machine it is."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from goodseed.study.engines.interface import Place
from goodseed.study.engines.worker import DriverGoneError, Line, Worker, work_on
from goodseed.study.plan import Plan, Shard

Message = tuple[str, Any]

_SILENCE = 60.0
"""Seconds after which `hear` answers that there is nothing."""


def actor_class() -> type:
    """Make the class of the actors.

    Made here, so that Ray sends its code and not its name: where goodseed is not installed an actor can say so.
    """

    class GoodSeedWorker:
        def machine(self) -> str:
            import socket

            return socket.gethostname()

        def versions(self, packages: Sequence[str]) -> dict[str, str]:
            """Return the versions of those packages that are there."""
            import importlib

            versions = {}
            for package in packages:
                try:
                    versions[package] = str(importlib.import_module(package).__version__)
                except ImportError:
                    continue
            return versions

        def begin(self, plan: Any, place: Any, variables: Any) -> None:
            from goodseed.study.engines.ray_worker import Life

            self._life = Life(plan, place, variables)

        def send(self, number: int, message: Any) -> None:
            self._life.send(number, message)

        def hear(self) -> list[Any]:
            return self._life.hear()

        def close(self) -> None:
            self._life.close()

    return GoodSeedWorker


class Life:
    """A worker in a thread, and the messages to and from it; its methods are called from several threads.

    Args:
        plan: the study's.
        place: where it works, if it is told.
        variables: environment variables, such as where weights lie.
    """

    def __init__(self, plan: Plan, place: Place | None, variables: Mapping[str, str]) -> None:
        os.environ.update(variables)
        self._queues = _Queues()
        self._made: list[Worker] = []
        self._early: dict[int, Shard | None] = {}
        self._number = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._live, args=(plan, place), daemon=True).start()

    def send(self, number: int, message: Shard | None) -> None:
        """Take a message; they are numbered from 0, because calls of an actor may overtake each other."""
        with self._lock:
            self._early[number] = message
            while self._number in self._early:
                self._queues.incoming.put(self._early.pop(self._number))
                self._number += 1

    def hear(self) -> list[Message]:
        """Wait for messages of the worker, and return them in their order; nothing after a long silence."""
        heard: list[Message] = []
        with contextlib.suppress(queue.Empty):
            heard.append(self._queues.outgoing.get(timeout=_SILENCE))
            while True:
                heard.append(self._queues.outgoing.get_nowait())
        return heard

    def close(self) -> None:
        """Withdraw what was begun."""
        self._queues.closed.set()
        self._queues.incoming.put(None)
        for worker in self._made:
            worker.close()

    def _live(self, plan: Plan, place: Place | None) -> None:
        with contextlib.suppress(DriverGoneError):
            work_on(self._queues, plan, place, self._made.append)


class _Queues(Line):
    """A worker's end of the way to the driver."""

    def __init__(self) -> None:
        super().__init__()
        self.incoming: queue.SimpleQueue[Shard | None] = queue.SimpleQueue()
        self.outgoing: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.closed = threading.Event()

    def send(self, kind: str, content: Any) -> None:
        self.outgoing.put((kind, content))

    def receive(self) -> Shard | None:
        message = self.incoming.get()
        if self.closed.is_set():
            raise DriverGoneError
        return message

    def waits(self) -> bool:
        return not self.incoming.empty()
