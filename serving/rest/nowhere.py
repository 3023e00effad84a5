"""Paths that nothing answers, told so without FastAPI's middleware and routing, which cost seven times as much."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.request_ids import RequestIds
from serving.rest.error_responses import error_body
from serving.rest.request_head import RequestHead
from serving.rest.response import Response, send_response


def flat(routes: Sequence[BaseRoute]) -> Iterator[Any]:
    """Those of routers within the router, too, which FastAPI keeps as they are."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from flat(inner.routes)


def not_found(request_id: str) -> Response:
    return Response(404, error_body("Not Found", "HttpError", request_id))


class Nowhere:
    """An ASGI application around another, whose `routes` are asked for once the first request comes."""

    def __init__(self, app: ASGIApp, routes: Callable[[], Sequence[BaseRoute]], request_ids: RequestIds) -> None:
        self._app, self._routes, self._request_ids = app, routes, request_ids
        self._paths: list[Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope.get("root_path") or self._leads(scope["path"]):
            await self._app(scope, receive, send)
            return
        request_id = self._request_ids.of(RequestHead(dict(scope["headers"])).given_id)
        await send_response(scope, send, not_found(request_id), request_id)

    def _leads(self, path: str) -> bool:
        """A slash more or less at the end is redirected."""
        if self._paths is None:
            self._paths = [route.path_regex for route in flat(self._routes())]
        other = path.rstrip("/") if path.endswith("/") else f"{path}/"
        return any(regex.match(path) or regex.match(other) for regex in self._paths)
