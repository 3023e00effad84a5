"""The shortest way to the endpoints of predictions: FastAPI's middleware and routing cost more than a small model.

The routes are FastAPI's own, so that nothing else differs; only a POST that one of them matches goes around the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.rest.request_head import RequestHead
from serving.rest.response import Begin

MOST_PATHS = 4096
"""Paths remembered: as many as there are models, versions and labels to name, or as callers make up."""


Prepare: TypeAlias = Callable[[RequestHead, Mapping[str, str]], Begin | None]


@dataclass(frozen=True, slots=True)
class Found:
    """Where a path leads, with what it names."""

    endpoint: ASGIApp
    prepare: Prepare
    path_params: dict[str, str]


class HotRoutes:
    """Finds a path's endpoint; each path is matched once."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._known: dict[str, Found] = {}

    def find(self, path: str) -> Found | None:
        found = self._known.get(path)
        if found is None:
            found = self._match(path)
            if found is not None:
                if len(self._known) >= MOST_PATHS:
                    self._known.clear()
                self._known[path] = found
        return found

    @property
    def remembered(self) -> int:
        return len(self._known)

    def _match(self, path: str) -> Found | None:
        for route in self._routes:
            if match := route.path_regex.match(path):
                endpoint: Any = route.endpoint
                return Found(endpoint, endpoint.prepare, match.groupdict())
        return None


class HotFirst:
    """An ASGI application: the `hot` routes, and for all else `rest`. `prepare` is for a server that can do without a
    task for each request. HEAD is GET, of whose answer the server leaves out the body (RFC 9110, 9.3.2).
    """

    def __init__(self, hot: Sequence[Route], rest: ASGIApp) -> None:
        self._hot, self._rest = HotRoutes(hot), rest

    def prepare(self, scope: Scope) -> Begin | None:
        """What answers small POSTs with this head, as PredictEndpoint.prepare says; None for all others."""
        found = self._hot.find(scope["path"])
        if found is None or scope.get("root_path"):
            return None
        return found.prepare(RequestHead(dict(scope["headers"])), found.path_params)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        elif scope["type"] == "http" and scope["method"] == "POST" and not scope.get("root_path"):
            found = self._hot.find(scope["path"])
            if found is not None:
                scope["path_params"] = found.path_params
                await found.endpoint(scope, receive, send)
                return
        await self._rest(scope, receive, send)
