"""gRPC by grpcio: one connection kept open, bytes in and out, its exceptions turned into the client's errors.

Decides nothing. A call that is given up is cancelled on the gateway too.
"""

from collections.abc import Callable, Iterable
from typing import Any

import grpc
from grpc import aio

from penstock_client.errors import ConnectionFailed, DeadlineExceeded, PenstockError
from penstock_client.grpc_channels import Target, channel_options, credentials_of, target_of
from penstock_client.messages import Request, Response
from penstock_client.settings import ClientSettings

_OK = 0


class GrpcTransport:
    """Implements `penstock_client.transports.Transport`. Raises ValueError for a URL that names more than a host."""

    def __init__(self, url: str, settings: ClientSettings) -> None:
        self._target = target_of(url)
        self._channel = _opened(grpc, self._target, settings)
        self._calls: dict[str, Callable[..., Any]] = {}

    def send(self, request: Request, *, timeout_seconds: float) -> Response:
        call = self._calls.get(request.path)
        if call is None:
            call = self._calls[request.path] = self._channel.unary_unary(request.path).with_call
        try:
            body, ended = call(request.body, timeout=timeout_seconds, metadata=tuple(request.headers.items()))
        except grpc.RpcError as error:
            return _failed(error, self._target, timeout_seconds)
        return Response(_OK, _headers(ended.trailing_metadata()), body)

    def close(self) -> None:
        self._channel.close()


class AsyncGrpcTransport:
    """Implements `penstock_client.transports.AsyncTransport`, in the event loop that first sends by it."""

    def __init__(self, url: str, settings: ClientSettings) -> None:
        self._target = target_of(url)
        self._settings = settings
        self._channel: aio.Channel | None = None
        self._calls: dict[str, Any] = {}

    async def asend(self, request: Request, *, timeout_seconds: float) -> Response:
        call = self._calls.get(request.path)
        if call is None:
            if self._channel is None:  # made here: a channel of grpc.aio belongs to the loop it is made in
                self._channel = _opened(aio, self._target, self._settings)
            call = self._calls[request.path] = self._channel.unary_unary(request.path)
        asked = call(request.body, timeout=timeout_seconds, metadata=tuple(request.headers.items()))
        try:
            body = await asked
        except grpc.RpcError as error:
            return _failed(error, self._target, timeout_seconds)
        return Response(_OK, _headers(await asked.trailing_metadata()), body)

    async def aclose(self) -> None:
        if self._channel is not None:
            await self._channel.close()


def _opened(library: Any, target: Target, settings: ClientSettings) -> Any:
    options = channel_options(target)
    if target.secure:
        return library.secure_channel(target.address, credentials_of(settings), options)
    return library.insecure_channel(target.address, options)


def _failed(error: Any, target: Target, timeout_seconds: float) -> Response:
    """What the gateway answered; raises where it was gRPC itself that gave up."""
    headers = _headers(error.trailing_metadata())
    if "x-request-id" not in headers:
        unanswered = _unanswered(error, target, timeout_seconds)
        if unanswered is not None:
            raise unanswered from error
    return Response(error.code().value[0], headers, (error.details() or "").encode())


def _unanswered(error: Any, target: Target, timeout_seconds: float) -> PenstockError | None:
    code, said = error.code(), error.details()
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded(f"{target.url} gave no answer within {timeout_seconds:g} s")
    if code is grpc.StatusCode.UNAVAILABLE:
        return ConnectionFailed(
            f"cannot reach {target.url} ({said}); is the gateway running? `penstock serve` starts one"
        )
    if code is grpc.StatusCode.CANCELLED:
        return ConnectionFailed(f"the connection to {target.url} broke: {said}")
    return None


def _headers(metadata: Iterable[tuple[str, str | bytes]] | None) -> dict[str, str]:
    return {name: value if isinstance(value, str) else value.decode("latin-1") for name, value in metadata or ()}
