"""A workflow on a ComfyUI server as a study's generator."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from goodseed.errors import GraphRefusedError, PlaceLostError, ServerError, StudyError
from goodseed.provenance.verify.client import Server
from goodseed.study.comfy.feed import Cell, Feed, Settings, is_hopeless
from goodseed.study.comfy.info import check_version
from goodseed.study.comfy.workflow import Workflow
from goodseed.study.engines.interface import Place
from goodseed.study.interfaces import Call

_ASK = 2.0
_BEFORE_WAITING = 1.0
_LOSSES = 5
"""How often a server may be lost in a row without having given an image."""


class ComfyGenerator:
    """Makes one image a queue entry, in a fixed order, at the server that its place names.

    Args:
        options: `workflow` (see `Workflow.as_dict`) and `info`, what a bank says of the generator.
        place: `server`, an address, and the parts of `Settings`. Without it nothing can be generated.
    """

    batch = 1
    shard_images = 16

    def __init__(self, options: Mapping[str, Any], place: Place | None = None) -> None:
        self._workflow = Workflow.from_dict(options["workflow"])
        self._info = dict(options["info"])
        given = dict(place.settings) if place is not None else {}
        self._url = str(given.pop("server", ""))
        self._settings = Settings(**given)
        self._feed: Feed | None = None
        self._closed = self._hopeless = False
        self._losses = 0
        self._left: list[str] = []
        self.say: Callable[[str], None] = lambda line: None
        self.calls_ahead = self._settings.ahead + 1

    def describe(self) -> dict[str, Any]:
        """Return the parts of a bank's info, as they were found when the study was planned."""
        return dict(self._info)

    def ahead(self, calls: Sequence[Call]) -> None:
        """Queue the next entries.

        Raises:
            PlaceLostError: when the server has gone.
        """
        cells = [(prompt, seed) for prompt, seeds in calls[: self.calls_ahead] for seed in seeds]
        self._on_server(partial(Feed.announce, cells=cells))

    def generate(self, prompt: str, seeds: Sequence[int]) -> np.ndarray:
        """Return one image a seed: uint8 [B, H, W, 3].

        Raises:
            PlaceLostError: when the server has gone, hangs or has too little memory.
            StudyError: when the workflow fails, or gives another size than it gave when the study was planned.
        """
        images = []
        for seed in seeds:
            cell: Cell = (prompt, int(seed))
            images.append(self._on_server(partial(Feed.picture, cell=cell)))
            self._losses = 0
        sampling = self._info["sampling"]
        wanted = (sampling["height"], sampling["width"])
        for image in images:
            if image.shape[:2] != wanted:
                raise StudyError(
                    f"{self._url}: gave {image.shape[1]}×{image.shape[0]} where the study has {wanted[1]}×{wanted[0]}; "
                    "a study has one resolution: fix the size in the workflow"
                )
        return np.stack(images)

    def wait(self) -> None:
        """Wait until the server answers again and has let go of what it was given.

        Raises:
            PlaceLostError: when it stayed away for as long as it may, or has too little memory.
        """
        if self._hopeless or self._losses >= _LOSSES:
            raise PlaceLostError(f"{self._url}: is given no more work; its images go to others")
        end = time.monotonic() + self._settings.patience
        time.sleep(_BEFORE_WAITING)
        while time.monotonic() < end and not self._closed:
            try:
                server = self._checked_server()
                if any(server.place(prompt_id) is not None for prompt_id in self._left):
                    time.sleep(_ASK)  # it still hangs
                    continue
                self._feed = self._open(server)
                return
            except ServerError:
                time.sleep(_ASK)
        raise PlaceLostError(f"{self._url}: did not come back within {self._settings.patience:g} s; others go on")

    def close(self) -> None:
        """Take back what is queued."""
        self._closed = True
        if self._feed is not None:
            self._feed.close()

    def _server(self) -> Server:
        if not self._url:
            raise StudyError("generator comfy: no server is named; give one with --server http://127.0.0.1:8188")
        return Server(self._url, self._settings.answer)

    def _checked_server(self) -> Server:
        """Return the server.

        Raises:
            ServerError: when it does not answer.
            PlaceLostError: when it runs another version than was planned with: it was updated, or comes late.
        """
        server = self._server()
        try:
            check_version(server, self._info)
        except StudyError as error:
            self._hopeless = True
            raise PlaceLostError(f"{error}; its images go to others") from error
        return server

    def _open(self, server: Server) -> Feed:
        return Feed(server, self._workflow, self._settings, self.say)

    def _on_server(self, act: Callable[[Feed], Any]) -> Any:
        """Do something with the feed; a server that does not answer is a lost place."""
        try:
            if self._feed is None:
                self._feed = self._open(self._checked_server())
            return act(self._feed)
        except GraphRefusedError as error:
            raise StudyError(str(error)) from error
        except PlaceLostError as error:
            self._hopeless = self._hopeless or is_hopeless(error)
            self._drop()
            raise
        except ServerError as error:
            self._drop()
            raise PlaceLostError(f"{error}; its images go to others until it is back") from error

    def _drop(self) -> None:
        feed, self._feed = self._feed, None
        self._losses += 1
        if feed is not None:
            with contextlib.suppress(ServerError):
                feed.close()
            self._left = feed.left
