"""The messages of this very server to one of its clients, read with aiohttp, which ComfyUI brings."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Iterator

import aiohttp

from goodseed.provenance.verify.progress import NoMessages, Receive, Watch, messages_address

_CONNECT_SECONDS = 5.0
_LARGEST = 64 << 20
"""Bytes of one message: previews come with the texts."""


class Listener:
    """Listens from a thread of its own, with an event loop of its own; `tls` judges the server's certificate."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls

    @contextlib.contextmanager
    def __call__(self, url: str, client: str, seconds: float) -> Iterator[Watch | NoMessages]:
        """Follow the messages as `goodseed.provenance.verify.progress.watch` does."""
        with contextlib.closing(asyncio.new_event_loop()) as loop:
            session, messages = loop.run_until_complete(self._connect(messages_address(url, client)))
            try:
                yield Watch(_receiver(loop, messages), seconds) if messages is not None else NoMessages(seconds)
            finally:
                loop.run_until_complete(_close(session, messages))

    async def _connect(self, address: str) -> tuple[aiohttp.ClientSession, aiohttp.ClientWebSocketResponse | None]:
        session = aiohttp.ClientSession()
        try:
            coming = session.ws_connect(
                address, max_msg_size=_LARGEST, ssl=self._tls if self._tls is not None else True
            )
            return session, await asyncio.wait_for(coming, _CONNECT_SECONDS)
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            logging.debug("no messages from the server: %s", error)
            return session, None


def _receiver(loop: asyncio.AbstractEventLoop, messages: aiohttp.ClientWebSocketResponse) -> Receive:
    def receive(seconds: float) -> str | bytes | None:
        try:
            message = loop.run_until_complete(messages.receive(seconds))
        except (TimeoutError, asyncio.TimeoutError):
            return None
        if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
            raise ConnectionError("the server closed its messages")
        return message.data if message.type == aiohttp.WSMsgType.TEXT else b""

    return receive


async def _close(session: aiohttp.ClientSession, messages: aiohttp.ClientWebSocketResponse | None) -> None:
    if messages is not None:
        with contextlib.suppress(aiohttp.ClientError, OSError, asyncio.TimeoutError):
            await asyncio.wait_for(messages.close(), 1)
    await session.close()
