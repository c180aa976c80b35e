"""The archive that comfy-cli makes for the registry."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.host.comfyui import ComfyUI, find_comfyui, make_base
from tests.host.test_examples import comfy

ROOT = Path(__file__).resolve().parents[2]


def test_the_pack_loads_from_its_archive_in_a_clean_comfyui(tmp_path: Path) -> None:
    root = find_comfyui("newest")
    if root is None:
        pytest.skip("no ComfyUI (newest)")
    archive = _pack(tmp_path)
    base = make_base(tmp_path / "base", None, "")
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
        opened.extractall(base / "custom_nodes" / "unpacked")
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", ".ci/"))]
    assert {"__init__.py", "prestartup_script.py", "pyproject.toml", "requirements.txt", "LICENSE"} <= set(names)
    server = ComfyUI("newest", root, base).start()
    try:
        offered = server.get("/object_info")
        assert {"GoodSeedDemoModel", "GoodSeedDiverseSeedSampler", "GoodSeedGoldenSeedPicker"} <= set(offered)
        start = server.log.partition("To see the GUI go to")[0]
        assert "IMPORT FAILED" not in start
    finally:
        server.stop()


def _pack(folder: Path) -> Path:
    """Let comfy-cli pack the checkout's tracked files as they are now."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    checkout = folder / "checkout"
    for name in filter(None, tracked.stdout.split("\0")):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, checkout / name)
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    said = comfy(folder, "node", "pack", cwd=checkout).stdout
    assert "Warning" not in said
    return checkout / "node.zip"
