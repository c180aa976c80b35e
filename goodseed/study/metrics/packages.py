"""Packages that metrics need beyond Good Seed's own: imported late, named when they are missing."""

from __future__ import annotations

import importlib

from goodseed.errors import MissingExtraError

_PIP = {"torch_fidelity": "torch-fidelity", "open_clip": "open_clip_torch"}


def require(metric: str, *modules: str) -> None:
    """Import the modules.

    Raises:
        MissingExtraError: for the first that cannot be imported, with what to install.
    """
    for module in modules:
        name = _PIP.get(module, module)
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"metric {metric} needs {name}, which is not installed ({error}); pip install 'good-seed[metrics]'"
            ) from error
        except (ImportError, RuntimeError, OSError) as error:  # torchvision beside a torch it was not built for
            why = " ".join(str(error).split())[:120]
            raise MissingExtraError(
                f"metric {metric} needs {name}, which cannot be imported ({why}); install one that fits your torch"
            ) from error
