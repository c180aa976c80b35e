"""diffusers and transformers, imported late and kept quiet."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from typing import Any

from goodseed.errors import MissingExtraError
from goodseed.study.metrics.packages import imported, pip_install

_WHO, _EXTRA = "generator diffusers", "diffusers"
_NEEDED = ("transformers", "diffusers")


def library() -> Any:
    """Return the package diffusers.

    Raises:
        MissingExtraError: when it or transformers, which holds the text encoders, is not installed or does not import.
    """
    for name in _NEEDED:
        module: Any = imported(_WHO, _EXTRA, name)
        module.utils.logging.disable_progress_bar()
        if name == "transformers":  # diffusers' import makes it say which image processors it does without
            module.utils.logging.set_verbosity_error()
    return module


def pipeline_class(name: str) -> Any:
    """Return a class of diffusers by name.

    Raises:
        MissingExtraError: when diffusers is too old to have it, or what it is made of does not import.
    """
    try:
        return getattr(library(), name)
    except (AttributeError, ImportError, RuntimeError) as error:
        why = " ".join(str(error).split())[:120]
        raise MissingExtraError(
            f"{_WHO} cannot use {name} of diffusers {version_of('diffusers')} ({why}); "
            f"{pip_install(_EXTRA, '--upgrade')}"
        ) from error


def version_of(name: str) -> str:
    """Return the version of an imported package."""
    return str(sys.modules[name].__version__)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep both packages from warning in the block: what a user should know, the block says itself."""
    kept = []
    for name in _NEEDED:
        logging = importlib.import_module(f"{name}.utils.logging")
        kept.append((logging, logging.get_verbosity()))
        logging.set_verbosity_error()
    try:
        yield
    finally:
        for logging, verbosity in kept:
            logging.set_verbosity(verbosity)
