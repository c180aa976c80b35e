"""The Ray engine: workers all over a cluster, or in one that is started here and ends with the study."""

from __future__ import annotations

import importlib.util
import logging
import multiprocessing
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Generator, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from goodseed.errors import MissingExtraError, StudyError
from goodseed.study.cells import ShardResult
from goodseed.study.engines.interface import Place, Say
from goodseed.study.engines.local import default_workers
from goodseed.study.engines.ray_cluster import LOCAL, Cluster
from goodseed.study.engines.ray_driver import DONE, JOINS, UP, drive
from goodseed.study.engines.worker import RESULT, SAID, as_error
from goodseed.study.plan import Plan, Shard

log = logging.getLogger(__name__)

AUTO = "auto"
"""Ray's name for the cluster that runs on this machine."""
VARIABLE = "RAY_ADDRESS"

_ADDRESS = re.compile(r"^(ray://)?(\[[0-9a-fA-F:]+\]|[^\s/:\[\]]+):(\d{1,5})$")
_REACH_SECONDS = 5.0
_JOIN_SECONDS, _CLIENT_SECONDS, _START_SECONDS = 20.0, 60.0, 300.0
"""Seconds for an answer of a cluster, of one over Ray Client, which starts a process first, and of one started here."""
_STOP_SECONDS = 20.0


class RayEngine:
    """Workers of a Ray cluster: one a place, else one a GPU, else one a core.

    Ray is driven from a process of its own: what it prints, catches and sets does not touch this one.

    Args:
        workers: how many where there are no places; by default as many as the cluster has GPUs, or cores.
        places: one worker each.
        address: of a cluster that runs: `host:port` on one of its machines, `ray://host:port` from elsewhere, or
            `auto`. By default that of the environment variable RAY_ADDRESS; else, or for `local`, a cluster is started
            here.

    Raises:
        MissingExtraError: when Ray is not installed.
        StudyError: for an address that is none, and for no workers.
    """

    def __init__(self, workers: int | None = None, places: Sequence[Place] = (), address: str | None = None) -> None:
        if importlib.util.find_spec("ray") is None:
            raise MissingExtraError("engine ray needs Ray, which is not installed; pip install 'ray[client]'")
        if workers == 0:
            raise StudyError("engine ray: --workers 0 means this process; give 1 or more, or use --engine local")
        self._address = address or os.environ.get(VARIABLE) or LOCAL
        if self._address not in (LOCAL, AUTO) and not _ADDRESS.match(self._address):
            raise StudyError(
                f"address: '{self._address[:60]}' is none of a Ray cluster; use HOST:6379 on a machine of the cluster, "
                "ray://HOST:10001 from elsewhere, or auto"
            )
        self._workers, self._places = workers, tuple(places)

    def compute(self, plan: Plan, shards: Sequence[Shard], say: Say) -> Generator[ShardResult, None, None]:
        """Yield the result of each shard once, as they come; closing the iterator stops all workers.

        Raises:
            StudyError: when there is no such cluster, a worker fails or dies again and again, or no place is left; what
                was yielded before stays good.
        """
        if not shards:
            return
        self._reach()
        # On POSIX not where TMPDIR says, which may be too long for the paths of sockets.
        folder = Path(tempfile.mkdtemp(prefix="gs-", dir="/tmp" if os.name == "posix" else None))
        cores = len(self._places) or self._workers or default_workers()
        cluster = Cluster(self._address, self._workers, self._places, cores, folder)
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=drive, args=(theirs, plan, shards, cluster), daemon=True)
        try:
            process.start()
            theirs.close()
            yield from self._listen(ours, process, say)
        finally:
            ours.close()
            _end(process)
            shutil.rmtree(folder, ignore_errors=True)

    def _listen(self, connection: Connection, process: BaseProcess, say: Say) -> Iterator[ShardResult]:
        while True:
            try:
                kind, content = connection.recv()
            except (EOFError, OSError) as error:
                process.join(_REACH_SECONDS)
                raise StudyError(
                    f"the process that drives Ray ended with code {process.exitcode}; "
                    "run the same study again: it continues"
                ) from error
            if kind == DONE:
                return
            if kind == JOINS and not connection.poll(self._patience):
                raise StudyError(
                    f"Ray at {self._address}: gave no answer within {self._patience:g} s; is it a Ray cluster's "
                    "address, and RAY_AUTH_TOKEN its token?"
                )
            if kind == RESULT:
                yield content
            elif kind == SAID:
                say(content)
            elif kind not in (JOINS, UP):
                text, trace = content
                log.debug("Ray's driver failed:\n%s", trace)
                raise as_error(kind, text)

    @property
    def _patience(self) -> float:
        if self._address == LOCAL:
            return _START_SECONDS
        return _CLIENT_SECONDS if self._address.startswith("ray://") else _JOIN_SECONDS

    def _reach(self) -> None:
        """Raise StudyError when nothing listens at the address: Ray itself would try for minutes."""
        found = _ADDRESS.match(self._address)
        if found is None:
            return
        try:
            socket.create_connection((found[2].strip("[]"), int(found[3])), _REACH_SECONDS).close()
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise StudyError(
                f"Ray at {self._address}: no cluster answers there ({why}); start it, or check the address and the port"
            ) from error


def _end(process: BaseProcess) -> None:
    if process.pid is None:
        return
    process.join(_STOP_SECONDS)
    for stop in (process.terminate, process.kill):
        if process.is_alive():
            stop()
            process.join(_STOP_SECONDS)
