"""A whole HTTP/1.1 response as the bytes that are sent."""

from collections.abc import Iterable, Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

_LAST, _LAST_OF_ALL = b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"


class DefaultHeaders:
    """uvicorn's own headers as they are sent. It makes new ones every second, and never changes old ones."""

    def __init__(self) -> None:
        self._pairs: Sequence[tuple[bytes, bytes]] = ()
        self._line = b""

    def line(self, pairs: Sequence[tuple[bytes, bytes]]) -> bytes:
        if pairs is not self._pairs:
            self._pairs, self._line = pairs, b"".join(b"%b: %b\r\n" % pair for pair in pairs)
        return self._line


def response_bytes(
    status: int,
    default: bytes,
    headers: Iterable[tuple[bytes, bytes]],
    body: bytes,
    *,
    keep_alive: bool,
    to_head: bool = False,
) -> bytes:
    """A whole response. `default` are headers as they are sent. `to_head`: of the body, its length alone."""
    head = [STATUS_LINE[status], default]
    for name, value in headers:
        head += (name, b": ", value, b"\r\n")
    head += (b"content-length: ", b"%d" % len(body), _LAST if keep_alive else _LAST_OF_ALL, b"" if to_head else body)
    return b"".join(head)
