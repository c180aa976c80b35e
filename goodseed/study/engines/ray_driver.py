"""The process that drives Ray: it has Ray's output, signals and settings to itself, and ends with its parent."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

from goodseed.determinism.flags import CUBLAS_VARIABLE
from goodseed.errors import StudyError
from goodseed.study.cells import ShardResult
from goodseed.study.engines.crew import Crew, Hand
from goodseed.study.engines.interface import Place, Say
from goodseed.study.engines.ray_cluster import LOCAL, Cluster, Size, connect, is_heavy, on_own_gpus, share_out
from goodseed.study.engines.ray_worker import actor_class
from goodseed.study.engines.worker import RESULT, SAID, as_error, error_message
from goodseed.study.plan import Plan, Shard

JOINS, UP, DONE = "joins", "up", "done"
"""What the parent hears besides RESULT, SAID and errors: that the cluster is asked, that it is there, and that all
results were sent."""

_DEATHS = 3
"""How many workers a shard may cost, and how often a worker may die while it starts."""
_LOOK = 0.5
_PATIENCE = 30.0
"""Seconds without any worker after which the user is told that the cluster has no room."""
_CLOSE_SECONDS = 5.0
_THREADS = 8
_VARIABLES = ("GOODSEED_", CUBLAS_VARIABLE)
"""Environment variables (these beginnings) that a worker gets on whatever machine."""
_MACHINE, _VERSIONS, _BEGIN, _HEAR = range(4)
"""What a worker is asked, in this order."""


def drive(connection: Connection, plan: Plan, shards: Sequence[Shard], cluster: Cluster) -> None:
    """Compute the shards on the cluster, send what comes to the parent, and stop when the parent hangs up."""
    # Ctrl-C reaches the whole group of processes; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopped = threading.Event()
    threading.Thread(target=_until_hung_up, args=(connection, stopped), daemon=True).start()
    _keep_quiet(cluster)
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            _drive(connection, plan, shards, cluster, stopped)
    finally:
        shutil.rmtree(cluster.folder, ignore_errors=True)


def _drive(
    connection: Connection, plan: Plan, shards: Sequence[Shard], cluster: Cluster, stopped: threading.Event
) -> None:
    def say(line: str) -> None:
        connection.send((SAID, line))

    try:
        connection.send((JOINS, None))
        ray = connect(cluster)
        actors = _Actors(ray, plan, shards, cluster, say, stopped)
        try:
            connection.send((UP, None))
            for result in actors.compute():
                connection.send((RESULT, result))
            connection.send((DONE, None))
        finally:
            actors.stop()
            ray.shutdown()
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent raises it
        kind, text = error_message(None, error)
        connection.send((kind, (text, traceback.format_exc())))


def _until_hung_up(connection: Connection, stopped: threading.Event) -> None:
    """Wait for the parent's end to close: it sends nothing."""
    with contextlib.suppress(EOFError, OSError):
        connection.recv()
    stopped.set()


def _keep_quiet(cluster: Cluster) -> None:
    """Send what Ray writes to a file: it writes to standard output, which is the command's."""
    sys.stdout.flush()
    sys.stderr.flush()
    with (cluster.folder / "ray.log").open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


class _Actor(Hand):
    """A worker as its driver sees it. It says where it is, is asked for versions, begun, and then heard for good."""

    def __init__(self, made: Any, place: Place | None, failures: int) -> None:
        super().__init__(place, room=0)
        self.actor = made
        self.failures = failures
        """How many workers before it died while they started."""
        self.machine = ""
        self.answer: Any = self.actor.machine.remote()
        """The call that is not answered yet."""
        self.asked = _MACHINE
        self._sent = 0

    @property
    def begun(self) -> bool:
        return self.asked == _HEAR

    def send(self, message: Shard | None) -> None:
        self.actor.send.remote(self._sent, message)
        self._sent += 1


