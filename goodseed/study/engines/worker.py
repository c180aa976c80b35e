"""A worker's part that is the same under every engine: a plan's generator and judge, and shards in a row."""

from __future__ import annotations

import os
import sys
import traceback
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from goodseed import errors
from goodseed.errors import GoodSeedError, PlaceLostError, StudyError
from goodseed.study.cells import ShardResult, calls_of, compute_shard
from goodseed.study.engines.interface import Place, Say
from goodseed.study.inpaint_cells import InpaintingWork
from goodseed.study.interfaces import Call, Closes, Returns, Streams, Tells
from goodseed.study.plan import SETS, Plan, Shard
from goodseed.study.registry import make_pair

RESULT, MORE, SAID, LOST, BACK, GONE = "result", "more", "said", "lost", "back", "gone"
"""What a worker sends, each with its content: a shard's result; that it wants its next shard before it is done with
the one that it has; a line for the user; that its place has gone (then all that it was sent goes to others), is back,
or stays away. Any other message is an error's class, with its line and its trace."""
FORGET = None
"""What the driver answers to a place that was lost: what it sent before this counts no more."""

Following = Callable[[], Iterable[Shard]]
"""Asked when a generator wants to know more than is left of a shard: which shards come next, as far as is known."""


def nothing_follows() -> Iterable[Shard]:
    return ()


class Worker:
    """Computes shards of a plan of any kind; what fills and reads holes is made when the first is met."""

    def __init__(self, plan: Plan, place: Place | None, say: Say) -> None:
        self._plan = plan
        self._generator, self._judge = make_pair(plan.generator, plan.metrics, None, plan.options, place)
        if isinstance(self._generator, Tells):
            self._generator.say = say
        self._inpainting: InpaintingWork | None = None

    @property
    def closes(self) -> bool:
        """Whether there is anything to withdraw at the end."""
        return isinstance(self._generator, Closes)

    def compute(self, shard: Shard, following: Following = nothing_follows) -> ShardResult:
        """Compute a shard.

        Raises:
            PlaceLostError: when the generator's place has gone; `wait` for it before the next shard.
        """
        if shard.prompt_set in SETS or self._plan.inpaint is None:
            columns, size = self._plan.columns, self._plan.size
            return compute_shard(self._generator, self._judge, shard, columns, size, self._ahead(following))
        if self._inpainting is None:
            self._inpainting = InpaintingWork(self._plan.inpaint, self._generator)
        return self._inpainting.compute(shard)

    def wait(self) -> None:
        """Wait until the generator's place is back.

        Raises:
            PlaceLostError: when it stayed away for as long as it may, or cannot come back.
        """
        if not isinstance(self._generator, Returns):
            raise StudyError("generator: lost its place and does not know how to wait for it")
        self._generator.wait()

    def close(self) -> None:
        """Let the generator withdraw what it has begun."""
        if isinstance(self._generator, Closes):
            self._generator.close()

    def _ahead(self, following: Following) -> Callable[[Sequence[Call]], None] | None:
        generator = self._generator
        if not isinstance(generator, Streams):
            return None

        def ahead(calls: Sequence[Call]) -> None:
            after: list[Call] = []
            if len(calls) <= generator.calls_ahead:
                after = [call for shard in following() if shard.prompt_set in SETS for call in calls_of(shard)]
            generator.ahead([*calls, *after])

        return ahead


def error_message(shard: Shard | None, error: Exception) -> tuple[str, str]:
    """Return an error's class and its line, as they are sent to where `as_error` raises it again."""
    text = " ".join(str(error).split())
    if isinstance(error, GoodSeedError) or shard is None:
        return type(error).__name__, text
    seeds = f"seeds {shard.seeds[0]} to {shard.seeds[-1]}"
    what = f"{type(error).__name__}: {text}"
    return "StudyError", f"the generator or the judge failed on {seeds} ({what}); mend it and run the same study again"


def as_error(kind: str, text: str) -> GoodSeedError:
    """Return the error that `error_message` described."""
    found = getattr(errors, kind, StudyError)
    if isinstance(found, type) and issubclass(found, GoodSeedError):
        return found(text)
    return StudyError(f"a worker cannot start ({kind}: {text}); mend it and run the same study again")


class DriverGoneError(Exception):
    """The driver wants nothing more, or has died."""


class Line(ABC):
    """A worker's end of the way to its driver: the shards that it was sent, and what it has to say.

    Its methods raise DriverGoneError once the driver has hung up.
    """

    def __init__(self) -> None:
        self._shards: deque[Shard] = deque()
        self._asked = False

    @abstractmethod
    def send(self, kind: str, content: Any) -> None:
        """Send a message."""

    @abstractmethod
    def receive(self) -> Shard | None:
        """Wait for a message: a shard, or FORGET."""

    @abstractmethod
    def waits(self) -> bool:
        """Say whether there is something to receive."""

    def next(self) -> Shard:
        """Return the next shard, and wait for it."""
        self._asked = False
        return self._shards.popleft() if self._shards else self._shard()

    def following(self) -> Sequence[Shard]:
        """Return the shards that come after the one at work, and ask for one where there is none yet."""
        if not self._shards and not self._asked:
            self._asked = True
            self.send(MORE, None)
        while self.waits():
            self._shards.append(self._shard())
        return self._shards

    def forget(self) -> None:
        """Forget all that was sent before the driver heard that this place is lost."""
        self._shards.clear()
        while self.receive() is not FORGET:
            pass

    def _shard(self) -> Shard:
        shard = self.receive()
        assert shard is not None
        return shard


def _one_torch_thread() -> None:
    """Let torch use one thread, whatever the machine: the order of a sum must not depend on the number of workers.

    Torch is not loaded for this, which takes a second and 200 MB: a worker that asks a server needs none. One that is
    loaded later goes by the variables.
    """
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def work_on(line: Line, plan: Plan, place: Place | None, made: Callable[[Worker], None]) -> None:
    """A worker's life: shards in, results out, until the driver hangs up; `made` is told of the worker once it is."""
    shard: Shard | None = None
    try:
        _one_torch_thread()
        worker = Worker(plan, place, lambda text: line.send(SAID, text))
        made(worker)
        while True:
            shard = line.next()
            try:
                line.send(RESULT, worker.compute(shard, line.following))
            except PlaceLostError as error:
                line.send(LOST, str(error))
                line.forget()
                worker.wait()
                line.send(BACK, None)
    except DriverGoneError:
        pass
    except PlaceLostError as error:
        line.send(GONE, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the driver raises it
        kind, text = error_message(shard, error)
        line.send(kind, (text, traceback.format_exc()))
