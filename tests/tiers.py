"""Runs the tiers side by side and prints what each of them said: `python -m tests.tiers [--all]`.

The library's tests, those of studies apart, and one ComfyUI version each have a process of their own, so that a
machine's cores are all used and no server waits for another. Without --all, tests marked `long` are left out: the same
claims as their neighbours, on more servers. The exit code is 0 when every tier passed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STUDIES = ("diffusers", "engines", "ledger", "metrics", "pilot", "race", "racing", "seals", "study", "tables")
OF_STUDIES = [
    f"tests/library/{path.name}" for name in STUDIES for path in sorted(ROOT.glob(f"tests/library/test_{name}*.py"))
]
TIERS = {
    "library": ["tests/library", *(f"--ignore={path}" for path in OF_STUDIES)],
    "library, studies": OF_STUDIES,
    "host, newest ComfyUI": ["tests/host", "-k", "not floor"],
    "host, oldest ComfyUI": ["tests/host", "-k", "floor"],
    "browser": ["tests/browser"],
}
FILLERS = ("library", "library, studies")
"""Tiers that never wait for anybody: they run on what the others leave, so that none of those is the last alone."""


def start(arguments: Sequence[str], log: Path, filler: bool) -> subprocess.Popen[bytes]:
    """Start pytest with one thread of torch: several threads in each of several processes would wait for each other."""
    nice = shutil.which("nice") if filler else None
    environment = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", **os.environ}
    with log.open("wb") as out:
        command = [*([nice, "-n", "10"] if nice else []), sys.executable, "-m", "pytest", "--color=no", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)


def main() -> int:
    began = time.monotonic()
    which = () if "--all" in sys.argv[1:] else ("-m", "not long")
    counts: Counter[str] = Counter()
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        logs = {name: Path(folder) / f"{number}.log" for number, name in enumerate(TIERS)}
        running = {name: start((*arguments, *which), logs[name], name in FILLERS) for name, arguments in TIERS.items()}
        try:
            while running:
                time.sleep(0.2)
                for name in [name for name, process in running.items() if process.poll() is not None]:
                    text = logs[name].read_text(encoding="utf-8", errors="replace")
                    sys.stdout.write(f"== {name} ==\n{text}\n")
                    sys.stdout.flush()
                    last = text.strip().rsplit("\n", 1)[-1]
                    counts.update({what: int(count) for count, what in re.findall(r"(\d+) ([a-z]+)", last)})
                    if running.pop(name).returncode:
                        failed.append(name)
        finally:
            for process in running.values():
                process.terminate()
                process.wait()
    what = ", ".join(f"{counts[kind]} {kind}" for kind in ("failed", "errors", "passed", "skipped") if counts[kind])
    sys.stdout.write(f"{what} in {time.monotonic() - began:.0f} s\n")
    if failed:
        sys.stdout.write(f"FAILED: {'; '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
