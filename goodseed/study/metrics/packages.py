"""Packages that metrics and generators need beyond Good Seed's own: imported late, named when they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from goodseed.errors import MissingExtraError

_PIP = {"torch_fidelity": "torch-fidelity", "open_clip": "open_clip_torch"}

EXTRAS = {
    "metrics": "open_clip_torch torch-fidelity torchvision transformers",
    "diffusers": "accelerate diffusers transformers",
}
"""What each extra brings, by names that pip finds wherever Good Seed itself came from."""


def require(metric: str, *modules: str) -> None:
    """Import the modules that a metric needs.

    Raises:
        MissingExtraError: for the first that cannot be imported, with what to install.
    """
    for module in modules:
        imported(f"metric {metric}", "metrics", module)


def imported(who: str, extra: str, module: str) -> ModuleType:
    """Import and return a module that comes with the extra `extra`; `who` needs it.

    Raises:
        MissingExtraError: when it cannot be imported, with what to install.
    """
    name = _PIP.get(module, module)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{who} needs {name}, which is not installed ({error}); pip install {EXTRAS[extra]}"
        ) from error
    except (ImportError, RuntimeError, OSError) as error:  # torchvision beside a torch it was not built for
        why = " ".join(str(error).split())[:120]
        raise MissingExtraError(
            f"{who} needs {name}, which cannot be imported ({why}); install one that fits your torch"
        ) from error
