"""A real ComfyUI in a process of its own: started on a free port with its own base directory, spoken to by HTTP."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Graph = dict[str, dict[str, Any]]

VERSIONS = {"newest": ("COMFYUI_PATH", "ComfyUI"), "floor": ("COMFYUI_FLOOR_PATH", "ComfyUI-floor")}
START_SECONDS = 600
RUN_SECONDS = 300


class GraphRefused(Exception):
    """The server did not queue a graph; the argument is its answer."""


class GraphFailed(Exception):
    """A node raised; the argument is its message, without the host's additions below it."""


def find_comfyui(version: str) -> Path | None:
    """Return the checkout named by the version's environment variable, or in ~/comfy; None where there is none."""
    variable, folder = VERSIONS[version]
    named = os.environ.get(variable)
    root = Path(named) if named else Path.home() / "comfy" / folder
    return root if (root / "main.py").is_file() else None


def python_of(root: Path) -> str:
    """Return the Python of the checkout's own environment, or the one that runs the tests."""
    for place in (".venv/bin/python", "venv/bin/python", ".venv/Scripts/python.exe", "venv/Scripts/python.exe"):
        if (root / place).is_file():
            return str(root / place)
    return sys.executable


def make_base(
    base: Path, pack: Path | None, pack_name: str, probes: Path | None = None, root: Path | None = None
) -> Path:
    """Make a base directory with the pack in it, linked, under any name.

    Of the checkout at `root` it gets the node that ComfyUI ships as a custom one.
    """
    for folder in ("custom_nodes", "input", "output", "temp", "user", "models/seedbanks"):
        (base / folder).mkdir(parents=True)
    for source, name in ((pack, pack_name), (probes, "goodseed_probe")):
        if source is not None:
            (base / "custom_nodes" / name).symlink_to(source, target_is_directory=True)
    if root is not None:
        name = "websocket_image_save.py"
        (base / "custom_nodes" / name).symlink_to(root / "custom_nodes" / name)
    return base


class ComfyUI:
    """One server. `start` returns at once; the first request waits until it answers."""

    def __init__(
        self,
        version: str,
        root: Path,
        base: Path,
        environment: dict[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.version = version
        self.options = list(options)
        self.root, self.base = root, base
        self.environment = environment or {}
        self.log_file = base / "comfyui.log"
        self.client = uuid.uuid4().hex

    def start(self) -> ComfyUI:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        database = f"sqlite:///{self.base}/user/comfyui.db"
        command = [
            python_of(self.root), "main.py", "--cpu", "--listen", "127.0.0.1", "--port", str(self.port),
            "--base-directory", str(self.base), "--database-url", database,
            "--disable-auto-launch", "--disable-api-nodes", "--preview-method", "none", *self.options,
        ]  # fmt: skip
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        environment |= {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", **self.environment}
        environment.setdefault("OMP_NUM_THREADS", "1")  # enough for pictures this small
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=self.root, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self._answered = False
        return self

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def pack(self) -> Path:
        folders = (path for path in (self.base / "custom_nodes").iterdir() if path.is_dir())
        return next(path for path in folders if path.name not in ("goodseed_probe", "__pycache__"))

    @property
    def banks(self) -> Path:
        return self.base / "models" / "seedbanks"

    @property
    def output(self) -> Path:
        return self.base / "output"

    def get(self, path: str) -> Any:
        """Return the JSON that the server answers with."""
        return json.loads(self._ask(path))

    def get_text(self, path: str) -> str:
        return self._ask(path).decode()

    def post(self, path: str, body: Any = None) -> bytes:
        """Return what the server answers to a JSON body."""
        return self._ask(path, body if body is not None else {})

    def free(self) -> None:
        """Make the server forget all models and cached outputs, and wait until it has."""
        self._ask("/free", {"unload_models": True, "free_memory": True})
        time.sleep(1.5)  # the server's worker looks at its flags once a second when it is idle

    def run(self, graph: Graph, extra_pnginfo: dict[str, Any] | None = None) -> dict[str, Any]:
        """Queue a graph, wait for its end, and return what each output node shows.

        `extra_pnginfo` is what the front end sends along for savers: the workflow.

        Raises:
            GraphRefused: when validation rejects it.
            GraphFailed: when a node raises.
        """
        try:
            body = {"prompt": graph, "client_id": self.client}
            if extra_pnginfo is not None:
                body["extra_data"] = {"extra_pnginfo": extra_pnginfo}
            answer = json.loads(self._ask("/prompt", body))
        except urllib.error.HTTPError as error:
            raise GraphRefused(json.loads(error.read())) from error
        entry = self._wait(answer["prompt_id"])
        for kind, message in entry["status"]["messages"]:
            if kind == "execution_error":
                raise GraphFailed(message["exception_message"].strip())
        assert entry["status"]["status_str"] == "success", entry["status"]
        outputs: dict[str, Any] = entry["outputs"]
        return outputs

    def executed_nodes(self, graph: Graph) -> set[str]:
        """Queue a graph and return the nodes that did run, all others being cached."""
        answer = json.loads(self._ask("/prompt", {"prompt": graph, "client_id": self.client}))
        entry = self._wait(answer["prompt_id"])
        cached = next(message["nodes"] for kind, message in entry["status"]["messages"] if kind == "execution_cached")
        return set(graph) - set(cached)

    def image(self, shown: dict[str, Any]) -> Path:
        """Return the file of an image that SaveImage or PreviewImage shows."""
        return self.base / shown["type"] / shown["subfolder"] / shown["filename"]

    def _wait(self, prompt_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            history = self.get(f"/history/{prompt_id}")
            if prompt_id in history and history[prompt_id]["status"] is not None:
                entry: dict[str, Any] = history[prompt_id]
                return entry
            if self.process.poll() is not None:
                raise RuntimeError(f"ComfyUI ({self.version}) ended:\n{self.log[-3000:]}")
            time.sleep(0.03)
        raise TimeoutError(f"ComfyUI ({self.version}) did not finish a graph in {RUN_SECONDS} s:\n{self.log[-3000:]}")

    def _ask(self, path: str, body: Any = None) -> bytes:
        self._wait_for_start()
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            content: bytes = answer.read()
        return content

    def _wait_for_start(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answered:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"ComfyUI ({self.version}) did not start:\n{self.log[-3000:]}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/system_stats", timeout=5):
                    self._answered = True
            except OSError:
                time.sleep(0.1)


def remove(base: Path) -> None:
    shutil.rmtree(base, ignore_errors=True)
