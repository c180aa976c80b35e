"""Work for the panel's routes: in threads of its own, few at a time, within a time; and what each error answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from goodseed.errors import (
    BusyError,
    GoodSeedError,
    MissingFileError,
    NameTrespassError,
    TooLargeError,
    TooLongError,
)

SECONDS = 30.0
THREADS = 2
_STATUS: dict[type[GoodSeedError], int] = {
    NameTrespassError: 403, MissingFileError: 404, BusyError: 409, TooLargeError: 413, TooLongError: 504,
}  # fmt: skip

Result = TypeVar("Result")


class Work:
    """Threads that work for a server's event loop; a thread that is late is left to itself and its answer dropped."""

    def __init__(self, threads: int = THREADS, seconds: float = SECONDS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="goodseed-panel")
        self._seconds = seconds

    async def do(self, what: str, work: Callable[[], Result]) -> Result:
        """Return what `work` returns; `what` names it where it takes too long.

        Raises:
            TooLongError: when it is not done, waiting for other work included.
        """
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.wait_for(loop.run_in_executor(self._pool, work), self._seconds)
        except (TimeoutError, asyncio.TimeoutError) as error:  # one and the same from Python 3.11 on
            raise TooLongError(
                f"{what}: was not done within {self._seconds:g} s; try smaller pictures, or later"
            ) from error


def status_of(error: GoodSeedError) -> int:
    """Return the HTTP status that an error answers with: 400 where it is the input's fault."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 400)
