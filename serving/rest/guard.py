"""Who may ask for everything but predictions: one layer around the whole application, closed unless a path is open.

Predictions ask for themselves (`visits.py`), since the shortest way to them goes around this. What a path needs is read
from the application's own routes: METRICS for the metrics, READ for all else, of the model that the path names.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.access.caller import Verb
from serving.access.quotas import Allowance
from serving.access.visitors import Visitor, Visitors
from serving.catalog import Catalog, CatalogView
from serving.errors import PenstockError
from serving.observability.metrics import UNKNOWN, RequestMetrics
from serving.request_ids import RequestIds
from serving.rest.error_responses import error_response, status_of
from serving.rest.nowhere import flat, not_found
from serving.rest.request_head import RequestHead
from serving.rest.response import send_response

OPEN = frozenset({"/livez", "/healthz", "/startupz", "/readyz", "/v2/health/live", "/v2/health/ready", "/", "/console"})
"""By their routes: probes say nothing of the models, and the console is a page and its files, without any figures."""
OPENAPI = "/openapi.json"
DOCS = frozenset({"/docs", "/docs/oauth2-redirect", "/redoc", "/static-offline-docs", OPENAPI})
"""Open too, for browsers send no credential with a page: they say the same of every gateway. Who does send a good one
finds its own models in the examples.
"""
METRICS = "/metrics"
VISITOR = "penstock.visitor"
"""In a request's scope: who sends it."""


class Need(NamedTuple):
    """What a path is: None for `verb` where everybody may ask for it."""

    verb: Verb | None
    model: str | None = None


def seen_by(scope: Scope, view: CatalogView) -> CatalogView:
    """The models that lists show to whoever sent the request: all of them in a gateway that asks nobody."""
    visitor = scope.get(VISITOR)
    return view if visitor is None else view.of(visitor.sees)


class Needs:
    """What paths need. Where several routes have a path, the strictest counts, whichever would answer."""

    def __init__(self, routes: Sequence[BaseRoute], *, open_metrics: bool) -> None:
        self._routes = list(flat(routes))
        self._open = OPEN | DOCS | ({METRICS} if open_metrics else frozenset())

    def of(self, method: str, path: str) -> Need | None:
        """None for a path that nothing answers."""
        found = [(route, match) for route in self._routes if (match := route.path_regex.match(path))]
        if not found:
            return None
        if method == "POST" and any(hasattr(getattr(route, "endpoint", None), "prepare") for route, _ in found):
            return Need(None)
        closed = [(route, match) for route, match in found if route.path not in self._open]
        if not closed:
            return Need(None)
        models = [match.groupdict().get("model") for _, match in closed]
        verb = Verb.METRICS if any(route.path == METRICS for route, _ in closed) else Verb.READ
        return Need(verb, models[0])


class Guard:
    """An ASGI application around another, whose `routes` are asked for once the first request comes."""

    def __init__(
        self,
        app: ASGIApp,
        routes: Callable[[], Sequence[BaseRoute]],
        visitors: Visitors,
        metrics: RequestMetrics,
        catalog: Catalog,
        *,
        request_ids: RequestIds,
        open_metrics: bool,
    ) -> None:
        self._app, self._routes, self._visitors = app, routes, visitors
        self._metrics, self._catalog, self._request_ids = metrics, catalog, request_ids
        self._open_metrics = open_metrics
        self._needs: Needs | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        if self._needs is None:
            self._needs = Needs(self._routes(), open_metrics=self._open_metrics)
        need = self._needs.of(scope["method"], _path(scope))
        if need is not None and need.verb is None:
            await self._app(self._greeted(scope) if scope["path"] == OPENAPI else scope, receive, send)
            return
        headers = dict(scope["headers"])
        visitor = self._visitors.coming(headers)
        try:
            entered = _entered(visitor, need)
        except PenstockError as error:
            self._count(scope, need, error, started)
            request_id = self._request_ids.of(RequestHead(headers).given_id)
            await send_response(scope, send, error_response(error, request_id), request_id)
            return
        try:
            if need is None:
                await self._nothing_there(scope, send, headers)
            else:
                await self._app({**scope, VISITOR: visitor}, receive, send)
        finally:
            if entered is not None:
                entered.leave()

    def _greeted(self, scope: Scope) -> Scope:
        """For whoever has no good credential, a visitor who sees no model."""
        visitor = self._visitors.coming(dict(scope["headers"]))
        with suppress(PenstockError):
            visitor.caller()
        return {**scope, VISITOR: visitor}

    async def _nothing_there(self, scope: Scope, send: Send, headers: dict[bytes, bytes]) -> None:
        """Nor is it left to the application to find something after all."""
        request_id = self._request_ids.of(RequestHead(headers).given_id)
        await send_response(scope, send, not_found(request_id), request_id)

    def _count(self, scope: Scope, need: Need | None, error: PenstockError, started: float) -> None:
        """A path's text never becomes a label, nor a model that is not there."""
        model = need.model if need is not None and need.model in self._catalog.view.models else None
        protocol = "rest_v2" if scope["path"].startswith("/v2") else "rest_v1"
        self._metrics.request_rejected(model or UNKNOWN, type(error).__name__)
        series = (model or UNKNOWN, "", "", protocol, status_of(error))
        self._metrics.request_finished(series, time.monotonic() - started)


def _entered(visitor: Visitor, need: Need | None) -> Allowance | None:
    """Where nothing answers, everybody who is known is told so."""
    if need is not None and need.verb is not None:
        return visitor.enter(need.verb, need.model)
    visitor.caller()
    return None


def _path(scope: Scope) -> str:
    """As Starlette's routes see it: without what the application is mounted under."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(f"{root}/") else path
