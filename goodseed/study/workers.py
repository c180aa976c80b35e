"""Processes that compute shards. They hold a generator each, and die when the parent does."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from goodseed import errors
from goodseed.determinism.randomness import random_state_kept
from goodseed.errors import GoodSeedError, StudyError
from goodseed.study.cells import ShardResult, compute_shard
from goodseed.study.inpaint_cells import InpaintingWork
from goodseed.study.plan import SETS, Plan, Shard
from goodseed.study.registry import make_pair, one_torch_thread

log = logging.getLogger(__name__)

_JOIN_SECONDS = 5.0


def default_workers() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def compute_all(plan: Plan, shards: Sequence[Shard], workers: int) -> Generator[ShardResult, None, None]:
    """Yield the results of these shards of the plan as they come; with 0 workers they are computed in this process.

    Raises:
        StudyError: when a worker fails or dies; what was yielded before stays good.
    """
    if workers == 0:
        yield from _compute_here(plan, shards)
    elif shards:
        yield from _compute_in_workers(plan, shards, min(workers, len(shards)))


def _compute_here(plan: Plan, shards: Sequence[Shard]) -> Iterator[ShardResult]:
    work = _Work(plan)
    for shard in shards:
        try:
            with one_torch_thread(), random_state_kept():
                result = work.compute(shard)
        except Exception as error:
            raise _as_error(*_error_message(shard, error)) from error
        yield result


def _compute_in_workers(plan: Plan, shards: Sequence[Shard], workers: int) -> Iterator[ShardResult]:
    context = multiprocessing.get_context("spawn")
    processes: dict[Connection, BaseProcess] = {}
    waiting = list(reversed(shards))
    try:
        for _ in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, plan), daemon=True)
            process.start()
            theirs.close()
            processes[ours] = process
            ours.send(waiting.pop())
        busy = set(processes)
        while busy:
            for connection in wait(list(busy)):
                assert isinstance(connection, Connection)
                result = _receive(connection, processes[connection])
                # The next shard goes out first: the worker computes while this process writes.
                if waiting:
                    connection.send(waiting.pop())
                else:
                    busy.discard(connection)
                yield result
    finally:
        _stop(processes)


def _receive(connection: Connection, process: BaseProcess) -> ShardResult:
    try:
        message: Any = connection.recv()
    except (EOFError, OSError) as error:
        process.join(_JOIN_SECONDS)
        raise StudyError(
            f"a worker ended with code {process.exitcode}; is there memory for all of them? "
            "Run the same study again, perhaps with fewer --workers: it continues"
        ) from error
    if isinstance(message, ShardResult):
        return message
    kind, text, trace = message
    log.debug("a worker failed:\n%s", trace)
    raise _as_error(kind, text)


def _stop(processes: dict[Connection, BaseProcess]) -> None:
    for connection, process in processes.items():
        connection.close()
        process.terminate()
    for process in processes.values():
        process.join(_JOIN_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()


class _Work:
    """Computes shards of a plan of any kind; what fills and reads holes is made when the first is met."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._generator, self._judge = make_pair(plan.generator, plan.metrics)
        self._inpainting: InpaintingWork | None = None

    def compute(self, shard: Shard) -> ShardResult:
        if shard.prompt_set in SETS or self._plan.inpaint is None:
            return compute_shard(self._generator, self._judge, shard, self._plan.columns)
        if self._inpainting is None:
            self._inpainting = InpaintingWork(self._plan.inpaint, self._generator)
        return self._inpainting.compute(shard)


def _work(connection: Connection, plan: Plan) -> None:
    """A worker's life: shards in, results out, until the parent closes the pipe or dies."""
    # Ctrl-C reaches the whole group of processes; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    shard: Shard | None = None
    try:
        import torch

        # One thread, whatever the machine: the order of a sum must not depend on the number of workers.
        torch.set_num_threads(1)
        work = _Work(plan)
        while True:
            shard = connection.recv()
            connection.send(work.compute(shard))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent has gone
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent raises it
        kind, text = _error_message(shard, error)
        connection.send((kind, text, traceback.format_exc()))


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _error_message(shard: Shard | None, error: Exception) -> tuple[str, str]:
    text = " ".join(str(error).split())
    if isinstance(error, GoodSeedError) or shard is None:
        return type(error).__name__, text
    seeds = f"seeds {shard.seeds[0]} to {shard.seeds[-1]}"
    what = f"{type(error).__name__}: {text}"
    return "StudyError", f"the generator or the judge failed on {seeds} ({what}); mend it and run the same study again"


def _as_error(kind: str, text: str) -> GoodSeedError:
    found = getattr(errors, kind, StudyError)
    if isinstance(found, type) and issubclass(found, GoodSeedError):
        return found(text)
    return StudyError(f"a worker cannot start ({kind}: {text}); mend it and run the same study again")
