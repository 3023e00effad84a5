"""Request heads that came before, byte for byte: what a client says of itself does not change from request to request,
and so need not be parsed each time.

Pure. A head is everything up to and with the empty line; two requests that begin with the same one, each whole and
with nothing before or behind it, differ in nothing but the body.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

MOST_HEADS = 1024
MOST_HEAD_BYTES = 2048
"""Past these nothing more is remembered: two megabytes, whoever makes heads up."""
_END = b"\r\n\r\n"
_SINGULAR = frozenset({b"connection", b"expect", b"transfer-encoding", b"upgrade", b"x-request-id", b"traceparent"})
"""Headers of requests that are never repeated, or not as simple as that."""

Begin = Callable[[bytes, Callable[..., None]], Any]


class KnownHead(NamedTuple):
    """What is known of every request with this head: the length of its body, and what answers it."""

    body_bytes: int
    begin: Begin


def head_of(data: bytes) -> bytes:
    """The head that the bytes begin with; empty where there is none, or too long a one."""
    end = data.find(_END, 0, MOST_HEAD_BYTES)
    return data[: end + len(_END)] if end > 0 else b""


class KnownHeads:
    """Of one server, all connections together."""

    def __init__(self) -> None:
        self._known: dict[bytes, KnownHead] = {}
        self.find = self._known.get

    def __len__(self) -> int:
        return len(self._known)

    def learn(
        self, head: bytes, path: bytes, headers: Sequence[tuple[bytes, bytes]], body_bytes: int, begin: Begin
    ) -> None:
        """The head of a POST that was just parsed: its path, its headers, and how long its body was.

        Kept only where the length is said in the head, for where the next request begins hangs on it, and where every
        line is a header: nothing before it, nothing folded, no line that ends otherwise.
        """
        if not head.count(b"\r\n") == head.count(b"\n") == len(headers) + 2:
            return
        if not head.startswith(b"POST %b HTTP/1.1\r\n" % path):
            return
        lengths = [value for name, value in headers if name == b"content-length"]
        if lengths != [b"%d" % body_bytes] or any(name in _SINGULAR for name, _ in headers):
            return
        if len(self._known) >= MOST_HEADS:
            self._known.clear()
        self._known[head] = KnownHead(body_bytes, begin)
