"""gRPC's port against raw sockets and large metadata, beside a caller that asks as ever."""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from serving.connections.descriptors import raise_descriptor_limit
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.processes import GatewayProcess, StartGateway

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
PING = b"\0\0\x08\x06\0\0\0\0\0" + b"penstock"
GOAWAY, ENHANCE_YOUR_CALM = 7, 11
BOUND_SECONDS = 30.0
MOST, MANY = 300, 2000
"""Connections that the gateway takes at once, and those that come."""
LIMITS = {
    "PENSTOCK_HEAD_TIMEOUT_SECONDS": "1",
    "PENSTOCK_KEEP_ALIVE_SECONDS": "3",
    "PENSTOCK_GRPC_MAX_CONNECTIONS": str(MOST),
}


@pytest.fixture(scope="module")
def gateway(start_gateway_session: StartGateway, tmp_path_factory: pytest.TempPathFactory) -> GatewayProcess:
    models = tmp_path_factory.mktemp("doubles") / "models"
    publish_in_miniature(models, doubles_manifest())
    arguments = ("--backend", "in_memory", "--models", str(models))
    return start_gateway_session(*arguments, **LIMITS)


def connected(gateway: GatewayProcess) -> socket.socket:
    host, port = gateway.grpc_address.split(":")
    return socket.create_connection((host, int(port)), BOUND_SECONDS)


def checked(gateway: GatewayProcess, metadata_bytes: int = 0) -> int:
    with grpc.insecure_channel(gateway.grpc_address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        metadata = [("x-much", "a" * metadata_bytes)] if metadata_bytes else []
        ask = health_pb2_grpc.HealthStub(channel).Check
        return int(ask(health_pb2.HealthCheckRequest(), timeout=BOUND_SECONDS, metadata=metadata).status)


@pytest.mark.parametrize("sent", [b"", PREFACE[:12], PREFACE], ids=["nothing", "half a preface", "no settings"])
def test_a_connection_that_never_becomes_one_is_ended(gateway: GatewayProcess, sent: bytes) -> None:
    with connected(gateway) as connection:
        connection.sendall(sent)
        with suppress(ConnectionResetError):
            while connection.recv(1 << 16):
                pass
    assert checked(gateway) == health_pb2.HealthCheckResponse.SERVING


def test_metadata_have_a_limit(gateway: GatewayProcess) -> None:
    assert checked(gateway, 20_000) == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as refused:
        checked(gateway, 100_000)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert checked(gateway) == health_pb2.HealthCheckResponse.SERVING


def test_who_pings_all_the_time_is_sent_away(gateway: GatewayProcess) -> None:
    said, deadline = b"", time.monotonic() + BOUND_SECONDS
    with connected(gateway) as connection:
        connection.sendall(PREFACE + SETTINGS)
        with suppress(ConnectionError):
            while time.monotonic() < deadline:
                connection.sendall(PING * 10)
                data = connection.recv(1 << 16)
                said += data
                if not data:
                    break
    assert ENHANCE_YOUR_CALM in goaways(said)
    assert checked(gateway) == health_pb2.HealthCheckResponse.SERVING


def test_two_thousand_idle_connections_are_let_go_beside_callers_of_both_ports(gateway: GatewayProcess) -> None:
    """Past the most they end at once, without a word of HTTP/2; those that were taken end when they have rested."""
    with grpc.insecure_channel(gateway.grpc_address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        ask = health_pb2_grpc.HealthStub(channel).Check
        ask(health_pb2.HealthCheckRequest(), timeout=BOUND_SECONDS)
        with many_connected(gateway) as idle:
            deadline, greeted, open_ones = time.monotonic() + BOUND_SECONDS, set[socket.socket](), MANY
            while open_ones:
                assert time.monotonic() < deadline, open_ones
                for key, _ in idle.select(0.1):
                    said = received(key.fileobj)
                    if said:
                        greeted.add(key.fileobj)  # type: ignore[arg-type]  # none but sockets were registered
                    else:
                        idle.unregister(key.fileobj)
                        open_ones -= 1
                assert ask(health_pb2.HealthCheckRequest(), timeout=BOUND_SECONDS).status == 1
                assert gateway.get("/livez")
            assert 0 < len(greeted) < MOST
    assert checked(gateway) == health_pb2.HealthCheckResponse.SERVING


@contextmanager
def many_connected(gateway: GatewayProcess) -> Iterator[selectors.BaseSelector]:
    assert raise_descriptor_limit() > MANY + 500
    with ExitStack() as stack, selectors.DefaultSelector() as idle:
        for _ in range(MANY):
            connection = stack.enter_context(connected(gateway))
            with suppress(ConnectionError):
                connection.sendall(PREFACE + SETTINGS)
            idle.register(connection, selectors.EVENT_READ)
        yield idle


def received(connection: object) -> bytes:
    assert isinstance(connection, socket.socket)
    with suppress(ConnectionError):
        return connection.recv(1 << 16)
    return b""


def goaways(said: bytes) -> list[int]:
    """The error codes of the GOAWAY frames among them (RFC 9113, 4.1 and 6.8)."""
    codes = []
    while len(said) >= 9:
        length = int.from_bytes(said[:3], "big")
        if said[3] == GOAWAY:
            codes.append(int.from_bytes(said[13:17], "big"))
        said = said[9 + length :]
    return codes
