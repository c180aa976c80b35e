"""Checks the types of the panel in web/ with TypeScript, which npm installs here once: `python -m tests.web_types`.

Without npm nothing is checked, and one line says so; the exit code is TypeScript's, or 0.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / "node_modules"


def install() -> Path | None:
    """Return node_modules with the tools that package.json names, installed where they are not; None without npm."""
    if _is_installed():
        return MODULES
    npm = shutil.which("npm")
    if npm is None:
        return None
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
    return MODULES if subprocess.run(command, cwd=ROOT).returncode == 0 else None


def _is_installed() -> bool:
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["devDependencies"]
    return all(_version(name) == version for name, version in wanted.items())


def _version(name: str) -> str | None:
    package = MODULES / name / "package.json"
    return json.loads(package.read_text("utf-8"))["version"] if package.is_file() else None


def main() -> int:
    node = shutil.which("node")
    if node is None or install() is None:
        sys.stderr.write("TYPES OF web/ NOT CHECKED: that needs Node.js with npm, and npm's registry once\n")
        return 0
    return subprocess.run([node, str(MODULES / "typescript" / "bin" / "tsc"), "--project", str(ROOT)]).returncode


if __name__ == "__main__":
    sys.exit(main())
