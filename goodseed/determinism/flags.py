"""torch's flags that decide which bits a computation gives: read, set for a while, put back."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

CUBLAS_VARIABLE = "CUBLAS_WORKSPACE_CONFIG"
CUBLAS_SOUND = (":4096:8", ":16:8")
"""The values with which cuBLAS is deterministic (NVIDIA's cuBLAS manual, Results Reproducibility)."""
CUBLAS_LATE = "GOODSEED_CUBLAS_TOO_LATE"
"""Set by prestartup_script.py when cuBLAS may have been in use before the variable was there."""

DETERMINISTIC: dict[str, Any] = {
    "algorithms": "warn",
    "fill_uninitialized": False,
    "cudnn_deterministic": True,
    "cudnn_benchmark": False,
}
"""What makes torch's arithmetic repeatable on one machine.

`warn`: an operation that has no deterministic form runs and warns; an error would end the run. Fresh memory stays as
it is, as in an unguarded run: torch would else fill every new tensor with NaN first.
"""


@dataclass(frozen=True)
class _Flag:
    read: Callable[[], Any]
    write: Callable[[Any], None]


def read() -> dict[str, Any]:
    """Return all flags by name, as they are now.

    `algorithms` is off, warn or error; `float32_matmul_precision` is highest (no TF32), high or medium, or what the
    newer torch.backends.cuda.matmul.fp32_precision says where that has been set; the rest is true or false.
    """
    return {name: flag.read() for name, flag in _FLAGS.items()}


@contextlib.contextmanager
def numerics(wanted: Mapping[str, Any]) -> Iterator[None]:
    """Set flags by name; put back what they were when the block ends, fails or is cancelled.

    A flag that is already as wanted is not touched. The flags belong to the whole process: blocks in two threads at
    once see each other's.

    Raises:
        KeyError: for a name that is no flag.
    """
    before: dict[str, Any] = {}
    try:
        for name, value in wanted.items():
            found = _FLAGS[name].read()
            if found != value:
                before[name] = found
                _FLAGS[name].write(value)
        yield
    finally:
        for name, value in reversed(before.items()):
            _FLAGS[name].write(value)


def recorded(environment: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the TF32 flags that a record's environment tells; none where it does not tell."""
    values = ((environment or {}).get("precision") or {}).get("value") or {}
    found: dict[str, Any] = {}
    if values.get("float32_matmul_precision") in _MATMUL:
        found["float32_matmul_precision"] = values["float32_matmul_precision"]
    elif isinstance(values.get("matmul_allow_tf32"), bool):
        found["float32_matmul_precision"] = "high" if values["matmul_allow_tf32"] else "highest"
    if isinstance(values.get("cudnn_allow_tf32"), bool):
        found["cudnn_allow_tf32"] = values["cudnn_allow_tf32"]
    return found


def cublas_trouble(device: str, variables: Mapping[str, str] = os.environ) -> str | None:
    """Return why matrix products on a GPU are not repeatable, or None; on other devices there is no cuBLAS."""
    if not device.startswith("cuda"):
        return None
    value = variables.get(CUBLAS_VARIABLE)
    if value is None:
        return f"{CUBLAS_VARIABLE} is not set"
    if value not in CUBLAS_SOUND:
        return f"{CUBLAS_VARIABLE} is {value}, with which cuBLAS is not deterministic"
    if variables.get(CUBLAS_LATE):
        return f"{CUBLAS_VARIABLE} was set after cuBLAS had read it"
    return None


_MATMUL = ("highest", "high", "medium")


def _read_algorithms() -> str:
    if not torch.are_deterministic_algorithms_enabled():
        return "off"
    return "warn" if torch.is_deterministic_algorithms_warn_only_enabled() else "error"


def _write_algorithms(value: str) -> None:
    torch.use_deterministic_algorithms(value != "off", warn_only=value == "warn")


def _read_matmul() -> str:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # the newer setting has been used, and torch refuses to tell in the older words
        return str(torch.backends.cuda.matmul.fp32_precision)


def _write_matmul(value: str) -> None:
    if value in _MATMUL:
        torch.set_float32_matmul_precision(value)
    else:
        torch.backends.cuda.matmul.fp32_precision = value


def _read_cudnn_tf32() -> bool | str:
    try:
        return torch.backends.cudnn.allow_tf32
    except RuntimeError:  # as in _read_matmul
        return str(torch.backends.cudnn.conv.fp32_precision)  # type: ignore[attr-defined]


def _write_cudnn_tf32(value: bool | str) -> None:
    if isinstance(value, bool):
        torch.backends.cudnn.allow_tf32 = value
    else:
        torch.backends.cudnn.conv.fp32_precision = value  # type: ignore[attr-defined]


def _attribute(holder: Any, name: str) -> _Flag:
    return _Flag(lambda: getattr(holder, name), lambda value: setattr(holder, name, value))


_FLAGS = {
    "algorithms": _Flag(_read_algorithms, _write_algorithms),
    "fill_uninitialized": _attribute(torch.utils.deterministic, "fill_uninitialized_memory"),
    "cudnn_deterministic": _attribute(torch.backends.cudnn, "deterministic"),
    "cudnn_benchmark": _attribute(torch.backends.cudnn, "benchmark"),
    "cudnn_allow_tf32": _Flag(_read_cudnn_tf32, _write_cudnn_tf32),
    "float32_matmul_precision": _Flag(_read_matmul, _write_matmul),
}
