"""One ComfyUI server kept busy: entries queued ahead, their pictures taken as they come, and what may go wrong.

A picture comes over the websocket, from the node SaveImageWebsocket that ComfyUI ships: binary messages without a name,
sent while that node runs. Where a server lacks it, or opens no websocket, PreviewImage writes a file into the server's
temp folder instead, and the server is asked how far it is.
"""

from __future__ import annotations

import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import websocket

from goodseed.errors import PlaceLostError, ServerError, StudyError
from goodseed.provenance.verify.client import Server
from goodseed.provenance.verify.progress import connect, parsed
from goodseed.provenance.verify.refusal import explain_failure
from goodseed.study.comfy.pictures import decoded
from goodseed.study.comfy.workflow import PREVIEW, SEND, SHOW, Workflow

Cell = tuple[str, int]
"""A prompt and a seed."""

log = logging.getLogger(__name__)

_LISTEN, _ASK = 0.5, 0.1
"""Seconds to wait for a message, and between two questions where there are no messages."""
_LOOK = 2.0
"""Seconds of silence after which the server is asked how its entries are."""
_UNANSWERED = 3
_TRIES = 3
_PREVIEW_EVENT, _PNG = 1, 2
"""The first two numbers of a binary message that is a picture (BinaryEventTypes and send_image in server.py)."""
_MEMORY = ("outofmemory", "out of memory", "allocation on device", "not enough memory", "alloc_failed")
_BROKEN = ("cuda error", "hip error", "cudnn_status", "cublas_status", "device-side assert", "no space left on device")
"""What only this server's GPU or disk is to blame for; after most of these a process computes nothing any more."""


@dataclass(frozen=True)
class Settings:
    """How one server is used: entries queued at a time, seconds without progress that count as hanging, seconds that
    a lost server may stay away, seconds for one answer, and whether its own savers keep the images."""

    ahead: int = 2
    stall: float = 300.0
    patience: float = 600.0
    answer: float = 30.0
    keep_images: bool = False


@dataclass
class _Entry:
    """A cell that is queued or running."""

    cell: Cell
    sent: list[bytes] = field(default_factory=list)
    files: list[Mapping[str, Any]] = field(default_factory=list)
    missed: int = 0
    """How often in a row it was neither queued nor done."""
    ended: int = 0
    """How often it was found done while its picture had not come."""


