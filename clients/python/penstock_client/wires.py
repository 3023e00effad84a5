"""Which wire a URL means: how it is spoken, and what carries it."""

from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from penstock_client.dialect import Dialect
from penstock_client.http_transport import AsyncHttpTransport, HttpTransport
from penstock_client.rest_dialect import RestDialect
from penstock_client.settings import ClientSettings
from penstock_client.transports import AsyncTransport, Transport

Carrier = TypeVar("Carrier")


@dataclass(frozen=True, slots=True)
class Wire(Generic[Carrier]):
    dialect: Dialect
    transport: Carrier


def open_wire(url: str, settings: ClientSettings) -> Wire[Transport]:
    """Connects to nobody yet. Raises ValueError for a URL that names no wire."""
    _check(url)
    transport = cast("Transport", settings.transport) if settings.transport else HttpTransport(url, settings)
    return Wire(RestDialect(), transport)


def open_async_wire(url: str, settings: ClientSettings) -> Wire[AsyncTransport]:
    """As `open_wire`."""
    _check(url)
    transport = cast("AsyncTransport", settings.transport) if settings.transport else AsyncHttpTransport(url, settings)
    return Wire(RestDialect(), transport)


def _check(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"url is {url!r}; it must begin with http:// or https://, as in http://127.0.0.1:8080")
