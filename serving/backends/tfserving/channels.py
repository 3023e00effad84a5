"""Addresses to channels: names resolved, TLS, Unix sockets, sizes, and how soon a lost server is tried again."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import grpc
from grpc import aio

Metadata: TypeAlias = tuple[tuple[str, str], ...]
DNS = "dns:///"
FIRST_RECONNECT_MS, LONGEST_RECONNECT_MS = 100, 500
"""gRPC's own 1 s to 2 min would leave a server that is back unused; a refused connection costs microseconds."""
CONNECT_MS = 5000
"""How long one attempt may take, its TLS handshake included."""


@dataclass(frozen=True, slots=True)
class Transport:
    """How every channel is opened: with TLS where `credentials` are given; messages up to `max_message_bytes`.

    `metadata` is asked with every call for a prediction what is to be said beside it; None where nothing ever is.
    """

    max_message_bytes: int
    credentials: grpc.ChannelCredentials | None = None
    metadata: Callable[[], Metadata | None] | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One replica: what to connect to, and the name it must prove by its certificate when that is another."""

    address: str
    name: str = ""


async def resolve(address: str) -> tuple[Endpoint, ...]:
    """The endpoints behind a setting's address, sorted: every address of a `dns:///name:port`, itself otherwise.

    Raises OSError when the name cannot be resolved.
    """
    if not address.startswith(DNS):
        return (Endpoint(address),)
    name, _, port = address.removeprefix(DNS).rpartition(":")
    found = await asyncio.get_running_loop().getaddrinfo(name.strip("[]"), int(port), type=socket.SOCK_STREAM)
    hosts = sorted({(family, str(place[0])) for family, _, _, _, place in found})
    return tuple(Endpoint(f"[{h}]:{port}" if family == socket.AF_INET6 else f"{h}:{port}", name) for family, h in hosts)


def open_channel(endpoint: Endpoint, transport: Transport) -> aio.Channel:
    options: list[tuple[str, int | str]] = [
        ("grpc.max_send_message_length", transport.max_message_bytes),
        ("grpc.max_receive_message_length", transport.max_message_bytes),
        ("grpc.initial_reconnect_backoff_ms", FIRST_RECONNECT_MS),
        ("grpc.min_reconnect_backoff_ms", CONNECT_MS),  # so it is used, whatever it is called
        ("grpc.max_reconnect_backoff_ms", LONGEST_RECONNECT_MS),
        ("grpc.enable_retries", 0),  # retries are the backend's, on another replica; gRPC's cost 15 us a call unused
        ("grpc.enable_http_proxy", 0),  # a proxy for the way out of the cluster is no way to a model server
        ("grpc.use_local_subchannel_pool", 1),  # else channels to one address share its connection and its backoff
    ]
    if endpoint.name:
        options.append(("grpc.default_authority", endpoint.name))
    if transport.credentials is None:
        return aio.insecure_channel(endpoint.address, options)
    if endpoint.name:
        options.append(("grpc.ssl_target_name_override", endpoint.name))
    return aio.secure_channel(endpoint.address, transport.credentials, options)
