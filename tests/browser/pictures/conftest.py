"""The panel's pictures alone on a page of their own: no ComfyUI is started for these tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.pictures_page import PicturesServer, new_page, opened, serve_pictures

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def server() -> Iterator[PicturesServer]:
    yield from serve_pictures()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    yield from new_page(browser)


@pytest.fixture
def open_page(page: Page, server: PicturesServer) -> Page:
    """The page with A and B on it, side by side."""
    return opened(page, server)
