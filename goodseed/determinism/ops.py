"""Operations that have no deterministic form, caught by name from torch's own warnings."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

_OPERATION = re.compile(r"(?P<name>.+?) does not have a deterministic implementation")
_CUBLAS = re.compile(r".*(?:not deterministic because it uses CuBLAS|CuBLAS.*not deterministic)", re.DOTALL)
_FILTERS = (
    r".+? does not have a deterministic implementation",
    r"(?s).*not deterministic because it uses CuBLAS",
)

_caught: ContextVar[tuple[list[str], ...]] = ContextVar("goodseed_caught", default=())


@contextlib.contextmanager
def catching() -> Iterator[list[str]]:
    """Yield a list that gets the name of each operation that torch warns of in the block, once each.

    torch warns only with deterministic algorithms on in the mode that warns. These warnings are not shown; all others
    go where they would have gone. Filters belong to the whole process, so other threads' operations are caught too.
    """
    names: list[str] = []
    token = _caught.set((*_caught.get(), names))
    with warnings.catch_warnings():
        for pattern in _FILTERS:
            warnings.filterwarnings("always", message=pattern)
        shown = warnings.showwarning

        def note(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
            name = operation_of(str(message))
            if name is None:
                shown(message, category, filename, lineno, file, line)
            elif name not in names:
                names.append(name)

        warnings.showwarning = note
        try:
            yield names
        finally:
            _caught.reset(token)


def caught() -> list[str]:
    """Return the operations caught so far by the `catching` blocks that this code runs in."""
    return list(dict.fromkeys(name for names in _caught.get() for name in names))


def operation_of(message: str) -> str | None:
    """Return which operation a warning of torch names as not deterministic, or None for other warnings."""
    if named := _OPERATION.match(message):
        return named["name"].strip()
    return "cuBLAS matrix product" if _CUBLAS.match(message) else None
