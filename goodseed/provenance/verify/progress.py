"""How far a queued graph is, by the messages that ComfyUI sends over its websocket; a run goes well without them."""

from __future__ import annotations

import contextlib
import json
import logging
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import websocket

Report = Callable[[str, float, float], None]
Receive = Callable[[float], str | bytes | None]
"""Returns the next message, or None when none came within so many seconds; raises OSError when none will."""
_CONNECT_SECONDS = 5.0
_ENDINGS = ("execution_success", "execution_error", "execution_interrupted")


class NoMessages:
    """What follows a run where there is no websocket: nothing but a pause."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def follow(self, prompt_id: str, graph: Mapping[str, Any], report: Report) -> None:
        time.sleep(self._seconds)


class Watch:
    """The messages of one client; `follow` reports those of one run, for a while or until the run ends."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._next: Receive | None = receive
        self._seconds = seconds
        self._seen: set[str] = set()

    def follow(self, prompt_id: str, graph: Mapping[str, Any], report: Report) -> None:
        end = time.monotonic() + self._seconds
        while (left := end - time.monotonic()) > 0:
            message = self._receive(left)
            if message is None:
                continue
            kind, data = message
            if data.get("prompt_id") != prompt_id:
                continue
            if kind in _ENDINGS:
                return
            if kind == "execution_cached":
                self._seen |= {str(node) for node in data.get("nodes") or ()}
            elif kind in ("executing", "progress"):
                self._report(kind, data, graph, report)

    def _report(self, kind: str, data: Mapping[str, Any], graph: Mapping[str, Any], report: Report) -> None:
        node = data.get("node")
        if node is None:
            return
        part = 0.0
        if kind == "progress" and isinstance(data.get("value"), (int, float)) and data.get("max"):
            part = min(1.0, float(data["value"]) / float(data["max"]))
        done = len(self._seen - {str(node)}) + part
        self._seen.add(str(node))
        name = graph[node]["class_type"] if node in graph else str(node)
        report(name, min(done, len(graph)), len(graph))

    def _receive(self, seconds: float) -> tuple[str, dict[str, Any]] | None:
        """Return the next message that is JSON, or None when there was none in time."""
        if self._next is None:
            time.sleep(seconds)
            return None
        try:
            text = self._next(seconds)
        except OSError as error:
            logging.debug("the server's messages ended: %s", error)
            self._next = None
            return None
        if not isinstance(text, str):  # a preview picture, or nothing
            return None
        return parsed(text)


def parsed(text: str) -> tuple[str, dict[str, Any]] | None:
    """Return type and data of a message of ComfyUI, or None for anything else."""
    try:
        message = json.loads(text)
    except ValueError:
        return None
    data = message.get("data") if isinstance(message, dict) else None
    return (str(message.get("type")), data) if isinstance(data, dict) else None


def connect(url: str, client: str) -> websocket.WebSocket:
    """Open the websocket for `client`'s messages of the server at `url`.

    Raises:
        WebSocketException, OSError, ValueError: when it does not open within 5 s.
    """
    import websocket  # late: ComfyUI does not bring it, and reads its own messages by other means

    return websocket.create_connection(messages_address(url, client), timeout=_CONNECT_SECONDS)


@contextlib.contextmanager
def watch(url: str, client: str, seconds: float) -> Iterator[Watch | NoMessages]:
    """Listen to the messages for `client` of the server at `url`; `seconds` is how long one `follow` takes at most."""
    import websocket  # late: ComfyUI does not bring it, and reads its own messages by other means

    try:
        connection = connect(url, client)
    except (websocket.WebSocketException, OSError, ValueError) as error:
        logging.debug("no messages from the server: %s", error)
        yield NoMessages(seconds)
        return

    def receive(wait: float) -> str | bytes | None:
        try:
            connection.settimeout(wait)
            message: str | bytes = connection.recv()
            return message
        except websocket.WebSocketTimeoutException:
            return None
        except websocket.WebSocketException as error:
            raise ConnectionError(str(error)) from error

    try:
        yield Watch(receive, seconds)
    finally:
        connection.close(timeout=1)


def messages_address(url: str, client: str) -> str:
    """Return the address of the messages for `client` of the server at `url`."""
    parts = urllib.parse.urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urllib.parse.urlunsplit((scheme, parts.netloc, f"{parts.path}/ws", f"clientId={client}", ""))
