"""Connections that send too slowly, too much or nothing, beside a client that asks as ever: raw sockets against a real
gateway whose limits are short.
"""

import json
import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.doubles import doubles_manifest, publish_in_miniature
from tests.processes import ROOT, GatewayProcess, StartGateway

HEAD = b"POST /v1/models/doubles:predict HTTP/1.1\r\nhost: h\r\n"
BODY = b'{"instances": [1.0]}'
ASK = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY
ASK_ONCE = HEAD + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY
DESCRIPTORS = 100
LIMITS = {
    "PENSTOCK_HEAD_TIMEOUT_SECONDS": "1",
    "PENSTOCK_PACE_WINDOW_SECONDS": "1",
    "PENSTOCK_KEEP_ALIVE_SECONDS": "2",
    "PENSTOCK_MAX_CONNECTIONS": "60",
}
BOUND_SECONDS = 30.0
"""Ten times what the slowest limit here takes."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = tmp_path_factory.mktemp("doubles") / "models"
    publish_in_miniature(models, doubles_manifest())
    return models


@pytest.fixture(scope="module")
def strict(start_gateway_session: StartGateway, models: Path) -> GatewayProcess:
    return start_gateway_session("--backend", "in_memory", "--models", str(models), **LIMITS)


def address(gateway: GatewayProcess) -> tuple[str, int]:
    host, port = gateway.url.removeprefix("http://").split(":")
    return host, int(port)


@contextmanager
def connected(gateway: GatewayProcess, number: int = 1) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(address(gateway), BOUND_SECONDS)) for _ in range(number)]


def answered(gateway: GatewayProcess) -> bool:
    return gateway.post("/v1/models/doubles:predict", BODY)[0] == 200


def until_closed(connection: socket.socket) -> bytes:
    """What is read until the gateway closes."""
    said = b""
    with suppress(ConnectionResetError):
        while data := connection.recv(1 << 16):
            said += data
    return said


def ended(connections: list[socket.socket]) -> int:
    """How many the gateway has closed by now."""
    readable, _, _ = select.select(connections, [], [], 0)
    return sum(1 for connection in readable if not connection.recv(1 << 16))


def test_half_a_head_is_closed_while_others_are_answered(strict: GatewayProcess) -> None:
    with connected(strict, 20) as slow:
        for connection in slow:
            connection.sendall(HEAD[:-10])
        open_ones, deadline = list(slow), time.monotonic() + BOUND_SECONDS
        while open_ones:
            assert answered(strict)
            assert time.monotonic() < deadline
            ready = select.select(open_ones, [], [], 0.01)[0]
            for connection in ready:
                assert until_closed(connection).startswith(b"HTTP/1.1 408 ")
                open_ones.remove(connection)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", b""),
        (b"\r\n\r\n", b""),
        (HEAD + b"content-length: 100\r\n\r\n{", b"HTTP/1.1 408 "),
        (HEAD + b"content-length: 100\r\nexpect: 100-continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 408 "),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\n{", b"HTTP/1.1 408 "),
        (ASK + ASK[:-5], b"HTTP/1.1 200 "),
        (ASK, b"HTTP/1.1 200 "),
        (HEAD + b"x: " + b"a" * 40_000, b"HTTP/1.1 431 "),
        (HEAD + b"x: a\r\n" * 200, b"HTTP/1.1 431 "),
        (b"GET /%b HTTP/1.1\r\nhost: h\r\n\r\n" % (b"a" * 9000), b"HTTP/1.1 414 "),
        (HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", b"HTTP/1.1 400 "),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n1;" + b"a" * 2_000_000, b"HTTP/1.1 400 "),
        (HEAD + b"content-length: 99999999999\r\n\r\n" + b"a" * 100_000, b"HTTP/1.1 413 "),
        (
            HEAD + b"connection: close\r\ncontent-length: 20000000\r\n\r\n" + b"a" * 20_000_000,
            b"HTTP/1.1 413 ",
        ),
        (b"GET /livez HTTP/1.1\r\nhost: h\r\n\r\n" * 20_000, b"HTTP/1.1 200 "),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"HTTP/1.1 400 "),
    ],
)
def test_whatever_is_sent_and_then_nothing_the_connection_ends(
    strict: GatewayProcess, sent: bytes, said: bytes
) -> None:
    with connected(strict) as (connection,):
        try:
            connection.sendall(sent)
        except (BrokenPipeError, ConnectionResetError):
            assert len(sent) > 100_000  # it was refused before it was all sent
        assert until_closed(connection).startswith(said)
    assert answered(strict)


def test_a_quiet_connection_is_closed_after_its_known_heads_too(strict: GatewayProcess) -> None:
    with connected(strict) as (connection,):
        for _ in range(3):
            connection.sendall(ASK)
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        assert until_closed(connection) == b""


def test_a_caller_that_never_reads_its_answers_is_let_go(strict: GatewayProcess) -> None:
    with connected(strict) as (connection,):
        connection.setblocking(False)
        deadline = time.monotonic() + BOUND_SECONDS
        while time.monotonic() < deadline:
            assert select.select([], [connection], [], BOUND_SECONDS)[1]
            try:
                connection.send(ASK * 50)
            except BlockingIOError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
        else:
            pytest.fail("still open")
    assert answered(strict)


def test_past_the_most_connections_the_idle_ones_go_and_newcomers_are_answered(strict: GatewayProcess) -> None:
    with connected(strict, 60) as idle:
        for connection in idle:
            connection.sendall(ASK)
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        for _ in range(10):
            assert answered(strict)
        assert ended(idle) > 0


@pytest.mark.parametrize("kind", ["trickle", "silent", "idle"])
def test_the_benchmarks_attackers_hold_what_they_open_and_harm_nobody(strict: GatewayProcess, kind: str) -> None:
    command = [sys.executable, "-m", "loadtests.bench.attackers", str(address(strict)[1]), kind, "30"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as attackers:
        assert attackers.stdout
        first = json.loads(attackers.stdout.readline())
        assert first["opened"] == 30
        assert all(answered(strict) for _ in range(20))
        rest, _ = attackers.communicate(timeout=BOUND_SECONDS)
    assert json.loads(rest)["opened"] >= 30


def test_without_descriptors_newcomers_are_closed_or_wait_and_the_gateway_is_back_at_once(
    start_gateway: StartGateway, models: Path
) -> None:
    """The limit is lowered once it runs, or its own limit of connections would lie below.

    uvloop closes newcomers with a descriptor that it keeps for that. Where another thread opens a file just then it
    has none left, and newcomers wait until a silent connection has had its time for a head.
    """
    few = start_gateway("--backend", "in_memory", "--models", str(models))
    resource.prlimit(few.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    host, port = few.grpc_address.split(":")
    for place in ((host, int(port)), address(few)):
        with ExitStack() as stack:
            for _ in range(150):
                stack.enter_context(socket.create_connection(place, BOUND_SECONDS))
            until_full(few)
            with connected(few) as (connection,), suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(ASK_ONCE)
                said = until_closed(connection)
                assert said == b"" or said.startswith(b"HTTP/1.1 200 ")
            assert few.process.poll() is None
        until_back(few)


def until_full(gateway: GatewayProcess) -> None:
    """But for the one descriptor that the event loop keeps and those that threads hold for a moment."""
    deadline = time.monotonic() + BOUND_SECONDS
    while len(list(Path(f"/proc/{gateway.process.pid}/fd").iterdir())) < DESCRIPTORS - 5:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until_back(gateway: GatewayProcess) -> None:
    """The descriptors come back as the gateway sees that their connections have ended."""
    deadline = time.monotonic() + BOUND_SECONDS
    while True:
        with suppress(OSError):
            assert answered(gateway)
            return
        assert time.monotonic() < deadline