class Feed:
    """The entries of one server."""

    def __init__(self, server: Server, workflow: Workflow, settings: Settings, say: Callable[[str], None]) -> None:
        self.server, self._workflow, self._settings, self._say = server, workflow, settings, say
        self._coming: list[Cell] = []
        self._active: dict[str, _Entry] = {}
        self._done: dict[Cell, np.ndarray] = {}
        self._tries: dict[Cell, int] = {}
        self._short_of_memory: set[Cell] = set()
        self._mail = self._connected()
        self._messages = self._mail is not None
        self._show = self._show_of(server)
        self._at: tuple[str, str] = ("", "")
        self._heard = self._looked = time.monotonic()
        self._unanswered = 0
        self.left: list[str] = []

    def announce(self, cells: Sequence[Cell]) -> None:
        """Hear which cells come next, and queue as many as may be."""
        self._coming = list(cells)
        self._top_up()

    def picture(self, cell: Cell) -> np.ndarray:
        """Return a cell's picture, uint8 [H, W, 3], and leave the next ones queued.

        Raises:
            PlaceLostError: when the server has gone, hangs, or has too little memory.
            StudyError: when the workflow fails on it.
        """
        if cell not in self._coming:
            self._coming.insert(0, cell)
        self._top_up()
        while cell not in self._done:
            self._step()
        self._coming.remove(cell)
        self._top_up()
        return self._done.pop(cell)

    def close(self) -> None:
        """Take back what is queued, and hang up; `left` are the entries that were not done."""
        self.left += self._active
        for prompt_id in list(self._active):
            with contextlib.suppress(ServerError):
                self.server.withdraw(prompt_id)
        self._active.clear()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._mail is not None:
            with contextlib.suppress(websocket.WebSocketException, OSError):
                self._mail.close(timeout=1)
            self._mail = None

    def _show_of(self, server: Server) -> str:
        if self._settings.keep_images:
            return ""
        if self._messages and server.describe(SEND) is not None:
            return SEND
        why = f"lacks {SEND}, which comes with ComfyUI" if self._messages else "opens no websocket"
        self._say(f"{server.url}: {why}; its pictures pass through its temp folder")
        return PREVIEW

    @property
    def _shower(self) -> str:
        return SHOW if self._show else self._workflow.saver

    def _top_up(self) -> None:
        busy = {entry.cell for entry in self._active.values()}
        for cell in self._coming:
            if len(self._active) >= self._settings.ahead:
                return
            if cell not in busy and cell not in self._done:
                self._queue(cell)

    def _queue(self, cell: Cell) -> None:
        if not self._active:
            self._heard = time.monotonic()
        prompt_id = self.server.queue(self._workflow.filled(*cell, self._show))
        self._active[prompt_id] = _Entry(cell)

    def _connected(self) -> websocket.WebSocket | None:
        # Under a new name each time: when ComfyUI notices that an old connection has ended, it forgets its name.
        self.server.client = uuid.uuid4().hex
        try:
            return connect(self.server.url, self.server.client)
        except (websocket.WebSocketException, OSError, ValueError) as error:
            log.debug("%s: no messages: %s", self.server.url, error)
            return None

    def _step(self) -> None:
        """Take a message if there is one, and look after the entries when none of them was heard of for a while."""
        message = self._receive()
        if isinstance(message, bytes):
            self._take(message)
        elif message is not None:
            log.debug("%s: %s %s", self.server.url, message[0], message[1].get("prompt_id"))
            self._hear(*message)
        # Whatever comes: packs that show a machine's load send to everybody, several times a second.
        if self._mail is None or time.monotonic() - max(self._heard, self._looked) > _LOOK:
            self._look()

    def _receive(self) -> bytes | tuple[str, dict[str, Any]] | None:
        if self._mail is None:
            time.sleep(_ASK)
            if self._messages:
                self._mail = self._connected()
            return None
        try:
            self._mail.settimeout(_LISTEN)
            message = self._mail.recv()
        except websocket.WebSocketTimeoutException:
            return None
        except (websocket.WebSocketException, OSError) as error:
            log.debug("%s: the messages ended: %s", self.server.url, error)
            self._mail = None
            return None
        return (parsed(message) or ("", {})) if isinstance(message, str) else bytes(message)

    def _take(self, message: bytes) -> None:
        """Keep a picture that the showing node of one of our entries sent; samplers send previews as well."""
        entry = self._active.get(self._at[0])
        event, kind = int.from_bytes(message[:4], "big"), int.from_bytes(message[4:8], "big")
        if entry is not None and self._at[1] == SHOW and (event, kind) == (_PREVIEW_EVENT, _PNG):
            entry.sent.append(message[8:])
        self._heard = time.monotonic()

    def _hear(self, kind: str, data: Mapping[str, Any]) -> None:
        prompt_id = str(data.get("prompt_id"))
        entry = self._active.get(prompt_id)
        if entry is None:
            return
        self._heard = time.monotonic()
        if kind == "executing":
            self._at = (prompt_id, str(data.get("node")))
        elif kind == "executed" and str(data.get("node")) == self._shower:
            entry.files += _files(data.get("output"))
        elif kind == "execution_success":
            self._end(prompt_id)
        elif kind in ("execution_error", "execution_interrupted"):
            self._fail(prompt_id, {"status": {"status_str": "error", "messages": [[kind, dict(data)]]}})

    def _look(self) -> None:
        """Ask the server how its entries are: messages may be lost, and so may entries when it is started anew."""
        self._looked = time.monotonic()
        running = False
        try:
            for prompt_id, entry in list(self._active.items()):
                ended = self.server.entry(prompt_id)
                place = None if ended else self.server.place(prompt_id)
                running = running or place == 0
                entry.missed = entry.missed + 1 if not ended and place is None else 0
                if ended:
                    self._from_history(prompt_id, entry, ended)
                elif entry.missed > 1:
                    del self._active[prompt_id]  # its queue was cleared, or it was started anew
            self._unanswered = 0
            if not running:
                self._heard = time.monotonic()  # others' runs come first
            self._top_up()
        except ServerError:
            self._unanswered += 1
            if self._unanswered >= _UNANSWERED:
                raise
        if running and time.monotonic() - self._heard > self._settings.stall:
            raise PlaceLostError(
                f"{self.server.url}: made no progress for {self._settings.stall:g} s; its images go to others"
            )

    def _from_history(self, prompt_id: str, entry: _Entry, ended: Mapping[str, Any]) -> None:
        if explain_failure(ended):
            self._fail(prompt_id, ended)
            return
        entry.ended += 1
        if self._show == SEND and self._mail is not None and entry.ended < _TRIES:
            return  # its messages may be on their way
        outputs = ended.get("outputs")
        if isinstance(outputs, dict) and not entry.files:
            entry.files += _files(outputs.get(self._shower))
        self._end(prompt_id)

    def _end(self, prompt_id: str) -> None:
        self._heard = time.monotonic()  # where there are no messages, nothing else tells of progress
        entry = self._active.pop(prompt_id)
        pictures = entry.sent if self._show == SEND else [self.server.fetch(file) for file in entry.files]
        if len(pictures) > 1:
            raise StudyError(f"{self.server.url}: gave {len(pictures)} pictures for one seed; a study wants one a seed")
        if pictures:
            self._done[entry.cell] = decoded(pictures[0], self.server.url)
        else:
            log.debug("%s: a run has ended and its picture did not come", self.server.url)
            self._hang_up()
            self._mail = self._connected()
            self._again(entry.cell, "ran the workflow and showed no picture; look into its log")
        self._top_up()

    def _fail(self, prompt_id: str, ended: Mapping[str, Any]) -> None:
        """Queue a cell again after what may pass; raise what does not."""
        cell = self._active.pop(prompt_id).cell
        why = explain_failure(ended)
        if _is_interrupted(ended):
            self._again(cell, why)
        elif not _failed_by(ended, _MEMORY):
            if _failed_by(ended, _BROKEN):
                raise PlaceLostError(f"{self.server.url}: {why}; mend it there; its images go to others")
            raise StudyError(f"{self.server.url}: {why}")
        elif cell in self._short_of_memory:
            raise _OutOfMemoryError(f"{self.server.url}: ran out of memory twice on one image ({why})")
        else:
            self._short_of_memory.add(cell)
            self._say(f"{self.server.url}: ran out of memory; it unloads its models and tries once more")
            self.server.free()
        self._top_up()

    def _again(self, cell: Cell, why: str) -> None:
        self._tries[cell] = self._tries.get(cell, 0) + 1
        if self._tries[cell] >= _TRIES:
            raise StudyError(f"{self.server.url}: {why} ({_TRIES} times)")


class _OutOfMemoryError(PlaceLostError):
    """It will not get better by waiting."""


def is_hopeless(error: PlaceLostError) -> bool:
    """Say whether a lost server is not worth waiting for."""
    return isinstance(error, _OutOfMemoryError)


def _files(output: Any) -> Iterable[Mapping[str, Any]]:
    images = output.get("images") if isinstance(output, dict) else None
    return [image for image in images if isinstance(image, dict)] if isinstance(images, list) else []


def _messages(ended: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    status = ended.get("status")
    messages = status.get("messages") if isinstance(status, dict) else None
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, list) and len(message) == 2 and isinstance(message[1], dict):
            yield str(message[0]), message[1]


def _is_interrupted(ended: Mapping[str, Any]) -> bool:
    return any(kind == "execution_interrupted" for kind, _ in _messages(ended))


def _failed_by(ended: Mapping[str, Any], words: Iterable[str]) -> bool:
    """Say whether a node failed with an error that has one of these words in it."""
    return any(
        word in f"{data.get('exception_type')} {data.get('exception_message')}".lower()
        for kind, data in _messages(ended)
        if kind == "execution_error"
        for word in words
    )