class _Actors:
    """The actors of one study."""

    def __init__(
        self, ray: Any, plan: Plan, shards: Sequence[Shard], cluster: Cluster, say: Say, stopped: threading.Event
    ) -> None:
        self._ray, self._plan, self._say, self._stopped = ray, plan, say, stopped
        self._crew = Crew(shards, say)
        found = ray.cluster_resources()
        machines = sum(bool(node.get("Alive")) for node in ray.nodes())
        size = Size(int(found.get("GPU", 0)), int(found.get("CPU", 0)), machines)
        own = on_own_gpus(cluster.places, size.gpus, cluster.workers)
        count, asks, self._what = share_out(size, cluster.workers, len(own), is_heavy(plan, own))
        places: list[Place | None] = list(own) or [None] * count
        self._places = places[: len(shards)]
        self._make = ray.remote(max_concurrency=_THREADS, max_restarts=0, **asks)(actor_class())
        self._where = "on this machine" if cluster.address == LOCAL else f"at {cluster.address}"
        offers = cluster.address != LOCAL and os.environ.get("RAY_AUTH_MODE") == "token"
        self._doubt = ", and does the cluster want the token that is set here" if offers else ""
        self._shared_plan = ray.put(plan)
        self._variables = {name: value for name, value in os.environ.items() if name.startswith(_VARIABLES)}
        self._deaths: Counter[str] = Counter()
        self._heard = time.monotonic()

    def compute(self) -> Iterator[ShardResult]:
        plural = "s" if len(self._places) > 1 else ""
        self._say(f"Ray {self._where}: {len(self._places)} worker{plural}, {self._what}")
        for place in self._places:
            self._start(place)
        while self._crew.unfinished and not self._stopped.is_set():
            self._crew.check_left()
            answers = {hand.answer: hand for hand in self._hands}
            ready, _ = self._ray.wait(list(answers), timeout=_LOOK)
            self._tell_of_waiting(bool(ready))
            for answer in ready:
                results = self._hear(answers[answer])
                # The next shards go out first: the workers compute while these are written.
                self._crew.hand_out()
                yield from results

    def stop(self) -> None:
        """Let the workers withdraw what they have begun, and end them."""
        closing = [hand.actor.close.remote() for hand in self._hands if hand.begun]
        if closing:
            self._ray.wait(closing, num_returns=len(closing), timeout=_CLOSE_SECONDS)
        for hand in self._hands:
            self._ray.kill(hand.actor)

    @property
    def _hands(self) -> list[_Actor]:
        return [hand for hand in self._crew.hands if isinstance(hand, _Actor)]

    def _start(self, place: Place | None, failures: int = 0) -> None:
        self._crew.hands.append(_Actor(self._make.remote(), place, failures))

    def _hear(self, hand: _Actor) -> list[ShardResult]:
        try:
            found = self._ray.get(hand.answer)
        except self._ray.exceptions.RayTaskError as error:
            raise as_error(*error_message(None, error.cause if error.cause is not None else error)) from error
        except self._ray.exceptions.RayError as error:
            self._bury(hand, error)
            return []
        if hand.asked == _HEAR:
            return self._take(hand, found)
        hand.asked += 1
        if hand.asked == _VERSIONS:
            hand.machine = found
            hand.answer = hand.actor.versions.remote(list(self._plan.software))
        elif hand.asked == _BEGIN:
            self._check_versions(hand.machine, found)
            hand.answer = hand.actor.begin.remote(self._shared_plan, hand.place, self._variables)
        else:
            hand.room = 1
            hand.answer = hand.actor.hear.remote()
        return []

    def _take(self, hand: _Actor, messages: Sequence[tuple[str, Any]]) -> list[ShardResult]:
        results = [self._crew.take(hand, kind, content) for kind, content in messages]
        if hand in self._crew.hands:
            hand.answer = hand.actor.hear.remote()
        else:
            self._ray.kill(hand.actor)
        return [result for result in results if result is not None]

    def _check_versions(self, machine: str, versions: dict[str, str]) -> None:
        for package, ours in self._plan.software.items():
            theirs = versions.get(package)
            if theirs != ours:
                found = "is not installed there" if theirs is None else f"is {theirs} there"
                raise StudyError(
                    f"Ray's machine {machine}: {package} {found}, and the study is planned with {ours}; "
                    "install the same versions on every machine of the cluster"
                )

    def _bury(self, hand: _Actor, error: Exception) -> None:
        """Start another worker in the place of one that has died; what it had goes to whoever is free.

        Raises:
            StudyError: when that has happened too often, on one shard or at the start.
        """
        at_work = hand.shards[0] if hand.shards else None
        self._crew.take_back(hand)
        self._crew.hands.remove(hand)
        self._ray.kill(hand.actor)
        why = "out of memory" if isinstance(error, self._ray.exceptions.OutOfMemoryError) else "its process ended"
        where = f" on {hand.machine}" if hand.machine else ""
        if at_work is not None:
            self._deaths[at_work.name] += 1
        failures = 0 if hand.begun else hand.failures + 1
        if failures >= _DEATHS or (at_work is not None and self._deaths[at_work.name] >= _DEATHS):
            on = f"seeds {at_work.seeds[0]} to {at_work.seeds[-1]}" if at_work is not None else "its start"
            doubt = self._doubt if not hand.machine else ""
            raise StudyError(
                f"a worker died {_DEATHS} times{where} at {on} ({why}); is there memory for all of them{doubt}? "
                "Run the same study again, perhaps with fewer --workers: it continues"
            )
        self._say(f"a worker has died{where} ({why}); another one takes its place")
        self._start(hand.place, failures)

    def _tell_of_waiting(self, heard: bool) -> None:
        if heard or any(hand.machine for hand in self._hands):
            self._heard = time.monotonic()
        elif time.monotonic() - self._heard > _PATIENCE:
            self._heard = float("inf")
            self._say(f"Ray {self._where}: no worker could start for {_PATIENCE:g} s; waiting until there is room")
