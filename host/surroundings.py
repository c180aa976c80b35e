"""What a record would say, beside the graph, of a picture that this server made now: files and machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .environment import environment
from .input_files import inputs_of
from .model_files import models_known

_OF_RUNS = ("precision", "deterministic")
"""Parts of the environment that only a run tells."""


def around(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return models, inputs and environment of a recipe, without waiting for hashes that are not known yet."""
    found = {name: value for name, value in environment(recipe, None).items() if name not in _OF_RUNS}
    return {"models": models_known(recipe), "inputs": inputs_of(recipe), "environment": found}
