"""An answer in full, and the ASGI messages that send it."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from starlette.types import Scope, Send

WHOLE_RESPONSE = "penstock.response"
"""An extension of ASGI: a message with `status`, `headers` (pairs, names in lower case, safe to send as they are; the
length and what becomes of the connection are the server's to say) and the whole `body`.
"""
Headers = tuple[tuple[bytes, bytes], ...]


class Response(NamedTuple):
    """A body, JSON unless it says otherwise; `headers` beside the content type, the length and the request id."""

    status: int
    body: bytes
    headers: Headers = ()
    content_type: bytes = b"application/json"


Cancel: TypeAlias = Callable[[], None]
Tell: TypeAlias = Callable[[Response, str], None]
Begin: TypeAlias = Callable[[bytes, Tell], Cancel | None]
"""What answers the requests of one head, in a server that wants no task for each: PredictEndpoint.prepare."""


def headers_of(response: Response, request_id: str) -> list[tuple[bytes, bytes]]:
    """All but the length, which is the server's to say where it takes the whole response."""
    return [(b"content-type", response.content_type), (b"x-request-id", request_id.encode()), *response.headers]


async def send_response(scope: Scope, send: Send, response: Response, request_id: str) -> None:
    """In one message to a server that takes it so, else in ASGI's two."""
    headers = headers_of(response, request_id)
    if WHOLE_RESPONSE in scope.get("extensions", ()):
        await send({"type": WHOLE_RESPONSE, "status": response.status, "headers": headers, "body": response.body})
        return
    headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
