"""A request's body, read whole and never beyond its limit."""

from starlette.types import Receive

from serving.errors import Cancelled, InvalidInput, PayloadTooLarge, UnsupportedMediaType
from serving.rest.request_head import RequestHead


async def read_body(receive: Receive, head: RequestHead, max_bytes: int) -> bytes:
    """Raises PayloadTooLarge, by the Content-Length before anything is read, UnsupportedMediaType for a compressed
    body, and Cancelled.
    """
    check_encoding(head)
    _check_length(head.headers.get(b"content-length"), max_bytes)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False):
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        return body
    parts, size = [body], len(body)
    while message["type"] != "http.request" or message.get("more_body", False):
        if message["type"] == "http.disconnect":
            raise Cancelled("the client went away")
        if size > max_bytes:
            raise _too_large(max_bytes)
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    if size > max_bytes:
        raise _too_large(max_bytes)
    return b"".join(parts)


def check_encoding(head: RequestHead) -> None:
    """A compressed body is refused for what it is, not read as broken JSON."""
    encoding = head.headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() != b"identity":
        raise UnsupportedMediaType(
            f"Content-Encoding {encoding[:32].decode('latin-1')!r} is not read here; send the body as it is"
        )


def _check_length(header: bytes | None, max_bytes: int) -> None:
    if header is None:
        return
    if not header.isdigit():
        raise InvalidInput("Content-Length is not a number")
    if int(header) > max_bytes:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"the body is larger than {max_bytes} bytes, the most this gateway reads")
