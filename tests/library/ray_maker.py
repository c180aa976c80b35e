"""What the tests of the Ray engine share: its processes on this machine, and a cluster with a token."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0
"""Seconds after which a process that does not do what it should counts as hung."""


def processes() -> dict[int, tuple[int, str]]:
    """Return all processes of this machine that have not ended: each one's parent and its command."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            if state != "Z":
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found[int(folder.name)] = int(parent), command
    return found


def cluster_folder(actor: int) -> Path:
    """Return the folder of the cluster that an actor belongs to, as its parent's command names it."""
    everything = processes()
    command = everything[everything[actor][0]][1]
    return Path(next(part for part in command.split() if part.startswith("--temp_dir=")).partition("=")[2])


def left_of(folder: Path) -> list[str]:
    """Return the commands of a cluster's processes that still run."""
    return [command for _, command in processes().values() if str(folder) in command]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class RayCluster:
    """A cluster that wants a token."""

    address: str
    client: str
    """Its address for Ray Client."""
    token: str


@contextlib.contextmanager
def cluster() -> Iterator[RayCluster]:
    """Run a cluster on this machine, which believes in two GPUs, and whose workers can import the tests."""
    port, client = free_port(), free_port()
    found = RayCluster(f"127.0.0.1:{port}", f"ray://127.0.0.1:{client}", "0123456789abcdef" * 4)
    with tempfile.TemporaryDirectory(prefix="gs-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        ports = [f"--port={port}", f"--ray-client-server-port={client}", "--min-worker-port=0", "--max-worker-port=0"]
        options = [
            "--include-dashboard=false",
            "--disable-usage-stats",
            "--num-cpus=2",
            "--num-gpus=2",
            f"--temp-dir={folder}",
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", *ports, *options],
            cwd=folder,
            env={
                **os.environ,
                "RAY_AUTH_MODE": "token",
                "RAY_AUTH_TOKEN": found.token,
                "RAY_worker_niceness": "0",
                "PYTHONPATH": str(ROOT),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            for each in (port, client):
                _until_open(each, process)
            yield found
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def _until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, "the cluster did not start"
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.1)
    raise AssertionError(f"port {port}: nothing listens")
