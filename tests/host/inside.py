"""Runs a check inside a ComfyUI's own environment, in a process of its own, without a server."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.host.comfyui import make_base, python_of

ROOT = Path(__file__).resolve().parents[2]
PROBES = ROOT / "tests" / "host" / "assets" / "goodseed_probe"

START = """
import asyncio, json, os, sys
sys.path.append(os.getcwd())
import comfy.options
comfy.options.enable_args_parsing()
import utils.extra_config  # first, as in main.py: nodes.py puts another `utils` in its way
import nodes

asked = json.loads(os.environ["GOODSEED_CHECK"])
for name in ("good-seed", "goodseed_probe"):
    asyncio.run(nodes.load_custom_node(os.path.join(asked["packs"], name), set(), module_parent="custom_nodes"))
probe = sys.modules[nodes.NODE_CLASS_MAPPINGS["ProbeSeedSwap"].__module__]
print("ANSWER " + json.dumps(probe.run(asked["check"], asked["options"])))
"""


def run_check(comfyui: Path, check: str, device: str = "cpu", prepare: Any = None, **options: Any) -> Any:
    """Return what a function of assets/goodseed_probe/seed_swap.py answers on a ComfyUI.

    `prepare` is called with the base folder before ComfyUI starts.
    """
    with tempfile.TemporaryDirectory() as folder:
        base = make_base(Path(folder) / "base", ROOT, "good-seed", PROBES)
        if prepare is not None:
            prepare(base)
        asked = {"packs": str(base / "custom_nodes"), "check": check, "options": options}
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        done = subprocess.run(
            [python_of(comfyui), "-c", START, "--base-directory", str(base), *(["--cpu"] if device == "cpu" else [])],
            cwd=comfyui,
            env={"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **kept, "GOODSEED_CHECK": json.dumps(asked)},
            capture_output=True,
            text=True,
        )
    answers = [line for line in done.stdout.splitlines() if line.startswith("ANSWER ")]
    if not answers:
        raise RuntimeError(f"{comfyui}: {check} failed\n{done.stderr[-4000:]}")
    return json.loads(answers[0].removeprefix("ANSWER "))
