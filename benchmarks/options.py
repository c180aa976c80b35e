"""The options that benchmarks on a ComfyUI share."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.host.comfyui import VERSIONS, find_comfyui


def sampling_options(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser for a benchmark that samples: --comfyui, --size, --steps, --runs, --device."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--comfyui", type=Path, help="a ComfyUI checkout; by default those that the tests use")
    parser.add_argument("--size", type=int, default=128, help="width and height in pixels")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    return parser


def roots(given: Path | None) -> list[Path]:
    """Return the checkout that was given, or those that the tests use."""
    return [given] if given else [root for root in map(find_comfyui, VERSIONS) if root]
