"""Which wire a URL means: how it is spoken, and what carries it."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from penstock_client.dialect import Dialect
from penstock_client.extras import bring
from penstock_client.http_transport import AsyncHttpTransport, HttpTransport
from penstock_client.rest_dialect import RestDialect
from penstock_client.settings import ClientSettings
from penstock_client.transports import AsyncTransport, Transport

Carrier = TypeVar("Carrier")
HTTP, GRPC = ("http://", "https://"), ("grpc://", "grpcs://")


@dataclass(frozen=True, slots=True)
class Wire(Generic[Carrier]):
    dialect: Dialect
    transport: Carrier


def open_wire(url: str, settings: ClientSettings) -> Wire[Transport]:
    """Connects to nobody yet. Raises ValueError for a URL that names no wire, ModuleNotFoundError with the pip command
    where the wire's extra is not installed.
    """
    _check(url)
    if url.startswith(GRPC):
        grpc = _grpc()
        given = settings.transport or grpc.GrpcTransport(url, settings)
        return Wire(grpc.GrpcDialect(), cast("Transport", given))
    transport = cast("Transport", settings.transport) if settings.transport else HttpTransport(url, settings)
    return Wire(RestDialect(), transport)


def open_async_wire(url: str, settings: ClientSettings) -> Wire[AsyncTransport]:
    """As `open_wire`."""
    _check(url)
    if url.startswith(GRPC):
        grpc = _grpc()
        given = settings.transport or grpc.AsyncGrpcTransport(url, settings)
        return Wire(grpc.GrpcDialect(), cast("AsyncTransport", given))
    transport = cast("AsyncTransport", settings.transport) if settings.transport else AsyncHttpTransport(url, settings)
    return Wire(RestDialect(), transport)


def _check(url: str) -> None:
    if not url.startswith((*HTTP, *GRPC)):
        raise ValueError(
            f"url is {url!r}; it must begin with http://, https://, grpc:// or grpcs://, as in http://127.0.0.1:8080"
        )


def _grpc() -> Any:
    return bring("penstock_client.grpc_wire", needs="gRPC needs grpcio and protobuf", pip="'penstock-client[grpc]'")
