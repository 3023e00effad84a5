"""Pages of other origins may ask, where the setting `cors_origins` names them: the headers by which a browser lets them
(https://fetch.spec.whatwg.org/#http-cors-protocol), around the whole gateway.

Credentials travel in headers that the page sets itself, never in cookies, so that nobody's browser can be made to ask
in their name.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from starlette.types import Receive, Scope, Send

from serving.errors import Forbidden
from serving.request_ids import RequestIds
from serving.rest.error_responses import error_response
from serving.rest.request_head import RequestHead
from serving.rest.response import WHOLE_RESPONSE, Begin, Cancel, Headers, Response, Tell, send_response

ANY = "*"
ASKED = (
    "authorization, content-type, inference-header-content-length, traceparent, tracestate, x-api-key, x-priority, "
    "x-request-id, x-request-timeout-ms"
)
"""What a page may send beside what every page may."""
EXPOSED = "X-Model-Version, X-Request-Id, Server-Timing, Traceresponse, Retry-After, Inference-Header-Content-Length"
"""What a page may read beside what every page may."""
METHODS = "GET, POST"
REMEMBERED_SECONDS = 600
"""How long a browser asks no more beforehand: a changed setting is noticed within ten minutes."""
_VARY: Headers = ((b"vary", b"origin"),)
_STARTS = ("http.response.start", WHOLE_RESPONSE)


class Origins:
    """Which origins may ask, and with which headers they are told so.

    Pure.
    """

    def __init__(self, named: Sequence[str]) -> None:
        self._named = frozenset(origin.encode() for origin in named)
        self._any = ANY in named
        self.unasked: Headers = () if self._any else _VARY
        """For answers to requests without an origin: a cache must not hand them to a page."""

    def headers(self, origin: bytes | None) -> Headers | None:
        """What an answer to a page of that origin needs, None where it may not read it."""
        if origin is None or not (self._any or origin in self._named):
            return None
        allowed = ANY.encode() if self._any else origin
        exposed = (b"access-control-expose-headers", EXPOSED.encode())
        return ((b"access-control-allow-origin", allowed), exposed, *self.unasked)

    def preflight(self, headers: Headers) -> Response:
        """What a browser asks before it lets a page ask; `headers` are those for its origin."""
        more = (
            (b"access-control-allow-methods", METHODS.encode()),
            (b"access-control-allow-headers", ASKED.encode()),
            (b"access-control-max-age", b"%d" % REMEMBERED_SECONDS),
        )
        return Response(200, b"", (*headers, *more), b"text/plain")


class Front(Protocol):
    """The gateway as a server sees it (hot_routes.HotFirst)."""

    def prepare(self, scope: Scope) -> Begin | None: ...
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class CrossOrigin:
    """A Front whose answers pages of these origins may read, and which answers browsers that ask beforehand."""

    def __init__(self, front: Front, origins: Origins, request_ids: RequestIds) -> None:
        self._front, self._origins, self._request_ids = front, origins, request_ids

    def prepare(self, scope: Scope) -> Begin | None:
        """Costs a microsecond for such a page's request, nothing for others: a known head keeps what is returned."""
        begin = self._front.prepare(scope)
        headers = self._origins.headers(dict(scope["headers"]).get(b"origin"))
        return begin if begin is None or headers is None else _telling(begin, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._front(scope, receive, send)
            return
        asked = dict(scope["headers"])
        origin = asked.get(b"origin")
        headers = self._origins.headers(origin)
        if scope["method"] == "OPTIONS" and origin is not None and b"access-control-request-method" in asked:
            request_id = self._request_ids.of(RequestHead(asked).given_id)
            response = self._refused(origin, request_id) if headers is None else self._origins.preflight(headers)
            await send_response(scope, send, response, request_id)
            return
        added = self._origins.unasked if headers is None else headers

        async def send_with_headers(message: Any) -> None:
            if message["type"] in _STARTS:
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        await self._front(scope, receive, send_with_headers)

    def _refused(self, origin: bytes, request_id: str) -> Response:
        page = origin[:128].decode("latin-1")
        error = Forbidden(f"pages of {page!r} may not ask here; the gateway's setting cors_origins names who may")
        return error_response(error, request_id)


def _telling(begin: Begin, headers: Headers) -> Begin:
    def begin_with_headers(raw: bytes, answer: Tell) -> Cancel | None:
        def told(response: Response, request_id: str) -> None:
            answer(response._replace(headers=(*response.headers, *headers)), request_id)

        return begin(raw, told)

    return begin_with_headers
