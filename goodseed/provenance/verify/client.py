"""A running ComfyUI, spoken to by HTTP: describe nodes, queue a graph, wait for its end, fetch pictures."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from goodseed.errors import GraphRefusedError, ServerError, StoppedError
from goodseed.provenance.verify.progress import NoMessages, Watch, watch
from goodseed.provenance.verify.refusal import explain_failure, explain_refusal

Graph = dict[str, dict[str, Any]]
Listen = Callable[[str, str, float], contextlib.AbstractContextManager[Watch | NoMessages]]
Report = Callable[[str, float, float], None]
"""Told what is going on, how much is done and of how much (0: not known)."""

LARGEST_JSON = 256 << 20
LARGEST_IMAGE = 512 << 20
_POLL_SECONDS = 0.5
_PATIENCE = 4
"""Questions in a row that may stay unanswered while a graph runs."""


class Server:
    """One ComfyUI.

    `url` is as people write it: http://host:8188, host:8188, or a longer address where it is behind a proxy.
    `patience` is how many seconds one answer may take. `stopped` is asked while a graph runs; once it says so, the run
    ends. `listen` follows a run's progress as `watch` does; `tls` judges the server's certificate.
    """

    def __init__(
        self,
        url: str,
        patience: float = 30.0,
        stopped: Callable[[], bool] = lambda: False,
        listen: Listen = watch,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.url = _checked(url)
        self.patience = patience
        self._stopped, self._listen, self._tls = stopped, listen, tls
        self.client = uuid.uuid4().hex

    def check(self) -> dict[str, Any]:
        """Return what the server says of itself.

        Raises:
            ServerError: when it is down, or is no ComfyUI.
        """
        stats = self._json("/system_stats")
        if not isinstance(stats, dict) or not isinstance(stats.get("system"), dict):
            raise ServerError(f"{self.url}: is not ComfyUI (by its answer to /system_stats); check the address")
        return stats

    def describe(self, class_type: str) -> dict[str, Any] | None:
        """Return what the server says of a class of nodes, or None where it has none of that name."""
        try:
            answer = self._json(f"/object_info/{urllib.parse.quote(class_type, safe='')}")
        except _Answered as error:
            if error.status == 404:
                return None
            raise
        found = answer.get(class_type) if isinstance(answer, dict) else None
        return found if isinstance(found, dict) else None

    def file(self, name: str, kind: str) -> bytes | None:
        """Return a file (`subfolder/name`) of the server's input, output or temp folder; None if it is missing."""
        folder, _, file = name.replace("\\", "/").rpartition("/")
        try:
            return self._ask(f"/view?{_query(filename=file, subfolder=folder, type=kind)}", limit=LARGEST_IMAGE)
        except _Answered as error:
            if error.status in (400, 403, 404):
                return None
            raise

    def upload(self, name: str, data: bytes) -> None:
        """Put a picture into the server's input folder, under a name that is free there."""
        folder, _, file = name.replace("\\", "/").rpartition("/")
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
            for field, value in (("type", "input"), ("subfolder", folder), ("overwrite", "false"))
        ]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{_header(file)}"\r\n\r\n'
        body = b"".join([*parts, head.encode(), data, f"\r\n--{boundary}--\r\n".encode()])
        answer = self._ask("/upload/image", body, content_type=f"multipart/form-data; boundary={boundary}")
        stored = _parsed(answer, self.url, "/upload/image")
        if not isinstance(stored, dict) or stored.get("name") != file:
            raise ServerError(
                f"{self.url}: did not take the input picture '{file}' under its name; put it there by hand"
            )

    def fetch(self, image: Mapping[str, Any]) -> bytes:
        """Return the file of an image that an output node shows."""
        place = {part: str(image.get(part, "")) for part in ("filename", "subfolder", "type")}
        return self._ask(f"/view?{_query(**place)}", limit=LARGEST_IMAGE)

    def run(self, graph: Graph, report: Report, limit: float = math.inf) -> dict[str, Any]:
        """Queue a graph, wait for its end, and return the server's entry of it: `outputs` and `status`.

        It is taken off the queue, or stopped, when the time is over or the user stops.

        Raises:
            ServerError: when the server refuses the graph, a node fails, the run is cancelled or lost, or `limit`
                seconds were not enough.
            StoppedError: when it was stopped from here.
        """
        self._stop_if_asked()
        with self._listen(self.url, self.client, _POLL_SECONDS) as messages:
            prompt_id = self.queue(graph)
            try:
                entry = self._wait(prompt_id, graph, messages, report, limit)
            except BaseException:
                self.withdraw(prompt_id)
                raise
        if problem := explain_failure(entry):
            raise ServerError(f"{self.url}: {problem}")
        return entry

    def queue(self, graph: Graph) -> str:
        """Queue a graph and return the run's id; the server's messages about it go to `client`.

        Raises:
            GraphRefusedError: when the server will not run it; the message says why.
            ServerError: when it does not answer.
        """
        body = json.dumps({"prompt": graph, "client_id": self.client}, allow_nan=False).encode()
        try:
            answer = _parsed(self._ask("/prompt", body), self.url, "/prompt")
        except _Answered as error:
            if error.status == 400:
                raise GraphRefusedError(f"{self.url}: {explain_refusal(error.body, graph)}") from error
            raise
        if not isinstance(answer, dict) or not isinstance(answer.get("prompt_id"), str):
            raise ServerError(f"{self.url}: did not queue the graph and did not say why; look into its log")
        return str(answer["prompt_id"])

    def _wait(
        self, prompt_id: str, graph: Graph, messages: Watch | NoMessages, report: Report, limit: float
    ) -> dict[str, Any]:
        end = time.monotonic() + limit
        missed = lost = 0
        while time.monotonic() < end:
            self._stop_if_asked()
            messages.follow(prompt_id, graph, report)
            try:
                entry = self.entry(prompt_id)
                place = None if entry else self.place(prompt_id)
                missed = 0
            except ServerError:
                missed += 1
                if missed >= _PATIENCE:
                    raise
                continue
            if entry:
                return entry
            lost = lost + 1 if place is None else 0
            if lost > 1:  # asked twice: it may have ended between the two questions
                raise ServerError(f"{self.url}: lost the run; it was cleared or the server was restarted: try again")
            if place:
                report(f"waiting for {place} other run{'s' * (place > 1)}", 0, 0)
        raise ServerError(f"{self.url}: was not done within {limit:g} s; raise --timeout, or look what it is busy with")

    def _stop_if_asked(self) -> None:
        if self._stopped():
            raise StoppedError("verify: was stopped")

    def entry(self, prompt_id: str) -> dict[str, Any] | None:
        """Return the history's entry of a run that has ended, with its `status` and `outputs`; else None."""
        history = self._json(f"/history/{prompt_id}")
        entry = history.get(prompt_id) if isinstance(history, dict) else None
        return entry if isinstance(entry, dict) and isinstance(entry.get("status"), dict) else None

    def place(self, prompt_id: str) -> int | None:
        """Return how many runs come before one, 0 when it is running, None when it is not in the queue."""
        running, pending = self._runs()
        if prompt_id in running:
            return 0
        return pending.index(prompt_id) + len(running) if prompt_id in pending else None

    def free(self) -> None:
        """Ask the server to unload its models and forget what it has cached, before it runs anything else."""
        self._ask("/free", json.dumps({"unload_models": True, "free_memory": True}).encode())

    def queued(self) -> int:
        """Return how many runs are going on or waiting, whoever queued them."""
        running, pending = self._runs()
        return len(running) + len(pending)

    def _runs(self) -> tuple[list[Any], list[Any]]:
        """Return the ids of the runs that go on, and of those that wait, the next one first."""
        queue = self._json("/queue")
        try:
            running = [item[1] for item in queue["queue_running"]]
            pending = [item[1] for item in sorted(queue["queue_pending"], key=lambda item: item[0])]
        except (TypeError, KeyError, IndexError) as error:
            raise ServerError(f"{self.url}: gave no queue for an answer to /queue; check the address") from error
        return running, pending

    def withdraw(self, prompt_id: str) -> None:
        """Take a run off the queue, and stop it if it is the one that runs; the server may be gone already."""
        for path, body in (("/queue", {"delete": [prompt_id]}), ("/interrupt", {"prompt_id": prompt_id})):
            try:
                self._ask(path, json.dumps(body).encode())
            except ServerError:
                return

    def _json(self, path: str) -> Any:
        return _parsed(self._ask(path), self.url, path)

    def _ask(
        self, path: str, body: bytes | None = None, content_type: str = "application/json", limit: int = LARGEST_JSON
    ) -> bytes:
        where = path.partition("?")[0]
        request = urllib.request.Request(f"{self.url}{path}", body, {"Content-Type": content_type} if body else {})
        try:
            with urllib.request.urlopen(request, timeout=self.patience, context=self._tls) as answer:
                content: bytes = answer.read(limit + 1)
        except urllib.error.HTTPError as error:
            raise _Answered(self.url, where, error) from error
        except (TimeoutError, urllib.error.URLError, OSError, http.client.HTTPException) as error:
            raise ServerError(f"{self.url}: {_why_silent(error, where, self.patience)}") from error
        if len(content) > limit:
            raise ServerError(f"{self.url}: answers {where} with more than {limit >> 20} MB; is it ComfyUI?")
        return content


