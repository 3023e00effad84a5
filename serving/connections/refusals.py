"""What is refused on the wire, before the application sees it: the statuses, the words, and the bytes that say them.

Pure. httptools itself refuses two lengths, a length beside chunks, folded lines, and lines that end in LF alone.
"""

from collections.abc import Iterable, Sequence

from serving.connections.answer_bytes import response_bytes
from serving.connections.limits import MOST_PIPELINED, ConnectionLimits
from serving.rest.error_responses import error_body

_BAD = "BadRequest"


class Refused(Exception):
    """What a caller sent is not read on: the status it is told, its name, and why."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


NOT_HTTP = Refused(400, _BAD, "this is no HTTP request, or one that could be read in two ways")
BAD_CHUNKS = Refused(400, _BAD, "the body's chunks say more than they bring")
SLOW_HEAD = Refused(408, "RequestTimeout", "the request's head did not come whole in time")
SLOW_BODY = Refused(408, "RequestTimeout", "the request's body comes too slowly")
NO_ROOM = Refused(503, "Overloaded", "the gateway has as many connections as it takes; come back later")
TOO_MANY_PIPELINED = Refused(503, "Overloaded", f"more than {MOST_PIPELINED} requests wait on this connection")


def long_head(limits: ConnectionLimits) -> Refused:
    most = f"{limits.max_head_bytes} bytes and {limits.max_headers} headers"
    return Refused(431, "RequestHeaderFieldsTooLarge", f"a request's head may have {most}")


def long_target(limits: ConnectionLimits) -> Refused:
    return Refused(414, "UriTooLong", f"the request's target is longer than {limits.max_target_bytes} bytes")


def check_head(method: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Raises Refused for what the parser lets pass and another server on the way might read otherwise (RFC 9112: 2.3,
    3.2, 6.1), and for CONNECT, which is a proxy's.
    """
    if version not in ("1.1", "1.0"):
        raise Refused(505, "HttpVersionNotSupported", "HTTP/1.1 and HTTP/1.0 are read here")
    names = [name for name, _ in headers]
    hosts = names.count(b"host")
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        raise Refused(400, _BAD, f"{hosts} Host headers; HTTP/1.1 has exactly one")
    if b"transfer-encoding" in names:
        if version == "1.0":
            raise Refused(400, _BAD, "HTTP/1.0 has no Transfer-Encoding")
        if dict(headers)[b"transfer-encoding"].strip().lower() != b"chunked":
            raise Refused(501, "NotImplemented", "the only Transfer-Encoding read here is chunked")
    if method == b"CONNECT":
        raise Refused(501, "NotImplemented", "this is no proxy")


def refusal_bytes(reason: Refused, default: Iterable[tuple[bytes, bytes]], request_id: str) -> bytes:
    """The answer that a connection ends with, in the shape of every other error."""
    headers = [(b"content-type", b"application/json"), (b"x-request-id", request_id.encode())]
    if reason.status == 503:
        headers.append((b"retry-after", b"1"))
    line = b"".join(b"%b: %b\r\n" % pair for pair in default)
    body = error_body(str(reason), reason.code, request_id)
    return response_bytes(reason.status, line, headers, body, keep_alive=False)
