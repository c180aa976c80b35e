"""The panel's routes: pictures in, what differs out. Each refuses other sites, names outside ComfyUI's folders, and
whatever is over a cap; the work is done by goodseed.panel, imported when the first question comes."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial, wraps
from typing import Any

import folder_paths
from aiohttp import web
from server import PromptServer

from goodseed.errors import GoodSeedError, MissingFileError, NameRefusedError, NameTrespassError

from .uploads import Parts, read_parts

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answering = Callable[[web.Request], Awaitable[Any]]

_MOST_OUTPUTS = 1000
_TEXT = 100


def register_routes() -> None:
    """Add the routes to ComfyUI's server; where another copy of the pack has them already, none is added."""
    server = getattr(PromptServer, "instance", None)
    if server is None:
        return
    taken = {getattr(route, "path", "") for route in server.routes}
    for method, path, handler in _ROUTES:
        if path not in taken:
            server.routes.route(method, path)(_guarded(handler))


def _guarded(handler: Answering) -> Handler:
    """Return a handler that refuses other sites, and answers an error as one line of JSON."""

    @wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        from goodseed.panel.work import status_of

        try:
            _check_site(request)
            found = await handler(request)
        except GoodSeedError as error:
            line = " ".join(str(error).split())
            return web.json_response({"error": line}, status=status_of(error), headers=_HEADERS)
        if isinstance(found, web.StreamResponse):
            return found
        return web.json_response(found, headers=_HEADERS)

    return answer


def _check_site(request: web.Request) -> None:
    """Refuse questions that a page of another site asks.

    Raises:
        NameTrespassError: by what the browser says of where the question comes from.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    foreign = site is not None and site not in ("same-origin", "none")
    if origin is not None:
        host = request.headers.get("Host", "").lower()
        foreign |= not host or urllib.parse.urlsplit(origin.lower()).netloc != host
    if foreign:
        raise NameTrespassError(
            "Good Seed: answers only pages of this very server; a proxy before it must hand on the Host as it is"
        )


async def _inspect(request: web.Request) -> Any:
    from goodseed.panel.picture import load
    from goodseed.panel.side import side

    parts = await _parts(request, ("a",))
    return await _do("inspect", lambda: side(load(parts.pictures["a"])))


async def _compare(request: web.Request) -> Any:
    from goodseed.panel.comparison import compare

    parts = await _parts(request, ("a", "b"))
    return await _do("compare", lambda: _answer(compare(*_both(parts))))


async def _heat(request: web.Request) -> Any:
    from goodseed.panel.pixels import heat

    parts = await _parts(request, ("a", "b"))
    png, largest = await _do("heat", lambda: heat(*_both(parts)))
    headers = {**_HEADERS, "X-Goodseed-Largest": str(largest)}
    return web.Response(body=png, content_type="image/png", headers=headers)


async def _workflow(request: web.Request) -> Any:
    from goodseed.panel.picture import load
    from goodseed.panel.side import workflow_in

    parts = await _parts(request, ("a",))
    return await _do("workflow", lambda: _answer(workflow_in(load(parts.pictures["a"]))))


async def _changes(request: web.Request) -> Any:
    from goodseed.panel.canvas import LARGEST_GRAPH, parse_graph
    from goodseed.panel.changes import changes
    from goodseed.panel.picture import load

    from .surroundings import around

    parts = await _parts(request, ("a",), {"graph": LARGEST_GRAPH})
    graph, picture = parts.texts["graph"], parts.pictures["a"]
    return await _do("changes", lambda: _answer(changes(load(picture), parse_graph(graph), around)))


async def _report(request: web.Request) -> Any:
    from goodseed.panel.report import report

    parts = await _parts(request, ("a", "b"), {"format": _TEXT})
    kind = parts.texts["format"].decode("utf-8", "replace")
    return await _do("report", lambda: _answer(report(*_both(parts), kind)))


async def _verify(request: web.Request) -> Any:
    from .reruns import start

    parts = await _parts(request, ("a",), {"client_id": _TEXT}, optional=("client_id",))
    client = parts.texts.get("client_id", b"").decode("utf-8", "replace") or None
    return {"job": start(parts.pictures["a"], _user(request), client).id}


async def _verify_state(request: web.Request) -> Any:
    from .reruns import jobs

    return jobs().get(request.match_info["job"], _user(request)).as_dict()


async def _verify_stop(request: web.Request) -> Any:
    from .reruns import jobs

    return jobs().stop(request.match_info["job"], _user(request)).as_dict()


async def _outputs(request: web.Request) -> Any:
    from goodseed.panel.places import newest

    asked = request.query.get("limit", "60")
    if not asked.isascii() or not asked.isdigit() or len(asked) > 6 or int(asked) < 1:
        raise NameRefusedError("limit: is no number of pictures; give one from 1 on")
    limit = min(int(asked), _MOST_OUTPUTS)
    return {"images": await _do("outputs", partial(newest, folder_paths.get_output_directory(), limit))}


_ROUTES: tuple[tuple[str, str, Answering], ...] = (
    ("POST", "/goodseed/inspect", _inspect),
    ("POST", "/goodseed/compare", _compare),
    ("POST", "/goodseed/heat", _heat),
    ("POST", "/goodseed/workflow", _workflow),
    ("POST", "/goodseed/changes", _changes),
    ("POST", "/goodseed/report", _report),
    ("POST", "/goodseed/verify", _verify),
    ("GET", "/goodseed/verify/{job}", _verify_state),
    ("DELETE", "/goodseed/verify/{job}", _verify_stop),
    ("GET", "/goodseed/outputs", _outputs),
)
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def _parts(
    request: web.Request,
    pictures: tuple[str, ...],
    texts: Mapping[str, int] | None = None,
    optional: tuple[str, ...] = (),
) -> Parts:
    return await read_parts(request, pictures, texts or {}, optional, _named)


def _named(named: Mapping[str, Any]) -> Any:
    """Return the picture that a name, a subfolder and a folder mean."""
    from goodseed.panel.picture import Source
    from goodseed.panel.places import file_in, folder_named

    path = file_in(folder_paths.get_directory_by_type(folder_named(named)), named)
    return Source(path.name, path)


def _both(parts: Parts) -> Any:
    from goodseed.panel.picture import load_both

    return load_both(parts.pictures["a"], parts.pictures["b"])


async def _do(what: str, work: Callable[[], Any]) -> Any:
    return await _work().do(what, work)


@cache
def _work() -> Any:
    """Return the threads of this server's panel."""
    from goodseed.panel.work import Work

    return Work()


def _answer(found: Mapping[str, Any]) -> web.Response:
    """Return JSON as an answer, written in the thread that made it: it may be large."""
    return web.Response(body=json.dumps(found).encode(), content_type="application/json", headers=_HEADERS)


def _user(request: web.Request) -> str:
    """Return who asks, by ComfyUI's own rules for several users.

    Raises:
        MissingFileError: for a user that ComfyUI does not know.
    """
    try:
        return str(PromptServer.instance.user_manager.get_request_user_id(request))
    except KeyError as error:
        raise MissingFileError("user: ComfyUI knows no such user") from error
