"""The library tier: says loudly what it could not prove."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from goodseed.report import write_report
from tests.library.fake_model import make_study
from tests.library.test_report import a_bank


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 70 seeds (two blocks) × 3 + 3 prompts: 12 shards. Whoever changes it takes a copy."""
    return make_study(tmp_path_factory.mktemp("finished"), seeds=70, prompts=3)


@pytest.fixture(scope="session")
def bare_report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a full bank, written without a generator."""
    file = tmp_path_factory.mktemp("bare") / "report.html"
    write_report(a_bank(), file)
    return file.read_text(encoding="utf-8")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not all(importlib.util.find_spec(name) for name in ("rapidocr", "onnxruntime")):
        line = "RAPIDOCR TESTS SKIPPED: nothing is proved of reading text; pip install rapidocr onnxruntime"
        terminalreporter.write_line(line, yellow=True, bold=True)
    if importlib.util.find_spec("numba") is None:
        line = "KERNEL TESTS SKIPPED: nothing is proved of compiled noise; pip install numba"
        terminalreporter.write_line(line, yellow=True, bold=True)
    if importlib.util.find_spec("ray") is None:
        line = "RAY TESTS SKIPPED: nothing is proved of studies on Ray; pip install 'ray[client]'"
        terminalreporter.write_line(line, yellow=True, bold=True)
    if not all(importlib.util.find_spec(name) for name in ("diffusers", "transformers")):
        line = "DIFFUSERS TESTS SKIPPED: nothing is proved of pipelines; pip install '.[diffusers]'"
        terminalreporter.write_line(line, yellow=True, bold=True)
