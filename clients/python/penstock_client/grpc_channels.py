"""How a channel to the gateway is made: its address, its options and its credentials."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc

from penstock_client.settings import ClientSettings

DEFAULT_PORTS = {"grpc": 8500, "grpcs": 443}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

ANY_SIZE = -1
"""gRPC's word for no limit. Its own, 4 MB, is soon reached by answers; the gateway says what it takes."""

KEEPALIVE_MS = 310_000
"""Servers take pings of an idle connection once in five minutes, and load balancers forget one after about six."""

KEEPALIVE_ANSWER_MS = 10_000
RECONNECT_FIRST_MS, RECONNECT_MOST_MS = 100, 1_000
"""gRPC would wait up to two minutes before it tries again; a gateway that restarts is back within seconds."""


@dataclass(frozen=True, slots=True)
class Target:
    url: str
    address: str
    secure: bool
    loopback: bool


def target_of(url: str) -> Target:
    """Of `grpc://host:port` or, with TLS, `grpcs://host:port`. Raises ValueError for anything else."""
    shown = url if "@" not in url else "one with a password"
    wrong = f"url is {shown!r}; it must be grpc://host:port or grpcs://host:port, as in grpc://127.0.0.1:8500"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{wrong} ({error})") from error
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(wrong)
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{wrong}; gRPC knows no path")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    address = f"{host}:{port or DEFAULT_PORTS[parts.scheme]}"
    return Target(url.rstrip("/"), address, parts.scheme == "grpcs", parts.hostname in LOOPBACK)


def channel_options(target: Target) -> list[tuple[str, int]]:
    return [
        ("grpc.max_send_message_length", ANY_SIZE),
        ("grpc.max_receive_message_length", ANY_SIZE),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_ANSWER_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", RECONNECT_FIRST_MS),
        ("grpc.max_reconnect_backoff_ms", RECONNECT_MOST_MS),
        # A client's connection is its own, as over HTTP: closing one client closes it.
        ("grpc.use_local_subchannel_pool", 1),
        # A gateway on this machine is never asked through the proxy that http_proxy names.
        ("grpc.enable_http_proxy", int(not target.loopback)),
    ]


def credentials_of(settings: ClientSettings) -> Any:
    """For TLS. Raises OSError for a file that cannot be read."""
    certificate = settings.certificate
    return grpc.ssl_channel_credentials(
        root_certificates=None if settings.ca_file is None else Path(settings.ca_file).read_bytes(),
        private_key=None if certificate is None else Path(certificate.key_file).read_bytes(),
        certificate_chain=None if certificate is None else Path(certificate.certificate_file).read_bytes(),
    )
