"""HTTP by httpx2: connections kept open, and its exceptions turned into the client's errors. Decides nothing."""

from collections.abc import Mapping
from types import MappingProxyType

import httpx2

from penstock_client.errors import ConnectionFailed, DeadlineExceeded, PenstockError
from penstock_client.messages import Request, Response
from penstock_client.settings import ClientSettings

DIRECT: Mapping[str, None] = MappingProxyType({"all://localhost": None, "all://127.0.0.1": None, "all://[::1]": None})
"""A gateway on this machine is never asked through the proxy that HTTP_PROXY names."""


class HttpTransport:
    """Implements `penstock_client.transports.Transport`."""

    def __init__(self, url: str, settings: ClientSettings) -> None:
        self._url = url.rstrip("/")
        self._http = httpx2.Client(timeout=settings.timeout_seconds, mounts=DIRECT)

    def send(self, request: Request, *, timeout_seconds: float) -> Response:
        url = f"{self._url}{request.path}"
        try:
            answer = self._http.request(
                request.method, url, headers=request.headers, content=request.body, timeout=timeout_seconds
            )
        except httpx2.TransportError as error:
            raise _translated(error, self._url, timeout_seconds) from error
        return Response(answer.status_code, answer.headers, answer.content)

    def close(self) -> None:
        self._http.close()


def _translated(error: httpx2.TransportError, url: str, timeout_seconds: float) -> PenstockError:
    if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)):
        return ConnectionFailed(f"cannot reach {url} ({error}); is the gateway running? `penstock serve` starts one")
    if isinstance(error, httpx2.TimeoutException):
        return DeadlineExceeded(f"{url} gave no answer within {timeout_seconds:g} s")
    return ConnectionFailed(f"the connection to {url} broke: {error}")
