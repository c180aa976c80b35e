"""Forms as a browser sends them to the panel's routes, and what comes back."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BOUNDARY = "goodseed-test-form"

Part = bytes | tuple[str, bytes] | str | Mapping[str, Any]
"""A file's bytes (with a name), a text, or JSON."""


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def form(**parts: Part) -> bytes:
    """Return a multipart form; bytes are a file."""
    return b"".join(_part(name, part) for name, part in parts.items()) + f"--{BOUNDARY}--\r\n".encode()


def _part(name: str, part: Part) -> bytes:
    if isinstance(part, bytes):
        part = (f"{name}.png", part)
    if isinstance(part, tuple):
        head, content = f'; filename="{part[0]}"\r\nContent-Type: application/octet-stream', part[1]
    else:
        head, content = "", (part if isinstance(part, str) else json.dumps(part)).encode()
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{head}\r\n\r\n'.encode() + content + b"\r\n"


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    """Ask a server; `Sec_Fetch_Site` is the header Sec-Fetch-Site."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    sent = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"} if body is not None else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        connection.close()


def post(port: int, path: str, **parts: Part) -> Answer:
    """Send a form to a route of the panel."""
    return ask(port, "POST", f"/goodseed/{path}", form(**parts))
