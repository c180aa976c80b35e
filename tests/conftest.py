"""Keeps pytest from importing the pack's `__init__.py`, which only ComfyUI can import."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# torch-fidelity installs a package called `tests`, which would be taken for this folder.
sys.modules["tests"] = types.ModuleType("tests")
sys.modules["tests"].__path__ = [str(ROOT / "tests")]


class RootIsNoPackage:
    """Collects the checkout as a plain folder: pytest imports the `__init__.py` of every package it collects.

    A class, because pytest asks the hooks of a conftest.py only about folders below it.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        return pytest.Dir.from_parent(parent, path=path) if path == ROOT else None


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(RootIsNoPackage())
