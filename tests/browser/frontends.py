"""The front ends that the browser tests open, and the browser that opens them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_cache_path

if TYPE_CHECKING:
    from playwright.sync_api import ViewportSize

PACKAGE = "comfyui-frontend-package"
WINDOW: ViewportSize = {"width": 1280, "height": 800}
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first is Chromium without what makes windows, which the others start as well: it takes half of the time."""


@dataclass(frozen=True)
class FrontEnd:
    """A front end on a version of ComfyUI; `package` is the release to serve in place of ComfyUI's own."""

    name: str
    comfyui: str
    package: str = ""


FRONT_ENDS = {
    found.name: found
    for found in (FrontEnd("newest", "newest"), FrontEnd("floor", "floor"), FrontEnd("1.58.1", "newest", "1.58.1"))
}
QUICK = "newest"
"""The one that `make test` opens; the others are long."""


def find_chromium() -> str | None:
    """Return the browser at $CHROMIUM_PATH, or a Chromium or Chrome on the PATH; None where there is none."""
    named = os.environ.get("CHROMIUM_PATH")
    if named:
        return named if Path(named).is_file() else None
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def why_no_browser() -> str:
    """Return what is missing for the browser tests, or nothing."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed (pip install playwright)"
    return "" if find_chromium() else f"no Chromium in $CHROMIUM_PATH, nor {', '.join(BROWSERS)} on the PATH"


def front_end_folder(version: str) -> Path | None:
    """Return the static files of a release of the front end, installed once into the user's cache; None without it."""
    target = user_cache_path("goodseed-tests") / f"{PACKAGE}-{version}"
    static = target / "comfyui_frontend_package" / "static"
    if not (static / "index.html").is_file():
        command = _installer(target)
        done = subprocess.run([*command, f"{PACKAGE}=={version}"], capture_output=True) if command else None
        if done is None or done.returncode:
            shutil.rmtree(target, ignore_errors=True)
            return None
    return static


def _installer(target: Path) -> list[str]:
    """Return the command that installs one package into a folder: pip's, or uv's where pip is not there."""
    options = ["--quiet", "--no-deps", "--target", str(target)]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", *options]
    uv = shutil.which("uv")
    return [uv, "pip", "install", *options] if uv else []
