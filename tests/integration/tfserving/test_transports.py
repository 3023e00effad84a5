"""The ways to a model server: TLS, mTLS, a Unix socket, a name with several addresses."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest

from serving.backend_protocol import Target
from serving.backends.tfserving.certificates import Certificates as RotatedFiles
from serving.backends.tfserving.certificates import TlsFiles, read_credentials
from serving.backends.tfserving.channels import Transport, resolve
from serving.contract.tensors import Array
from serving.errors import BackendRejected, BackendUnavailable, InvalidSettings
from tests.integration.tfserving.conftest import MESSAGE_BYTES, Ask, ReferenceServer, is_live
from tests.integration.tfserving.odd_server import OddServer, as_it_is
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
    return made_certificates(program("openssl"), tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def generations(
    certificates: Certificates, tmp_path: Path, program: Callable[[str], str]
) -> tuple[Certificates, Certificates]:
    """Certificates and those that follow them, by an authority of their own."""
    (tmp_path / "next").mkdir()
    return certificates, made_certificates(program("openssl"), tmp_path / "next")


def made_certificates(openssl: str, folder: Path) -> Certificates:
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


def predicted(ask: Ask, models: Path, address: str, transport: Transport | None = None) -> Array:
    async def run() -> Array:
        async with ask(models, address, transport=transport) as backend:
            await backend.until_live("digits")
            inputs: dict[str, Array] = {"image": np.zeros((1, 8, 8), np.float32)}
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


def test_tls_with_a_servers_certificate(
    ask: Ask, trained_models: Path, gateway: GatewayProcess, certificates: Certificates
) -> None:
    credentials = grpc.ssl_server_credentials([certificates.pair("server")])
    with OddServer(gateway.grpc_address, as_it_is, credentials=credentials) as proxy:
        address = proxy.address
        assert predicted(ask, trained_models, address, certificates.transport()).shape == (1, 10)
        assert refused(ask, trained_models, address, certificates.transport(authority="other"))
        assert refused(ask, trained_models, address, Transport(MESSAGE_BYTES))


def test_mtls_lets_the_gateway_in_by_its_own_certificate_only(
    ask: Ask, trained_models: Path, gateway: GatewayProcess, certificates: Certificates
) -> None:
    authority = (certificates.folder / "ca.pem").read_bytes()
    credentials = grpc.ssl_server_credentials(
        [certificates.pair("server")], root_certificates=authority, require_client_auth=True
    )
    with OddServer(gateway.grpc_address, as_it_is, credentials=credentials) as proxy:
        address = proxy.address
        assert predicted(ask, trained_models, address, certificates.transport(own="gateway")).shape == (1, 10)
        assert refused(ask, trained_models, address, certificates.transport())


def test_certificates_that_are_rotated_need_no_restart(
    ask: Ask,
    trained_models: Path,
    gateway: GatewayProcess,
    generations: tuple[Certificates, Certificates],
    tmp_path: Path,
) -> None:
    """Both sides take certificates of a new authority, the server first; then the gateway's files change."""
    before, after = generations
    files = TlsFiles(tmp_path / "ca.pem", tmp_path / "gateway.pem", tmp_path / "gateway.key")

    def write(generation: Certificates) -> None:
        for name in ("ca.pem", "gateway.pem", "gateway.key"):
            shutil.copy(generation.folder / name, tmp_path / name)

    def server(generation: Certificates, listen: str = "127.0.0.1:0") -> OddServer:
        authority = (generation.folder / "ca.pem").read_bytes()
        pair = [generation.pair("server")]
        return OddServer(
            gateway.grpc_address,
            as_it_is,
            listen,
            grpc.ssl_server_credentials(pair, root_certificates=authority, require_client_auth=True),
        )

    async def run() -> None:
        inputs: dict[str, Array] = {"image": np.zeros((1, 8, 8), np.float32)}
        rotated = RotatedFiles(files)
        transport = Transport(MESSAGE_BYTES, rotated.credentials())
        first = await asyncio.to_thread(server(before).__enter__)
        async with ask(trained_models, first.address, transport=transport, certificates=rotated) as backend:
            await backend.until_live("digits")
            await backend.predict(TARGET, inputs, time.monotonic() + 30.0)
            await asyncio.to_thread(first.__exit__)
            await backend.until(lambda backend: not is_live(backend, "digits"))
            second = await asyncio.to_thread(server(after, first.address).__enter__)
            try:
                write(after)
                await backend.until_live("digits")
                await backend.predict(TARGET, inputs, time.monotonic() + 30.0)
            finally:
                await asyncio.to_thread(second.__exit__)

    write(before)
    asyncio.run(run())


def test_certificates_that_cannot_be_read_are_named_with_their_setting(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"^tfserving_tls_ca: .*No such file"):
        read_credentials(TlsFiles(tmp_path / "ca.pem"))


def test_a_unix_socket(ask: Ask, trained_models: Path, gateway: GatewayProcess, tmp_path: Path) -> None:
    with OddServer(gateway.grpc_address, as_it_is, f"unix:{tmp_path / 's'}") as proxy:
        assert predicted(ask, trained_models, proxy.address).shape == (1, 10)


def test_a_name_means_all_its_addresses_and_is_what_the_certificate_must_prove(
    ask: Ask, trained_models: Path, gateway: GatewayProcess, certificates: Certificates
) -> None:
    credentials = grpc.ssl_server_credentials([certificates.pair("server")])
    with OddServer(gateway.grpc_address, as_it_is, credentials=credentials) as proxy:
        address = proxy.address
        port = address.rpartition(":")[2]
        found = asyncio.run(resolve(f"dns:///localhost:{port}"))
        assert f"127.0.0.1:{port}" in [endpoint.address for endpoint in found]
        assert {endpoint.name for endpoint in found} == {"localhost"}
        assert predicted(ask, trained_models, f"dns:///localhost:{port}", certificates.transport()).shape == (1, 10)


def test_a_name_that_means_nothing_leaves_the_gateway_without_servers(ask: Ask, trained_models: Path) -> None:
    assert refused(ask, trained_models, "dns:///nowhere.invalid:8500", Transport(MESSAGE_BYTES))


def test_messages_go_up_to_the_size_that_is_set(ask: Ask, reference_server: ReferenceServer) -> None:
    address = f"127.0.0.1:{reference_server.ports['content']}"
    inputs: dict[str, Array] = {"x": np.ones(2_000_000, np.float32)}  # 8 MB; gRPC reads 4 MB unless told otherwise

    async def doubled(transport: Transport) -> Array:
        async with ask(reference_server.models, address, transport=transport) as backend:
            await backend.until_live("echo")
            return (await backend.predict(Target("echo", 1, "double"), inputs, time.monotonic() + 30.0))["y"]

    assert asyncio.run(doubled(Transport(MESSAGE_BYTES))).sum() == 4_000_000
    with pytest.raises(BackendRejected, match="tfserving_max_message_bytes"):
        asyncio.run(doubled(Transport(1024 * 1024)))
