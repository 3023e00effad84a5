"""The shortest way to the endpoints of predictions: FastAPI's middleware and routing cost more than a small model.

The routes are FastAPI's own, so that nothing else differs; only a POST that one of them matches goes around the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.rest.response import Response

MOST_PATHS = 4096
"""Paths remembered: as many as there are models, versions and labels to name, or as callers make up."""


Cancel: TypeAlias = Callable[[], None]
Answer: TypeAlias = Callable[[Response, str], None]
Begin: TypeAlias = Callable[[Scope, bytes, Answer], Cancel | None]


@dataclass(frozen=True, slots=True)
class Found:
    """Where a path leads, with what it names."""

    endpoint: ASGIApp
    begin: Begin
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
                return Found(endpoint, endpoint.begin, match.groupdict())
        return None


class HotFirst:
    """An ASGI application: the `hot` routes, and for all else `rest`. `begin` is for a server that can do without a
    task for each request.
    """

    def __init__(self, hot: Sequence[Route], rest: ASGIApp) -> None:
        self._hot, self._rest = HotRoutes(hot), rest

    def begin(self, scope: Scope, body: bytes, answer: Answer) -> Cancel | None:
        """Answer a POST whose body is all there, as PredictEndpoint.begin does; None where it is to be called instead,
        and then nothing was done.
        """
        found = self._hot.find(scope["path"])
        if found is None or scope.get("root_path"):
            return None
        scope["path_params"] = found.path_params
        return found.begin(scope, body, answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and not scope.get("root_path"):
            found = self._hot.find(scope["path"])
            if found is not None:
                scope["path_params"] = found.path_params
                await found.endpoint(scope, receive, send)
                return
        await self._rest(scope, receive, send)
