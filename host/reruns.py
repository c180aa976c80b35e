"""Pictures that this very server runs again for the panel, with their progress on its websocket."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from comfy.cli_args import args
from server import PromptServer

from goodseed.panel.browser import for_browsers
from goodseed.panel.jobs import Job, Jobs, Report
from goodseed.panel.picture import Source

EVENT = "goodseed.verify"
_WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
_SECONDS = 3600.0
"""How long one run may take."""


@cache
def jobs() -> Jobs:
    """Return the jobs of this server."""
    return Jobs()


def start(picture: Source, user: str, client: str | None) -> Job:
    """Start to run a picture again; progress is sent to one client of the websocket, or to all.

    Where ComfyUI keeps its users apart, and no client is named, progress is for those who ask for it.

    Raises:
        BusyError: when another is being run.
    """

    def run(report: Report, stopped: Callable[[], bool]) -> Mapping[str, Any]:
        from goodseed.provenance.verify.client import Server
        from goodseed.provenance.verify.run import Settings, verify

        from .messages import Listener

        address = _own_address()
        # It is this very process: whatever certificate it shows is the right one.
        tls = ssl._create_unverified_context() if address.startswith("https:") else None
        server = Server(address, stopped=stopped, listen=Listener(tls), tls=tls)
        answer = verify(picture.data, server, Settings(limit=_SECONDS), report, picture.name)
        found: Mapping[str, Any] = for_browsers(answer.as_dict())
        return found

    def tell(job: Job) -> None:
        if client is not None or not args.multi_user:
            PromptServer.instance.send_sync(EVENT, job.as_dict(), client)

    return jobs().start(run, user, tell)


def _own_address() -> str:
    server = PromptServer.instance
    address = _WILDCARDS.get(server.address, server.address)
    scheme = "https" if args.tls_keyfile and args.tls_certfile else "http"
    return f"{scheme}://{f'[{address}]' if ':' in address else address}:{server.port}"
