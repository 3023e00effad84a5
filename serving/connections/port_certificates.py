"""The PEM files of TLS on the gateway's own ports: read at the start, and again with the handshake after they change.

Connections that are open keep what they began with. Kubernetes replaces all files of a volume at once; where somebody
else writes them one by one, what does not fit together is not taken, and the next handshake is another chance.
"""

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import grpc

from serving.connection_settings import ConnectionSettings
from serving.errors import InvalidSettings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PortFiles:
    """PEM files: the ports' certificate with its chain, its key, and who must have signed the callers', if anybody."""

    certificate: Path
    key: Path
    client_authorities: Path | None = None


class _Contents(NamedTuple):
    certificate: bytes
    key: bytes
    client_authorities: bytes | None


def certificates_of(settings: ConnectionSettings) -> "PortCertificates | None":
    """None where the ports speak in clear text. Raises InvalidSettings for files that cannot be used."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return PortCertificates(PortFiles(settings.tls_cert, settings.tls_key, settings.tls_client_ca))


class PortCertificates:
    """`files` as they were last when they fitted together. May be asked from any thread."""

    def __init__(self, files: PortFiles) -> None:
        """Raises InvalidSettings for files that cannot be read or do not fit together."""
        self._files = files
        self._seen = self._contents = _read(files)
        self._context = _context(files)
        self._told_grpc: _Contents | None = None

    def context(self) -> ssl.SSLContext:
        """For REST: TLS 1.2 or newer, HTTP/1.1; each handshake takes the files as they are then."""

        def choose(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            self._renew()
            connection.context = self._context

        first = _context(self._files)
        first.sni_callback = choose  # called for every handshake, whether or not the caller names a host
        return first

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """For gRPC, which asks before each handshake."""
        self._told_grpc = self._contents
        must_show = self._files.client_authorities is not None
        return grpc.dynamic_ssl_server_credentials(_grpc_configuration(self._contents), self._news, must_show)

    def _news(self) -> object | None:
        self._renew()
        contents = self._contents
        if contents == self._told_grpc:
            return None
        self._told_grpc = contents
        return _grpc_configuration(contents)

    def _renew(self) -> None:
        try:
            contents = _read(self._files)
            if contents == self._seen:
                return
            context = _context(self._files)
        except InvalidSettings as error:
            _log.warning("the ports' certificates are as they were: %s", error)
            return
        self._context, self._contents, self._seen = context, contents, contents
        _log.info("the ports' certificates changed", extra={"event": "certificates_changed"})


def _grpc_configuration(contents: _Contents) -> object:
    pair = (contents.key, contents.certificate)
    return grpc.ssl_server_certificate_configuration([pair], root_certificates=contents.client_authorities)


def _read(files: PortFiles) -> _Contents:
    def content(setting: str, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise InvalidSettings(f"{setting}: {path} cannot be read: {error.strerror}") from error

    authorities = files.client_authorities
    return _Contents(
        content("tls_cert", files.certificate),
        content("tls_key", files.key),
        content("tls_client_ca", authorities) if authorities else None,
    )


def _context(files: PortFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # a caller could ask for handshakes without end on one connection
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(files.certificate, files.key, password="")
        if files.client_authorities:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(files.client_authorities)
    except (OSError, ValueError) as error:
        names = f"{files.certificate}, {files.key}"
        raise InvalidSettings(f"tls_cert, tls_key: {names} cannot be used: {error.args[-1]}") from error
    return context