class _Answered(ServerError):
    """The server answered, with an error's status."""

    def __init__(self, url: str, path: str, error: urllib.error.HTTPError) -> None:
        super().__init__(f"{url}: answers {path} with {error.code} {error.reason}; check the address and its log")
        self.status = error.code
        try:
            self.body = error.read(1 << 20)
        except (OSError, http.client.HTTPException):
            self.body = b""


def _checked(url: str) -> str:
    """Return an address with its scheme and without a slash at its end."""
    try:
        parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
        fine = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        _ = parts.port
    except ValueError:  # a bracket that is not closed, a port that is no number
        fine = False
    if not fine or any(character.isspace() or not character.isprintable() for character in url):
        raise ServerError(f"server: {url[:80]!a} is no address; write it as http://127.0.0.1:8188")
    if "@" in parts.netloc:  # which is not repeated: there may be a password in it
        raise ServerError(
            f"server: the address of {parts.hostname} has a name or a password in it, which is not used; reach the "
            "server by an SSH tunnel, or another way that asks for none"
        )
    return urllib.parse.urlunsplit(parts).rstrip("/")


def _why_silent(error: Exception, path: str, patience: float) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError) or isinstance(error, TimeoutError):
        return f"did not answer {path} within {patience:g} s; it may be loading: try again later"
    if isinstance(reason, (ConnectionRefusedError, ConnectionResetError)):
        return "does not answer; start ComfyUI there, or check the address"
    if isinstance(error, http.client.HTTPException):
        return f"broke off its answer to {path}; try again, or check the address"
    text = getattr(reason, "strerror", None) or str(reason)
    return f"cannot be reached ({' '.join(str(text).split())[:120]}); check the address"


def _parsed(content: bytes, url: str, path: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        where = path.partition("?")[0]
        raise ServerError(f"{url}: did not answer {where} as ComfyUI does; check the address") from error


def _query(**parts: str) -> str:
    return urllib.parse.urlencode(parts)


def _header(text: str) -> str:
    return text.replace("\\", "_").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
