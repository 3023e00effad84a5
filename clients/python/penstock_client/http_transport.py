"""HTTP by httpx2: connections kept open, and its exceptions turned into the client's errors. Decides nothing."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from types import MappingProxyType

import httpx2

from penstock_client.errors import ConnectionFailed, DeadlineExceeded, PenstockError
from penstock_client.messages import Request, Response
from penstock_client.settings import ClientSettings

DIRECT: Mapping[str, None] = MappingProxyType({"all://localhost": None, "all://127.0.0.1": None, "all://[::1]": None})
"""A gateway on this machine is never asked through the proxy that HTTP_PROXY names."""
POOL = httpx2.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=4.0)
"""As many connections stay open as were in use, and none as long as uvicorn lets one wait (5 s): who writes on a
connection that the other side is closing loses the request."""

CONNECT_SECONDS = 3.0
"""Of the time left, at most: an address that does not answer leaves some for another attempt. Linux sends the first
packet again after 1 s and after 3."""

_BROKEN = (httpx2.RequestError, ssl.SSLError)
"""A server that speaks TLS 1.3 asks for a certificate after the handshake: its refusal comes with the first read, which
httpx2's async client passes on as it is."""


class HttpTransport:
    """Implements `penstock_client.transports.Transport`. Raises ValueError for a URL that names no host.

    An answer's body ends within `timeout_seconds`, be it sent in drops, or at the first drop after them; until its head
    is read the time bounds each wait for the network, and not their sum.
    """

    def __init__(self, url: str, settings: ClientSettings) -> None:
        self._url, auth = _address(url)
        self._http = httpx2.Client(auth=auth, mounts=DIRECT, limits=POOL, verify=_verification(settings))

    def send(self, request: Request, *, timeout_seconds: float) -> Response:
        ends_at = time.monotonic() + timeout_seconds
        pieces = []
        try:
            with self._http.stream(
                request.method,
                f"{self._url}{request.path}",
                headers=request.headers,
                content=request.body,
                timeout=_timeout(timeout_seconds),
            ) as answer:
                for piece in answer.iter_bytes():
                    if time.monotonic() > ends_at:
                        raise _late(self._url, timeout_seconds)
                    pieces.append(piece)
        except _BROKEN as error:
            raise _translated(error, self._url, timeout_seconds) from error
        return Response(answer.status_code, answer.headers, b"".join(pieces))

    def close(self) -> None:
        self._http.close()


class AsyncHttpTransport:
    """Implements `penstock_client.transports.AsyncTransport`. `timeout_seconds` bounds the request as a whole."""

    def __init__(self, url: str, settings: ClientSettings) -> None:
        self._url, auth = _address(url)
        self._http = httpx2.AsyncClient(auth=auth, mounts=DIRECT, limits=POOL, verify=_verification(settings))

    async def asend(self, request: Request, *, timeout_seconds: float) -> Response:
        try:
            async with asyncio.timeout(timeout_seconds):
                answer = await self._http.request(
                    request.method,
                    f"{self._url}{request.path}",
                    headers=request.headers,
                    content=request.body,
                    timeout=_timeout(timeout_seconds),
                )
        except _BROKEN as error:
            raise _translated(error, self._url, timeout_seconds) from error
        except TimeoutError as error:
            raise _late(self._url, timeout_seconds) from error
        return Response(answer.status_code, answer.headers, answer.content)

    async def aclose(self) -> None:
        await self._http.aclose()


def _address(url: str) -> tuple[str, httpx2.BasicAuth | None]:
    """The URL without user and password, which neither errors nor logs show then, and these as basic authentication."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"url cannot be read ({error}); it must be as in http://127.0.0.1:8080") from error
    if not parsed.host:
        raise ValueError("url names no host; it must be as in http://127.0.0.1:8080")
    if not parsed.userinfo:
        return url.rstrip("/"), None
    auth = httpx2.BasicAuth(parsed.username, parsed.password)
    return str(parsed.copy_with(userinfo=b"")).rstrip("/"), auth


def _timeout(timeout_seconds: float) -> httpx2.Timeout:
    return httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT_SECONDS))


def _verification(settings: ClientSettings) -> ssl.SSLContext | bool:
    if settings.ca_file is None and settings.certificate is None:
        return True
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.certificate is not None:
        context.load_cert_chain(settings.certificate.certificate_file, settings.certificate.key_file)
    return context


def _translated(error: httpx2.RequestError | ssl.SSLError, url: str, timeout_seconds: float) -> PenstockError:
    if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)):
        return ConnectionFailed(f"cannot reach {url} ({error}); is the gateway running? `penstock serve` starts one")
    if isinstance(error, httpx2.TimeoutException):
        return _late(url, timeout_seconds)
    return ConnectionFailed(f"the connection to {url} broke: {error}")


def _late(url: str, timeout_seconds: float) -> DeadlineExceeded:
    return DeadlineExceeded(f"{url} gave no answer within {round(timeout_seconds, 2) or timeout_seconds:g} s")
