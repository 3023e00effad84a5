"""gRPC's options for connections: how many there may be and what one may do; each with its reason.

Pure. Their names are documented in gRPC's `grpc/impl/channel_arg_names.h`.
"""

MOST_STREAMS = 1000
"""Calls of one connection at once, where gRPC's default is two thousand million: more wait in their client."""
LEAST_PING_MS = 10_000
"""Callers may ping this often; gRPC's 5 minutes would end connections of clients that ask to be kept alive."""
PING_STRIKES = 2
"""Pings too many before the connection ends."""
KEEPALIVE_MS, KEEPALIVE_ANSWER_MS = 60_000, 20_000
"""When the gateway asks whether the other side is still there, and waits: gRPC's 2 hours would keep the dead."""


def connection_options(
    max_metadata_bytes: int, handshake_seconds: float, idle_seconds: float, max_connections: int
) -> list[tuple[str, int]]:
    """A connection without calls ends after `idle_seconds`; clients make a new one by themselves."""
    return [
        # The soft limit refuses some at random between it and the hard one, so both are the same.
        ("grpc.max_metadata_size", max_metadata_bytes),
        ("grpc.absolute_max_metadata_size", max_metadata_bytes),
        ("grpc.max_concurrent_streams", MOST_STREAMS),
        ("grpc.server_handshake_timeout_ms", round(handshake_seconds * 1000)),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", LEAST_PING_MS),
        ("grpc.http2.max_ping_strikes", PING_STRIKES),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_ANSWER_MS),
        ("grpc.max_connection_idle_ms", round(idle_seconds * 1000)),
        ("grpc.max_allowed_incoming_connections", max_connections),  # counted from accept(), handshakes too
    ]
