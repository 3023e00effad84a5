"""The client over TLS: whom it trusts, and what it shows."""

import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from penstock_client import Certificate, ConnectionFailed

from tests.integration.clients.kinds import Connect
from tests.integration.clients.serving_thread import served
from tests.integration.clients.stand_in import StandIn


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]) -> Path:
    """A folder with the authorities `ca` and `other`, and a server's and a client's certificate signed by `ca`."""
    openssl, folder = program("openssl"), tmp_path_factory.mktemp("certificates")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "other"):
        run("req", "-x509", *new, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    for name in ("server", "client"):
        run("req", *new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
        run("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signing)
    return folder


@pytest.fixture
def secured(certificates: Path) -> Iterator[StandIn]:
    """A gateway that lets nobody in without a certificate of its authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "ca.pem")
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    with served(context) as gateway:
        yield gateway


def test_an_authority_of_ones_own_is_trusted_and_the_certificate_shown(
    connect: Connect, secured: StandIn, certificates: Path
) -> None:
    shown = Certificate(certificates / "client.pem", certificates / "client.key")
    with connect(secured.url, ca_file=certificates / "ca.pem", certificate=shown) as client:
        assert client.models() == ["diabetes", "digits"]


def test_who_shows_nothing_is_not_let_in(connect: Connect, secured: StandIn, certificates: Path) -> None:
    with (
        connect(secured.url, ca_file=certificates / "ca.pem", retries=None) as client,
        pytest.raises(ConnectionFailed, match="broke"),
    ):
        client.models()


@pytest.mark.parametrize("authority", ["other.pem", None])
def test_a_gateway_that_nobody_vouches_for_is_not_asked(
    connect: Connect, secured: StandIn, certificates: Path, authority: str | None
) -> None:
    trusted = {} if authority is None else {"ca_file": certificates / authority}
    with (
        connect(secured.url, retries=None, **trusted) as client,
        pytest.raises(ConnectionFailed, match="certificate verify failed"),
    ):
        client.models()
    assert secured.asked == []
