"""The local engine: processes of this machine, one a core or one a place. They die when the parent does."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from goodseed.determinism.randomness import random_state_kept
from goodseed.errors import PlaceLostError, StudyError
from goodseed.study.cells import ShardResult
from goodseed.study.engines.crew import Crew, Hand
from goodseed.study.engines.interface import Place, Say
from goodseed.study.engines.worker import DriverGoneError, Line, Worker, as_error, error_message, work_on
from goodseed.study.plan import Plan, Shard
from goodseed.study.registry import one_torch_thread

_JOIN_SECONDS = 5.0


def default_workers() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class LocalEngine:
    """Processes of this machine.

    Args:
        workers: how many where there are no places, by default one a core; 0: this process does the work.
        places: one process each; with `workers` 0 this process works at the first of them.
    """

    def __init__(self, workers: int | None = None, places: Sequence[Place] = ()) -> None:
        self._places: list[Place | None] = [*places]
        self._here = workers == 0
        if not places:
            self._places = [None] * (default_workers() if workers is None else workers)

    def compute(self, plan: Plan, shards: Sequence[Shard], say: Say) -> Generator[ShardResult, None, None]:
        """Yield the result of each shard once, as they come; closing the iterator stops all workers.

        Raises:
            StudyError: when a worker fails or dies, or no place is left; what was yielded before stays good.
        """
        if self._here:
            yield from _compute_here(plan, shards, self._places[0] if self._places else None, say)
        elif shards:
            yield from _Processes(plan, shards, self._places, say).compute()


def _compute_here(plan: Plan, shards: Sequence[Shard], place: Place | None, say: Say) -> Iterator[ShardResult]:
    worker = Worker(plan, place, say)
    waiting = deque(shards)
    with contextlib.closing(worker):
        while waiting:
            shard = waiting[0]
            try:
                with one_torch_thread(), random_state_kept():
                    result = worker.compute(shard, lambda: islice(waiting, 1, 2))
            except PlaceLostError as error:
                say(str(error))
                worker.wait()
                say(f"{place.name if place else 'the place'}: is back")
                continue
            except Exception as error:
                raise as_error(*error_message(shard, error)) from error
            waiting.popleft()
            yield result


class _Process(Hand):
    """A worker process as its parent sees it."""

    def __init__(self, plan: Plan, place: Place | None) -> None:
        super().__init__(place)
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(theirs, plan, place), daemon=True)
        self.process.start()
        theirs.close()

    def send(self, message: Shard | None) -> None:
        with contextlib.suppress(OSError):  # it has died: what it says, nothing, is heard next
            self.connection.send(message)


class _Processes:
    """The processes of one study."""

    def __init__(self, plan: Plan, shards: Sequence[Shard], places: Sequence[Place | None], say: Say) -> None:
        self._plan = plan
        self._crew = Crew(shards, say)
        self._places = places[: len(shards)]
        self._by_connection: dict[Connection, _Process] = {}

    def compute(self) -> Iterator[ShardResult]:
        try:
            for place in self._places:
                self._start(place)
            while self._crew.unfinished:
                self._crew.check_left()
                for connection in wait(list(self._by_connection)):
                    assert isinstance(connection, Connection)
                    result = self._hear(connection)
                    # The next shards go out first: the workers compute while this process writes.
                    self._crew.hand_out()
                    if result is not None:
                        yield result
        finally:
            self._stop()

    def _start(self, place: Place | None) -> None:
        hand = _Process(self._plan, place)
        self._by_connection[hand.connection] = hand
        self._crew.hands.append(hand)
        self._crew.hand_out()

    def _hear(self, connection: Connection) -> ShardResult | None:
        hand = self._by_connection[connection]
        try:
            kind, content = connection.recv()
        except (EOFError, OSError) as error:
            hand.process.join(_JOIN_SECONDS)
            raise StudyError(
                f"a worker ended with code {hand.process.exitcode}; is there memory for all of them? "
                "Run the same study again, perhaps with fewer --workers: it continues"
            ) from error
        result = self._crew.take(hand, kind, content)
        if hand not in self._crew.hands:
            del self._by_connection[connection]
            connection.close()
            hand.process.join(_JOIN_SECONDS)
        return result

    def _stop(self) -> None:
        hands = list(self._by_connection.values())
        for hand in hands:
            hand.connection.close()
            hand.process.terminate()
        for hand in hands:
            hand.process.join(_JOIN_SECONDS)
            if hand.process.is_alive():
                hand.process.kill()
                hand.process.join()


class _Pipe(Line):
    """A worker's end of the pipe."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def send(self, kind: str, content: Any) -> None:
        with _parent_or_nothing():
            self._connection.send((kind, content))

    def receive(self) -> Shard | None:
        with _parent_or_nothing():
            message: Shard | None = self._connection.recv()
        return message

    def waits(self) -> bool:
        with _parent_or_nothing():
            return self._connection.poll()


@contextlib.contextmanager
def _parent_or_nothing() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError) as error:
        raise DriverGoneError from error


def _work(connection: Connection, plan: Plan, place: Place | None) -> None:
    """A worker process, until the parent closes the pipe or dies."""
    # Ctrl-C reaches the whole group of processes; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    made: list[Worker] = []
    threading.Thread(target=_die_with_parent, args=(made,), daemon=True).start()

    def keep(worker: Worker) -> None:
        made.append(worker)
        if worker.closes:
            signal.signal(signal.SIGTERM, _leave)

    with contextlib.suppress(DriverGoneError):
        try:
            work_on(_Pipe(connection), plan, place, keep)
        finally:
            for worker in made:
                worker.close()


def _leave(number: int, frame: Any) -> None:
    """Let SIGTERM end the process as an exception does, so that what was begun is withdrawn."""
    raise SystemExit(0)


def _die_with_parent(made: Sequence[Worker]) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        for worker in made:
            closing = threading.Thread(target=worker.close, daemon=True)
            closing.start()
            closing.join(_JOIN_SECONDS / 2)
        os._exit(1)
