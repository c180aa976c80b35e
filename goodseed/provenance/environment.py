"""The machine and the software that an image is made with, as far as Python and torch know them."""

from __future__ import annotations

import functools
import logging
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from goodseed.provenance.record import OBSERVED, Known, known, unknown

_DRIVER_FILE = Path("/proc/driver/nvidia/version")
_NVIDIA_SMI = ("--query-gpu=driver_version", "--format=csv,noheader")


@functools.cache
def machine() -> dict[str, Any]:
    """Return versions and hardware, which stay the same while the process runs; None for what there is not."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda if gpu is not None else None,
        "cudnn": torch.backends.cudnn.version() if gpu is not None else None,  # type: ignore[no-untyped-call]
        "gpu": gpu,
        "driver": _driver() if gpu is not None else None,
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": torch.backends.cpu.get_cpu_capability(),
    }


def threads() -> int:
    """Return how many threads torch calculates with; sums on the CPU depend on it."""
    return torch.get_num_threads()


def environment_of(values: Mapping[str, Any]) -> dict[str, Known]:
    """Return a record's environment: what is there as observed, what is None as unknown."""
    return {name: unknown() if value is None else known(value, OBSERVED) for name, value in values.items()}


@functools.cache
def pack_version(folder: Path) -> dict[str, Any]:
    """Return name, version and commit of a node pack in a folder, read from pyproject.toml and .git."""
    text = _text(folder / "pyproject.toml")
    project = re.search(r"^\[project\]\s*$(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    fields = dict(re.findall(r'^(name|version)\s*=\s*"([^"\n]*)"', project.group(1), re.MULTILINE)) if project else {}
    return {
        "name": fields.get("name", folder.name),
        "version": fields.get("version"),
        "commit": _commit(folder / ".git"),
    }


def _commit(git: Path) -> str | None:
    """Return the commit that a folder's .git points at."""
    if git.is_file():  # a worktree or a submodule: "gitdir: <folder>"
        git = (git.parent / _text(git).removeprefix("gitdir:").strip()).resolve()
    head = _text(git / "HEAD").strip()
    if not head.startswith("ref:"):
        return _hexadecimal(head)
    name = head.removeprefix("ref:").strip()
    common = (git / _text(git / "commondir").strip()).resolve() if (git / "commondir").is_file() else git
    for folder in (git, common):
        if loose := _hexadecimal(_text(folder / name).strip()):
            return loose
    packed = re.search(rf"^([0-9a-f]{{40,64}}) {re.escape(name)}$", _text(common / "packed-refs"), re.MULTILINE)
    return packed.group(1) if packed else None


def _hexadecimal(text: str) -> str | None:
    return text if re.fullmatch(r"[0-9a-f]{40,64}", text) else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _driver() -> str | None:
    """Return the version of NVIDIA's driver, which torch does not know."""
    if found := re.search(r"Kernel Module\S*\s+(?:for \S+\s+)?([0-9.]+)", _text(_DRIVER_FILE)):
        return found.group(1)
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        answer = subprocess.run([program, *_NVIDIA_SMI], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        logging.info("Good Seed: nvidia-smi does not answer (%s); the record has no driver version", error)
        return None
    return answer.stdout.strip().splitlines()[0] if answer.stdout.strip() else None
