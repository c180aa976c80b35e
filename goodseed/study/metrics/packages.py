"""Packages that metrics and generators need beyond Good Seed's own: imported late, named when they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from goodseed.errors import MissingExtraError

EXTRAS = {
    "metrics": ("open_clip_torch", "torch-fidelity>=0.4,<0.5", "torchvision", "transformers>=4.45"),
    "diffusers": ("accelerate", "diffusers>=0.35,<1", "transformers>=4.48"),
}
"""What the extras in pyproject.toml install; a user without the folder that holds it has pip alone."""

_PIP = {"torch_fidelity": "torch-fidelity", "open_clip": "open_clip_torch"}


def pip_install(extra: str, *options: str) -> str:
    """Return the command that installs an extra; its quotes are those of every shell."""
    return " ".join(["pip install", *options, *(f'"{name}"' if "=" in name else name for name in EXTRAS[extra])])


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
            f"{who} needs {name}, which is not installed ({error}); {pip_install(extra)}"
        ) from error
    except (ImportError, RuntimeError, OSError) as error:  # torchvision beside a torch it was not built for
        why = " ".join(str(error).split())[:120]
        raise MissingExtraError(
            f"{who} needs {name}, which cannot be imported ({why}); install one that fits your torch"
        ) from error
