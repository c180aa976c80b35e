"""How a ComfyUI that never heard of pip's goodseed gets the pack's own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LOAD = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("loader", sys.argv[1])
loader = importlib.util.module_from_spec(spec)
spec.loader.exec_module(loader)
path, modules = list(sys.path), set(sys.modules)
loader.provide_goodseed()
import goodseed, goodseed.seeds
assert goodseed.seeds.parse_seeds("0-2") == [0, 1, 2]
assert sys.path == path
assert not {"nodes", "host", "tests"} & (set(sys.modules) - modules)
print(goodseed.__file__)
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A copy of the pack under another name, with what `provide_goodseed` needs."""
    pack = tmp_path / "my pack (2).v1"
    (pack / "host").mkdir(parents=True)
    shutil.copy(ROOT / "host" / "library.py", pack / "host")
    shutil.copytree(ROOT / "goodseed", pack / "goodseed", ignore=shutil.ignore_patterns("weights", "__pycache__"))
    return pack


def test_the_packs_own_goodseed_is_loaded_and_nothing_is_put_on_the_path(pack: Path) -> None:
    done = _python(LOAD, pack)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == pack / "goodseed" / "__init__.py"


def test_the_same_version_loaded_before_stays(pack: Path) -> None:
    before = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import goodseed; del sys.path[0]\n"
    done = _python(before + LOAD, pack)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == ROOT / "goodseed" / "__init__.py"


def test_another_version_loaded_before_is_named(pack: Path) -> None:
    before = "import sys, types; other = types.ModuleType('goodseed'); other.__version__ = '0.0.9'\n"
    before += "other.__file__ = 'elsewhere'; sys.modules['goodseed'] = other\n"
    done = _python(before + LOAD, pack)
    assert done.returncode == 1
    assert "goodseed 0.0.9 is loaded from elsewhere" in done.stderr.splitlines()[-1]


def _python(code: str, pack: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-c", code, str(pack / "host" / "library.py")]
    return subprocess.run(command, capture_output=True, text=True, cwd=pack.parent)
