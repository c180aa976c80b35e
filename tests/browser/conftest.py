"""The browser tier: the front end of real ComfyUI servers in a real Chromium, driven by Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.frontends import (
    FRONT_ENDS,
    PACKAGE,
    QUICK,
    WINDOW,
    find_chromium,
    front_end_folder,
    why_no_browser,
)
from tests.host.comfyui import ComfyUI, find_comfyui, make_base

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.pages import Said

ROOT = Path(__file__).resolve().parents[2]

_skipped: dict[str, str] = {}
"""Why tests on a front end were skipped."""


@pytest.fixture(
    scope="session", params=[pytest.param(name, marks=[pytest.mark.long] * (name != QUICK)) for name in FRONT_ENDS]
)
def comfyui(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyUI]:
    """One running ComfyUI with one front end; tests that ask for it, or for its page, run on every front end."""
    wanted = FRONT_ENDS[request.param]
    root = find_comfyui(wanted.comfyui)
    if root is None:
        pytest.skip(_skipped.setdefault(wanted.name, f"no ComfyUI ({wanted.comfyui})"))
    options: list[str] = []
    if wanted.package:
        folder = front_end_folder(wanted.package)
        if folder is None:
            pytest.skip(_skipped.setdefault(wanted.name, f"{PACKAGE} {wanted.package} cannot be installed"))
        options = ["--front-end-root", str(folder)]
    base = make_base(tmp_path_factory.mktemp(wanted.name) / "base", ROOT, "good-seed")
    server = ComfyUI(wanted.name, root, base, options=options).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # --no-sandbox: Chromium has no other way where root runs the tests, as in containers.
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def page(browser: Browser, comfyui: ComfyUI) -> Iterator[Page]:
    """The front end of a server, open; one for all files, since opening it takes seconds of a processor."""
    from tests.browser.pages import open_comfy

    page = browser.new_page(viewport=WINDOW)
    open_comfy(page, comfyui)
    yield page
    page.close()


@pytest.fixture
def said(page: Page) -> Said:
    """What the page complains of while the test runs."""
    from tests.browser.pages import Said

    return Said().listen(page)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tier before a server is started for it."""
    missing = why_no_browser()
    for item in items:
        if missing and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=missing))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = why_no_browser()
    lines = [f"BROWSER TESTS SKIPPED: {missing}"] if missing else []
    lines += [f"BROWSER TESTS SKIPPED on front end {name}: {why}" for name, why in _skipped.items()]
    for line in lines:
        terminalreporter.write_line(line, yellow=True, bold=True)
