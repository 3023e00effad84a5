"""The gateway's own ports over TLS, asked by real clients: whom they trust, who is let in, and rotation."""

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from penstock_client import Certificate, Client, ConnectionFailed

from tests.doubles import doubles_manifest, publish_in_miniature
from tests.integration.gateway.certificates import made_certificates
from tests.processes import GatewayProcess, StartGateway, penstock

BOUND_SECONDS = 30.0
BODY = b'{"instances": [1.0]}'


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = tmp_path_factory.mktemp("doubles") / "models"
    publish_in_miniature(models, doubles_manifest())
    return models


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]) -> Path:
    return made_certificates(program("openssl"), tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def files(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of the gateway, which a test may replace."""
    return shutil.copytree(made, tmp_path_factory.mktemp("files") / "pem")


@pytest.fixture(scope="module")
def secured(start_gateway_session: StartGateway, models: Path, files: Path) -> GatewayProcess:
    return start_gateway_session(
        *("--backend", "in_memory", "--models", str(models)),
        PENSTOCK_TLS_CERT=str(files / "server.pem"),
        PENSTOCK_TLS_KEY=str(files / "server.key"),
        PENSTOCK_TLS_CLIENT_CA=str(files / "ca.pem"),
        PENSTOCK_HEAD_TIMEOUT_SECONDS="1",
    )


def shown(folder: Path) -> Certificate:
    return Certificate(folder / "client.pem", folder / "client.key")


def serving(address: str, folder: Path, *, shows: bool = True) -> int:
    pair = ((folder / "client.key").read_bytes(), (folder / "client.pem").read_bytes()) if shows else (None, None)
    credentials = grpc.ssl_channel_credentials((folder / "ca.pem").read_bytes(), *pair)
    with grpc.secure_channel(address, credentials, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=BOUND_SECONDS)
    return int(answer.status)


def test_the_clients_are_answered_on_both_ports(secured: GatewayProcess, made: Path) -> None:
    assert secured.url.startswith("https://")
    with Client(secured.url, ca_file=made / "ca.pem", certificate=shown(made)) as client:
        assert client.models() == ["doubles"]
        assert client.predict("doubles", [1.0, 2.0])
    with Client(f"grpcs://{secured.grpc_address}", ca_file=made / "ca.pem", certificate=shown(made)) as client:
        assert client.predict("doubles", [1.0, 2.0])
    assert serving(secured.grpc_address, made) == health_pb2.HealthCheckResponse.SERVING


def test_curl_is_answered_in_http_1_1_with_tls_1_2_and_newer_alone(
    secured: GatewayProcess, made: Path, program: Callable[[str], str]
) -> None:
    curl = [program("curl"), "-s", "--cacert", str(made / "ca.pem"), "-w", "%{http_version}", "-o", "-"]
    pair = ["--cert", str(made / "client.pem"), "--key", str(made / "client.key")]

    def asked(*options: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*curl, *options, f"{secured.url}/livez"], capture_output=True, check=False, timeout=60)

    for version in ("1.2", "1.3"):
        done = asked(*pair, f"--tlsv{version}", "--tls-max", version)
        assert done.returncode == 0
        assert done.stdout.endswith(b"1.1")
    assert asked(*pair, "--tls-max", "1.1").returncode != 0
    assert asked().returncode != 0


def test_who_shows_nothing_or_speaks_in_clear_text_is_not_let_in(secured: GatewayProcess, made: Path) -> None:
    with (
        Client(secured.url, ca_file=made / "ca.pem", retries=None) as client,
        pytest.raises(ConnectionFailed),
    ):
        client.models()
    with pytest.raises(grpc.RpcError):
        serving(secured.grpc_address, made, shows=False)
    with (
        Client(secured.url.replace("https", "http"), retries=None) as client,
        pytest.raises(ConnectionFailed),
    ):
        client.models()


def test_a_handshake_that_does_not_go_on_is_ended_on_both_ports(secured: GatewayProcess) -> None:
    """The first bytes of a client's greeting, and no more."""
    for place in (secured.url.removeprefix("https://"), secured.grpc_address):
        host, port = place.split(":")
        with socket.create_connection((host, int(port)), BOUND_SECONDS) as connection, suppress(ConnectionResetError):
            connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            assert connection.recv(1) == b""


def test_a_slow_head_is_told_so_over_tls_too(secured: GatewayProcess, made: Path) -> None:
    context = ssl.create_default_context(cafile=made / "ca.pem")
    context.load_cert_chain(made / "client.pem", made / "client.key")
    host, port = secured.url.removeprefix("https://").split(":")
    with (
        socket.create_connection((host, int(port)), BOUND_SECONDS) as connection,
        context.wrap_socket(connection, server_hostname=host) as secure,
    ):
        secure.sendall(b"GET / HTTP/1.1\r\nho")
        assert secure.recv(1 << 16).startswith(b"HTTP/1.1 408 ")


def test_certificates_that_change_are_shown_without_a_restart_and_what_does_not_fit_is_not(
    secured: GatewayProcess, made: Path, files: Path, tmp_path: Path, program: Callable[[str], str]
) -> None:
    after = made_certificates(program("openssl"), tmp_path / "after")
    with Client(secured.url, ca_file=made / "ca.pem", certificate=shown(made)) as open_before:
        assert open_before.models() == ["doubles"]
        shutil.copy(after / "server.key", files)  # a pair that does not fit, for now
        with Client(secured.url, ca_file=made / "ca.pem", certificate=shown(made)) as client:
            assert client.models() == ["doubles"]
        assert serving(secured.grpc_address, made) == health_pb2.HealthCheckResponse.SERVING
        shutil.copy(after / "server.pem", files)
        shutil.copy(after / "ca.pem", files)
        with Client(secured.url, ca_file=after / "ca.pem", certificate=shown(after)) as client:
            assert client.models() == ["doubles"]
        until_serving(secured.grpc_address, after)
        with pytest.raises(grpc.RpcError):
            serving(secured.grpc_address, made)


def until_serving(address: str, folder: Path) -> None:
    """The port of gRPC may shake hands once more with what it had."""
    deadline = time.monotonic() + BOUND_SECONDS
    while True:
        with suppress(grpc.RpcError):
            assert serving(address, folder) == health_pb2.HealthCheckResponse.SERVING
            return
        assert time.monotonic() < deadline


def test_files_that_cannot_be_used_are_one_clear_line(models: Path, made: Path, start_gateway: StartGateway) -> None:
    with pytest.raises(AssertionError, match=r"tls_cert, tls_key: .* cannot be used"):
        start_gateway(
            *("--backend", "in_memory", "--models", str(models)),
            PENSTOCK_TLS_CERT=str(made / "server.pem"),
            PENSTOCK_TLS_KEY=str(made / "client.key"),
        )
    assert "belong together" in penstock("serve", "--settings", str(_half(made)), code=2).stderr


def _half(made: Path) -> Path:
    settings = made / "half.toml"
    settings.write_text(f'tls_cert = "{made / "server.pem"}"\n')
    return settings
