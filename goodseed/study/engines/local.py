"""The local engine: processes of this machine, one a core or one a place. They die when the parent does."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from goodseed.determinism.randomness import random_state_kept
from goodseed.errors import PlaceLostError, StudyError
from goodseed.study.cells import ShardResult
from goodseed.study.engines.interface import Place, Say
from goodseed.study.engines.worker import Worker, as_error, error_message
from goodseed.study.plan import Plan, Shard
from goodseed.study.registry import one_torch_thread

log = logging.getLogger(__name__)

_JOIN_SECONDS = 5.0

_RESULT, _MORE, _SAID, _LOST, _BACK, _GONE = "result", "more", "said", "lost", "back", "gone"
"""What a worker sends, each with its content: a shard's result; that it wants its next shard before it is done with
the one that it has; a line for the user; that its place has gone (then all that it was sent goes to others), is back,
or stays away."""
_FORGET = None
"""What the parent answers to a place that was lost: what it sent before this counts no more."""


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
            yield from _Crew(plan, shards, self._places, say).compute()


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


@dataclass(eq=False)
class _Hand:
    """A worker process as its parent sees it."""

    process: BaseProcess
    place: Place | None
    shards: list[Shard] = field(default_factory=list)
    """Sent to it and not answered yet, in this order."""
    room: int = 1
    """How many it may have: 1, 2 once it has asked for more, 0 while its place is lost."""


class _Crew:
    """The processes of one study, and what each of them has to do."""

    def __init__(self, plan: Plan, shards: Sequence[Shard], places: Sequence[Place | None], say: Say) -> None:
        self._plan, self._say = plan, say
        self._waiting = deque(shards)
        self._places = places[: len(shards)]
        self._hands: dict[Connection, _Hand] = {}

    def compute(self) -> Iterator[ShardResult]:
        try:
            for place in self._places:
                self._start(place)
            while self._waiting or any(hand.shards for hand in self._hands.values()):
                self._check_left()
                for connection in wait(list(self._hands)):
                    assert isinstance(connection, Connection)
                    result = self._hear(connection)
                    # The next shards go out first: the workers compute while this process writes.
                    self._hand_out()
                    if result is not None:
                        yield result
        finally:
            self._stop()

    def _start(self, place: Place | None) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._plan, place), daemon=True)
        process.start()
        theirs.close()
        self._hands[ours] = _Hand(process, place)
        self._hand_out()

    def _hand_out(self) -> None:
        """Send shards to all that have room; first to those that have nothing to do."""
        for depth in (0, 1):
            for connection, hand in self._hands.items():
                if self._waiting and len(hand.shards) == depth < hand.room:
                    hand.shards.append(self._waiting.popleft())
                    with contextlib.suppress(OSError):  # it has died: what it says, nothing, is heard next
                        connection.send(hand.shards[-1])

    def _hear(self, connection: Connection) -> ShardResult | None:
        hand = self._hands[connection]
        try:
            kind, content = connection.recv()
        except (EOFError, OSError) as error:
            hand.process.join(_JOIN_SECONDS)
            raise StudyError(
                f"a worker ended with code {hand.process.exitcode}; is there memory for all of them? "
                "Run the same study again, perhaps with fewer --workers: it continues"
            ) from error
        if kind == _RESULT:
            assert isinstance(content, ShardResult)
            hand.shards.remove(content.shard)
            hand.room = 1
            return content
        if kind == _MORE:
            hand.room = 2
        elif kind == _SAID:
            self._say(content)
        elif kind == _BACK:
            hand.room = 1
            self._say(f"{hand.place.name if hand.place else 'a worker'}: is back")
        elif kind in (_LOST, _GONE):
            self._give_back(connection, hand, content)
            if kind == _GONE:
                self._dismiss(connection)
        else:
            text, trace = content
            log.debug("a worker failed:\n%s", trace)
            raise as_error(kind, text)
        return None

    def _give_back(self, connection: Connection, hand: _Hand, why: str) -> None:
        self._waiting.extendleft(reversed(hand.shards))
        hand.shards, hand.room = [], 0
        with contextlib.suppress(OSError):
            connection.send(_FORGET)
        self._say(why)

    def _check_left(self) -> None:
        if not self._hands:
            raise StudyError("no place is left to work at; mend one of them and run the same study again: it continues")

    def _dismiss(self, connection: Connection) -> None:
        hand = self._hands.pop(connection)
        connection.close()
        hand.process.join(_JOIN_SECONDS)

    def _stop(self) -> None:
        for connection, hand in self._hands.items():
            connection.close()
            hand.process.terminate()
        for hand in self._hands.values():
            hand.process.join(_JOIN_SECONDS)
            if hand.process.is_alive():
                hand.process.kill()
                hand.process.join()


class _ParentGoneError(Exception):
    """The parent has closed the pipe, or has died."""


class _Line:
    """A worker's end of the pipe: the shards that it was sent, and what it has to say."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._shards: deque[Shard] = deque()
        self._asked = False

    def next(self) -> Shard:
        """Return the next shard, and wait for it."""
        self._asked = False
        return self._shards.popleft() if self._shards else self._receive()

    def following(self) -> Sequence[Shard]:
        """Return the shards that come after the one at work, and ask for one where there is none yet."""
        if not self._shards and not self._asked:
            self._asked = True
            self.send(_MORE, None)
        while self._connection.poll():
            self._shards.append(self._receive())
        return self._shards

    def forget(self) -> None:
        """Forget all that was sent before the parent heard that this place is lost."""
        self._shards.clear()
        with _parent_or_nothing():
            while self._connection.recv() is not _FORGET:
                pass

    def send(self, kind: str, content: Any) -> None:
        with _parent_or_nothing():
            self._connection.send((kind, content))

    def _receive(self) -> Shard:
        with _parent_or_nothing():
            shard: Shard = self._connection.recv()
        return shard


@contextlib.contextmanager
def _parent_or_nothing() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError) as error:
        raise _ParentGoneError from error


def _work(connection: Connection, plan: Plan, place: Place | None) -> None:
    """A worker's life: shards in, results out, until the parent closes the pipe or dies."""
    # Ctrl-C reaches the whole group of processes; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    made: list[Worker] = []
    threading.Thread(target=_die_with_parent, args=(made,), daemon=True).start()
    line = _Line(connection)
    with contextlib.suppress(_ParentGoneError):
        try:
            _work_on(line, plan, place, made)
        finally:
            for worker in made:
                worker.close()


def _work_on(line: _Line, plan: Plan, place: Place | None, made: list[Worker]) -> None:
    shard: Shard | None = None
    try:
        import torch

        # One thread, whatever the machine: the order of a sum must not depend on the number of workers.
        torch.set_num_threads(1)
        worker = Worker(plan, place, lambda text: line.send(_SAID, text))
        made.append(worker)
        if worker.closes:
            signal.signal(signal.SIGTERM, _leave)
        while True:
            shard = line.next()
            try:
                line.send(_RESULT, worker.compute(shard, line.following))
            except PlaceLostError as error:
                line.send(_LOST, str(error))
                line.forget()
                worker.wait()
                line.send(_BACK, None)
    except _ParentGoneError:
        raise
    except PlaceLostError as error:
        line.send(_GONE, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent raises it
        kind, text = error_message(shard, error)
        line.send(kind, (text, traceback.format_exc()))


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
