"""The PEM files of TLS to model servers: read at the start, and again as they change, for certificates are rotated."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import grpc

from serving.errors import InvalidSettings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the authorities that sign the servers' certificates, and for mTLS the gateway's own pair."""

    authorities: Path
    certificate: Path | None = None
    key: Path | None = None


class _Contents(NamedTuple):
    authorities: bytes | None
    key: bytes | None
    certificate: bytes | None


def read_credentials(files: TlsFiles) -> grpc.ChannelCredentials:
    """Raises InvalidSettings for a file that cannot be read."""
    return grpc.ssl_channel_credentials(*_read(files))


class Certificates:
    """`files` as they were read last. Kubernetes replaces all files of a volume at once; where somebody else writes
    them one by one, a pair that does not fit makes no connection, and the next change is another chance.
    """

    def __init__(self, files: TlsFiles) -> None:
        """Raises InvalidSettings for a file that cannot be read."""
        self._files = files
        self._contents = _read(files)

    def credentials(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(*self._contents)

    def changed(self) -> bool:
        """Read them anew: whether they say something else. What cannot be read now changes nothing."""
        try:
            contents = _read(self._files)
        except InvalidSettings as error:
            _log.warning("certificates are as they were: %s", error)
            return False
        if contents == self._contents:
            return False
        self._contents = contents
        return True


def _read(files: TlsFiles) -> _Contents:
    def content(setting: str, path: Path | None) -> bytes | None:
        try:
            return path.read_bytes() if path else None
        except OSError as error:
            raise InvalidSettings(f"{setting}: {path} cannot be read: {error.strerror}") from error

    return _Contents(
        content("tfserving_tls_ca", files.authorities),
        content("tfserving_tls_key", files.key),
        content("tfserving_tls_cert", files.certificate),
    )
