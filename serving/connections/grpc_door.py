"""What the settings say of gRPC's port, within the descriptors that this process has."""

from serving.connections.descriptors import connections_within, raise_descriptor_limit
from serving.connections.port_certificates import certificates_of
from serving.grpc.server import Door
from serving.settings import Settings

PART = 1 / 8
"""Of the descriptors, at most: so many connections over gRPC leave REST its own, and models their files."""


def door_of(settings: Settings) -> Door:
    certificates = certificates_of(settings)
    return Door(
        settings.host,
        settings.grpc_port,
        settings.grpc_max_request_bytes,
        settings.grpc_max_answer_bytes,
        settings.drain_seconds,
        shared=settings.workers > 1,
        max_metadata_bytes=settings.max_head_bytes,
        handshake_seconds=settings.head_timeout_seconds,
        idle_seconds=settings.keep_alive_seconds,
        max_connections=connections_within(
            raise_descriptor_limit(), settings.grpc_max_connections, PART, "grpc_max_connections"
        ),
        credentials=certificates.grpc_credentials() if certificates else None,
    )
