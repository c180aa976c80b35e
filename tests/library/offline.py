"""Asks for metrics' weights where there is no network: `python offline.py OUT REFERENCE METRIC…`.

In a process of its own, because the Hugging Face hub reads its address when it is imported. Prints a line of JSON for
each metric: the command's exit code and what it said.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time

from goodseed.cli import run


def main() -> int:
    out, reference, *metrics = sys.argv[1:]
    time.sleep = lambda seconds: None  # the hub's pauses between its tries
    for metric in metrics:
        arguments = ["study", "--seeds", "0-3", "--metrics", metric, "--out", f"{out}/{metric}", "--json"]
        if metric in ("fid", "cmmd"):
            arguments += ["--reference", reference]
        with contextlib.redirect_stdout(io.StringIO()) as said:
            code = run(arguments)
        sys.stdout.write(json.dumps({"metric": metric, "code": code, "said": said.getvalue()}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
