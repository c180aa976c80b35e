"""The random state that a process shares: kept over a block that draws from it."""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Callable, Iterator

import numpy as np


@contextlib.contextmanager
def random_state_kept() -> Iterator[None]:
    """Put back, when the block ends, fails or is cancelled, the state of torch (CPU and CUDA), numpy and Python.

    The block draws what it would have drawn. Torch is not loaded for this; one that the block loads is left as new.
    """
    plain, numbers = random.getstate(), np.random.get_state()
    put_back = _state_of_torch() if "torch" in sys.modules else _torch_as_new
    try:
        yield
    finally:
        random.setstate(plain)
        np.random.set_state(numbers)
        put_back()


def _state_of_torch() -> Callable[[], None]:
    """Return what puts torch's state back to what it is now."""
    import torch

    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    cpu, cuda = torch.get_rng_state(), {device: torch.cuda.get_rng_state(device) for device in devices}

    def put_back() -> None:
        torch.set_rng_state(cpu)
        for device, state in cuda.items():
            torch.cuda.set_rng_state(state, device)

    return put_back


def _torch_as_new() -> None:
    """Give torch, if it has been loaded meanwhile, what it has in a new process: a seed that nobody chose."""
    if "torch" in sys.modules:
        sys.modules["torch"].seed()
