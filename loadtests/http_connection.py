"""Keep-alive HTTP/1.1 connections of the open-loop generator: bytes out, and as much reading as an answer needs.

Written for speed: a request costs one write, an answer one search for its length.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from loadtests.wire import Connection, Listener, WireRequest

LOST, UNREADABLE = "the connection broke", "an answer without a Content-Length"
_LENGTH = b"\r\ncontent-length:"
_LAST = b"\r\nconnection: close"
_OWN = ("host", "content-length", "connection")
Heard: TypeAlias = Callable[[int, bytes], None]
"""Told the number of a request and all that came for it, head and body, for whoever checks answers."""


@dataclass(frozen=True, slots=True)
class HttpOpener:
    host: str
    port: int
    heard: Heard | None = None

    async def open(self, listener: Listener) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: HttpConnection(listener, self.heard), self.host, self.port
            )
        except OSError as error:
            raise ConnectionRefusedError(f"{self.host}:{self.port} takes no connection: {error}") from error
        if connection.is_lost:
            raise ConnectionRefusedError(f"{self.host}:{self.port} closed a connection at once")
        return connection

    async def close(self) -> None:
        """Nothing is shared."""


class HttpConnection(asyncio.Protocol):
    """One connection with at most one request on it."""

    def __init__(self, listener: Listener, heard: Heard | None = None) -> None:
        self._listener: Listener | None = listener
        self._heard = heard
        self._number: int | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    @property
    def is_lost(self) -> bool:
        return self._listener is None

    def ask(self, number: int, request: WireRequest) -> None:
        self._number = number
        self._transport.write(request.content)

    def close(self) -> None:
        self._listener = None
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        if self._number is None or self._listener is None:
            return
        try:
            status = answer_status(self._received)
        except ValueError:
            self._end(UNREADABLE)
            self._transport.abort()
            return
        if status is None:
            return
        if self._heard is not None:
            self._heard(self._number, self._received)
        stays = _LAST not in self._received[:512].lower()
        number, self._number, self._received = self._number, None, b""
        self._listener.answered(self, number, status, stays=stays)

    def connection_lost(self, _: Exception | None) -> None:
        self._end(LOST)

    def _end(self, reason: str) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.lost(self, self._number, reason)


def request_bytes(authority: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A whole POST as it goes over the wire; `authority` is the host, and the port where there is one."""
    told = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name.lower() not in _OWN)
    head = f"POST {path} HTTP/1.1\r\nhost: {authority}\r\n{told}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def http_target(url: str) -> tuple[str, int]:
    """Host and port of an `http://` URL. Raises ValueError for another."""
    scheme, _, rest = url.partition("://")
    authority = rest.split("/", 1)[0]
    host, colon, port = authority.rpartition(":") if not authority.endswith("]") else (authority, "", "")
    host, port = (host, port) if colon else (authority, "80")
    if scheme != "http" or not host or not port.isdigit():
        raise ValueError(f"{url!r} is no http://HOST:PORT; the open loop speaks neither TLS nor another protocol")
    return host.strip("[]"), int(port)


def answer_status(received: bytes) -> int | None:
    """The status of a whole HTTP/1.1 answer with a Content-Length; None while some of it is still to come.

    Raises ValueError for an answer of another framing.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].lower()
    at = head.find(_LENGTH)
    if at < 0:
        raise ValueError(UNREADABLE)
    length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
    return int(head[9:12]) if len(received) >= end + 4 + length else None
