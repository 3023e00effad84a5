"""The ways to a model server: TLS, mTLS, a Unix socket, a name with several addresses."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from serving.backend_protocol import Target
from serving.backends.tfserving.channels import TlsFiles, Transport, read_credentials, resolve
from serving.contract.tensors import Array
from serving.errors import BackendRejected, BackendUnavailable, InvalidSettings
from tests.integration.tfserving.conftest import MESSAGE_BYTES, Ask, ReferenceServer
from tests.processes import GatewayProcess

TARGET = Target("digits", 1, "serving_default")


@dataclass(frozen=True)
class Certificates:
    folder: Path

    def pair(self, name: str) -> tuple[bytes, bytes]:
        return (self.folder / f"{name}.key").read_bytes(), (self.folder / f"{name}.pem").read_bytes()

    def transport(self, *, own: str = "", authority: str = "ca") -> Transport:
        pair = (self.folder / f"{own}.pem", self.folder / f"{own}.key") if own else (None, None)
        return Transport(MESSAGE_BYTES, read_credentials(TlsFiles(self.folder / f"{authority}.pem", *pair)))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]) -> Certificates:
    """An authority, a server's and a gateway's certificate signed by it, and an authority that nobody knows."""
    folder, openssl = tmp_path_factory.mktemp("certificates"), program("openssl")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for authority in ("ca", "other"):
        run(
            "req", "-x509", *new, "-keyout", f"{authority}.key", "-out", f"{authority}.pem", "-subj", f"/CN={authority}"
        )
    (folder / "names").write_text("subjectAltName=DNS:localhost,DNS:models.test,IP:127.0.0.1")
    for name in ("server", "gateway"):
        run("req", *new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
        run("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signing)
    return Certificates(folder)


class Passing(grpc.GenericRpcHandler):  # type: ignore[misc] # gRPC comes without types
    """Passes every call on to a model server."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def service(self, details: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(
            lambda request, _: self._channel.unary_unary(details.method)(request, timeout=10.0)
        )


@contextmanager
def door(model_server: str, listen: str, credentials: Any = None) -> Iterator[str]:
    """Another way in to a model server, as a proxy beside it would open; its address."""
    with grpc.insecure_channel(model_server) as channel:
        server = grpc.server(futures.ThreadPoolExecutor(4), [Passing(channel)])
        port = server.add_secure_port(listen, credentials) if credentials else server.add_insecure_port(listen)
        server.start()
        yield listen if listen.startswith("unix:") else f"127.0.0.1:{port}"
        server.stop(None).wait()


def predicted(ask: Ask, models: Path, address: str, transport: Transport | None = None, rows: int = 1) -> Array:
    async def run() -> Array:
        async with ask(models, address, transport=transport) as backend:
            await backend.until_live("digits")
            inputs: dict[str, Array] = {"image": np.zeros((rows, 8, 8), np.float32)}
            return (await backend.predict(TARGET, inputs, time.monotonic() + 30.0))["probabilities"]

    return asyncio.run(run())


def refused(ask: Ask, models: Path, address: str, transport: Transport) -> bool:
    """Whether the backend starts without a word from the server, and a call says so."""

    async def run() -> bool:
        async with ask(models, address, transport=transport) as backend:
            with pytest.raises(BackendUnavailable):
                await backend.predict(TARGET, {"image": np.zeros((1, 8, 8), np.float32)}, time.monotonic() + 30.0)
            return backend.status() == {}

    return asyncio.run(run())


@pytest.fixture
def models(reference_server: ReferenceServer) -> Path:
    return reference_server.models


def test_tls_with_a_servers_certificate(
    ask: Ask, models: Path, gateway: GatewayProcess, certificates: Certificates
) -> None:
    credentials = grpc.ssl_server_credentials([certificates.pair("server")])
    with door(gateway.grpc_address, "127.0.0.1:0", credentials) as address:
        assert predicted(ask, models, address, certificates.transport()).shape == (1, 10)
        assert refused(ask, models, address, certificates.transport(authority="other"))
        assert refused(ask, models, address, Transport(MESSAGE_BYTES))


def test_mtls_lets_the_gateway_in_by_its_own_certificate_only(
    ask: Ask, models: Path, gateway: GatewayProcess, certificates: Certificates
) -> None:
    authority = (certificates.folder / "ca.pem").read_bytes()
    credentials = grpc.ssl_server_credentials(
        [certificates.pair("server")], root_certificates=authority, require_client_auth=True
    )
    with door(gateway.grpc_address, "127.0.0.1:0", credentials) as address:
        assert predicted(ask, models, address, certificates.transport(own="gateway")).shape == (1, 10)
        assert refused(ask, models, address, certificates.transport())


def test_certificates_that_cannot_be_read_are_named_with_their_setting(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"^tfserving_tls_ca: .*No such file"):
        read_credentials(TlsFiles(tmp_path / "ca.pem"))


def test_a_unix_socket(ask: Ask, models: Path, gateway: GatewayProcess, tmp_path: Path) -> None:
    with door(gateway.grpc_address, f"unix:{tmp_path / 's'}") as address:
        assert predicted(ask, models, address).shape == (1, 10)


def test_a_name_means_all_its_addresses_and_is_what_the_certificate_must_prove(
    ask: Ask, models: Path, gateway: GatewayProcess, certificates: Certificates
) -> None:
    credentials = grpc.ssl_server_credentials([certificates.pair("server")])
    with door(gateway.grpc_address, "127.0.0.1:0", credentials) as address:
        port = address.rpartition(":")[2]
        found = asyncio.run(resolve(f"dns:///localhost:{port}"))
        assert f"127.0.0.1:{port}" in [endpoint.address for endpoint in found]
        assert {endpoint.name for endpoint in found} == {"localhost"}
        assert predicted(ask, models, f"dns:///localhost:{port}", certificates.transport()).shape == (1, 10)


def test_a_name_that_means_nothing_leaves_the_gateway_without_servers(ask: Ask, models: Path) -> None:
    assert refused(ask, models, "dns:///nowhere.invalid:8500", Transport(MESSAGE_BYTES))


def test_messages_go_up_to_the_size_that_is_set(ask: Ask, models: Path, gateway: GatewayProcess) -> None:
    rows = 32_000  # 8 MB, twice what gRPC reads unless told otherwise
    assert predicted(ask, models, gateway.grpc_address, rows=rows).shape == (rows, 10)
    with pytest.raises(BackendRejected, match="tfserving_max_message_bytes"):
        predicted(ask, models, gateway.grpc_address, Transport(1024 * 1024), rows)
