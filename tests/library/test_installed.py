"""What `pip install .` puts beside the command: all that it reads, the shipped banks among it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST_FILES = """
from setuptools import Distribution

distribution = Distribution({"script_name": "setup.py"})
distribution.parse_config_files(["pyproject.toml"])
build = distribution.get_command_obj("build_py")
build.build_lib = "."
build.ensure_finalized()
print(*build.get_outputs(include_bytecode=0), sep="\\n")
"""


def test_an_installed_goodseed_has_every_file_that_it_reads() -> None:
    done = subprocess.run([sys.executable, "-c", LIST_FILES], capture_output=True, text=True, cwd=ROOT, check=True)
    installed = {Path(line).as_posix() for line in done.stdout.splitlines()}
    files = [*(ROOT / "seedbanks").glob("*.safetensors"), *(ROOT / "goodseed").rglob("*")]
    needed = {
        path.relative_to(ROOT).as_posix()
        for path in files
        if path.is_file() and path.suffix != ".pyc" and not path.name.endswith(".tmp")
    }
    assert "seedbanks/goodseed-demo.safetensors" in needed
    assert needed - installed == set()
    assert {path.split("/")[0] for path in installed} == {"goodseed", "seedbanks"}
