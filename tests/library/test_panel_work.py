"""Work for the routes: within its time, few at a time; runs of a picture: one at a time, stopped when asked."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from goodseed import errors
from goodseed.errors import BusyError, ImageError, MissingFileError, StoppedError, TooLongError
from goodseed.panel.jobs import MOST_KEPT, Job, Jobs, Report
from goodseed.panel.work import Work, status_of


def test_work_gives_its_answer_or_raises_its_error() -> None:
    work = Work()
    assert asyncio.run(work.do("x", lambda: 7)) == 7
    with pytest.raises(ImageError):
        asyncio.run(work.do("x", fails))


def fails() -> None:
    raise ImageError("a.png: no")


def test_what_takes_too_long_is_one_line_that_names_it_and_later_work_is_done() -> None:
    work, leave = Work(threads=1, seconds=0.05), threading.Event()
    with pytest.raises(TooLongError, match=r"^compare: was not done within 0\.05 s"):
        asyncio.run(work.do("compare", leave.wait))
    with pytest.raises(TooLongError, match=r"^heat: "):  # its thread is still at it
        asyncio.run(work.do("heat", lambda: 1))
    leave.set()
    assert asyncio.run(Work(seconds=5).do("x", lambda: 1)) == 1


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("NameTrespassError", 403), ("MissingFileError", 404), ("BusyError", 409), ("TooLargeError", 413),
        ("TooLongError", 504), ("ImageError", 400), ("RecordError", 400), ("UploadError", 400), ("GraphError", 400),
        ("NameRefusedError", 400), ("VerifyError", 400),
    ],
)  # fmt: skip
def test_each_error_has_its_status(name: str, status: int) -> None:
    assert status_of(getattr(errors, name)("x")) == status


def until_over(job: Job) -> Job:
    end = time.monotonic() + 20
    while job.state == "running" and time.monotonic() < end:
        time.sleep(0.005)
    return job


def test_a_run_is_told_of_and_ends_with_its_answer() -> None:
    told: list[dict[str, Any]] = []

    def run(report: Report, stopped: Callable[[], bool]) -> dict[str, Any]:
        report("KSampler", 1, 2)
        return {"verdict": "identical"}

    job = until_over(Jobs().start(run, tell=lambda job: told.append(job.as_dict())))
    assert job.as_dict() == {
        "job": job.id, "state": "done", "what": "KSampler", "done": 1, "total": 2,
        "answer": {"verdict": "identical"}, "error": None,
    }  # fmt: skip
    assert [(one["state"], one["what"]) for one in told] == [("running", "KSampler"), ("done", "KSampler")]


def test_one_run_at_a_time_until_it_is_stopped() -> None:
    jobs = Jobs()

    def run(report: Report, stopped: Callable[[], bool]) -> dict[str, Any]:
        while not stopped():
            time.sleep(0.005)
        raise StoppedError("verify: was stopped")

    first = jobs.start(run, "me")
    with pytest.raises(BusyError, match="another picture is being run again"):
        jobs.start(run, "me")
    for user in ("", "you"):
        with pytest.raises(MissingFileError):
            jobs.stop(first.id, user)
    jobs.stop(first.id, "me")
    assert (until_over(first).state, first.error, first.answer) == ("cancelled", None, None)
    second = jobs.start(run, "me")
    jobs.stop(second.id, "me")
    assert until_over(second).state == "cancelled"


def test_a_run_that_fails_says_why_on_one_line_and_the_next_may_start(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, raised = Jobs(), []
    monkeypatch.setattr(threading, "excepthook", lambda args: raised.append(args.exc_type))

    def refused(report: Report, stopped: Callable[[], bool]) -> dict[str, Any]:
        raise ImageError("a.png: is\nno image")

    def broken(report: Report, stopped: Callable[[], bool]) -> dict[str, Any]:
        raise ZeroDivisionError

    job = until_over(jobs.start(refused))
    assert (job.state, job.error) == ("failed", "a.png: is no image")
    job = until_over(jobs.start(broken))
    assert job.state == "failed"
    assert job.error is not None
    assert "look into the server's log" in job.error
    for thread in threading.enumerate():
        if thread.name == "goodseed-verify":
            thread.join()
    assert raised == [ZeroDivisionError]  # it is not swallowed


def test_only_the_last_runs_are_remembered() -> None:
    jobs = Jobs()
    every = [until_over(jobs.start(lambda report, stopped: {})) for _ in range(MOST_KEPT + 2)]
    assert jobs.get(every[-1].id) is every[-1]
    assert jobs.get(every[2].id) is every[2]
    for forgotten in every[:2]:
        with pytest.raises(MissingFileError):
            jobs.get(forgotten.id)
