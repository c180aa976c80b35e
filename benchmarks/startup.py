"""What the pack adds to ComfyUI's start, and what installing its requirements would change.

In ComfyUI's own environment, once ComfyUI and its built-in nodes are loaded, this times ComfyUI's own loader
on the pack; then it asks pip, without installing anything, what requirements.txt would change there.

    python benchmarks/startup.py [--comfyui DIR] [--runs 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.host.comfyui import VERSIONS, find_comfyui, make_base, python_of  # noqa: E402

MEASURE = """
import asyncio, json, time
import comfy.options
comfy.options.enable_args_parsing()
import utils.extra_config  # first, as in main.py: nodes.py puts another `utils` in its way
import execution, server, nodes  # as in main.py, before any pack

async def load():
    await nodes.init_builtin_extra_nodes()
    start, busy = time.perf_counter(), time.process_time()
    loaded = await nodes.load_custom_node(PACK, set(), module_parent="custom_nodes")
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    return {"seconds": seconds, "busy": busy, "loaded": loaded}

print("FIGURES " + json.dumps(asyncio.run(load())))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comfyui", type=Path, help="a ComfyUI checkout; by default those that the tests use")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    roots = [options.comfyui] if options.comfyui else [root for root in map(find_comfyui, VERSIONS) if root]
    for root in roots:
        first, _ = load_seconds(root)  # Python may compile the pack in it, as at the start after an update
        times, busy = zip(*(load_seconds(root) for _ in range(options.runs)), strict=True)
        by_clock, of_core = (1000 * statistics.median(figures) for figures in (times, busy))
        print(f"{root.name}: the pack adds {by_clock:.0f} ms to the start ({of_core:.0f} ms of a core's time)")
        print(f"{root.name}: {1000 * first:.0f} ms the first time")
        changed = changed_packages(root)
        print(f"{root.name}: requirements.txt changes {', '.join(changed) or 'no package that it has'}")


def load_seconds(root: Path) -> tuple[float, float]:
    """Return how long ComfyUI's own loader takes for the pack, all else being loaded: by the clock, in core time."""
    with tempfile.TemporaryDirectory() as folder:
        base = make_base(Path(folder) / "base", ROOT, "good-seed")
        pack = str(base / "custom_nodes" / "good-seed")
        arguments = ["--cpu", "--base-directory", str(base)]
        script = MEASURE.replace("PACK", repr(pack))
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(
            [python_of(root), "-c", script, *arguments],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    figures = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("FIGURES "))[8:])
    if not figures["loaded"]:
        raise SystemExit(f"{root}: the pack did not load\n{done.stderr[-2000:]}")
    return float(figures["seconds"]), float(figures["busy"])


def changed_packages(root: Path) -> list[str]:
    """Return the packages that ComfyUI's environment has and that installing requirements.txt would replace."""
    pip = [sys.executable, "-m", "pip", "--python", python_of(root)]
    has = {_plain(package["name"]): package["version"] for package in _json([*pip, "list", "--format", "json"])}
    wanted = ["install", "--dry-run", "--quiet", "--report", "-", "-r", str(ROOT / "requirements.txt")]
    planned = [entry["metadata"] for entry in _json([*pip, *wanted])["install"]]
    return [f"{p['name']} {has[_plain(p['name'])]} → {p['version']}" for p in planned if _plain(p["name"]) in has]


def _json(command: list[str]) -> Any:
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


if __name__ == "__main__":
    main()
