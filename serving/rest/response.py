"""An answer in full, and the two ASGI messages that send it."""

from typing import NamedTuple

from starlette.types import Send

Headers = tuple[tuple[bytes, bytes], ...]


class Response(NamedTuple):
    """A body, JSON unless it says otherwise; `headers` beside the content type, the length and the request id."""

    status: int
    body: bytes
    headers: Headers = ()
    content_type: bytes = b"application/json"


async def send_response(send: Send, response: Response, request_id: str) -> None:
    headers = [
        (b"content-type", response.content_type),
        (b"content-length", str(len(response.body)).encode()),
        (b"x-request-id", request_id.encode()),
        *response.headers,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
