"""Pictures that are run again for the panel, one at a time, each in a thread of its own that can be stopped."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from goodseed.errors import BusyError, GoodSeedError, MissingFileError, StoppedError

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
MOST_KEPT = 8
_TELL_SECONDS = 0.2
"""How often progress is told of; an end is told of at once."""

Report = Callable[[str, float, float], None]
Answer = Mapping[str, Any]
Run = Callable[[Report, Callable[[], bool]], Answer]
"""Works, reports what it does, asks whether it is to stop, and then raises StoppedError."""


@dataclass
class Job:
    """One picture that is run again."""

    id: str
    owner: str
    state: str = RUNNING
    what: str = "starting"
    done: float = 0
    total: float = 0
    answer: Answer | None = None
    error: str | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def as_dict(self) -> dict[str, Any]:
        """Return how far the job is, as JSON."""
        return {
            "job": self.id, "state": self.state, "what": self.what, "done": self.done, "total": self.total,
            "answer": self.answer, "error": self.error,
        }  # fmt: skip


class Jobs:
    """The jobs of one server; the last few are remembered. `tell` is told of a job's progress, from its thread."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, run: Run, owner: str = "", tell: Callable[[Job], None] = lambda job: None) -> Job:
        """Start a job and return it.

        Raises:
            BusyError: when one is running.
        """
        with self._lock:
            if any(job.state == RUNNING for job in self._jobs.values()):
                raise BusyError("verify: another picture is being run again; wait for it, or stop it")
            job = Job(secrets.token_hex(8), owner)
            self._jobs[job.id] = job
            while len(self._jobs) > MOST_KEPT:
                self._jobs.popitem(last=False)
        threading.Thread(target=_work, args=(job, run, tell), name="goodseed-verify", daemon=True).start()
        return job

    def get(self, name: str, owner: str = "") -> Job:
        """Return a job of its owner.

        Raises:
            MissingFileError: when there is none, or it is forgotten.
        """
        job = self._jobs.get(name)
        if job is None or job.owner != owner:
            raise MissingFileError("verify: there is no such job; start it again")
        return job

    def stop(self, name: str, owner: str = "") -> Job:
        """Ask a job to stop; one that has ended stays as it is. See `get`."""
        job = self.get(name, owner)
        job.stopping.set()
        return job


def _work(job: Job, run: Run, tell: Callable[[Job], None]) -> None:
    told = 0.0

    def report(what: str, done: float, total: float) -> None:
        nonlocal told
        job.what, job.done, job.total = what, done, total
        if time.monotonic() - told >= _TELL_SECONDS:
            told = time.monotonic()
            tell(job)

    state, error = FAILED, "verify: ended by an error of its own; look into the server's log"
    try:
        job.answer = run(report, job.stopping.is_set)
        state, error = DONE, ""
    except StoppedError:
        state, error = CANCELLED, ""
    except GoodSeedError as problem:
        state, error = FAILED, " ".join(str(problem).split())
    finally:
        job.error, job.state = error or None, state
        tell(job)
