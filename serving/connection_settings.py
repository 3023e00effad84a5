"""Settings of callers' connections: what one may send and how slowly, how many there may be, and the ports' TLS.

Pure. `Settings` has them among all others; what refuses is told in docs/limits.md.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from serving.model_settings import Count, Positive


class ConnectionSettings(BaseModel):
    """Every setting of connections, its unit in its name and the reason for its default beside it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    max_head_bytes: Count = 32 * 1024
    """The largest head of a request, REST's headers or gRPC's metadata: four tokens of 8 KB. More is 431."""

    max_headers: Count = 100
    """Headers of one request, at most: browsers and proxies together send some thirty. More is 431."""

    max_target_bytes: Count = 8 * 1024
    """The longest path with its query: what proxies take, and far more than a model's name needs. More is 414."""

    head_timeout_seconds: Positive = 10.0
    """From a head's first byte to its last, from a connection's begin to its first byte, and for a TLS handshake."""

    pace_window_seconds: Positive = 10.0
    """How long a body may come, and an answer be taken, below `pace_bytes_per_second`: a lost radio link comes back."""

    pace_bytes_per_second: Count = 500
    """The least pace of a body that comes and of an answer that is read: slower than any modem, and any trickle."""

    keep_alive_seconds: Positive = 75.0
    """How long a connection may rest between requests or calls: past load balancers' usual 60 s, which close first."""

    max_connections: Count = 4096
    """REST connections, at each worker, as far as descriptors allow. More make the longest idle go, or get 503."""

    max_connections_per_address: int = Field(default=0, ge=0)
    """REST connections of one address, at each worker; 0: any number, for behind a proxy all come from one."""

    grpc_max_connections: Count = 2048
    """gRPC connections, at each worker, as far as an eighth of its descriptors allows. More are closed at once."""

    max_request_pixels: Count = 256_000_000
    """Pixels of all images of a request, or of a stream's batch: 64 photos of 4 megapixels; 16 MB of JPEG hold less."""

    tls_cert: Path | None = None
    """The ports' certificate with its chain (PEM), read again when it changes; with its key. None: no TLS."""

    tls_key: Path | None = Field(default=None, validate_default=True)
    """The key (PEM) of `tls_cert`."""

    tls_client_ca: Path | None = Field(default=None, validate_default=True)
    """Authorities (PEM) one of which must have signed every caller's certificate. None: callers need none."""

    @field_validator("tls_key")
    @classmethod
    def _port_key_with_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if (key is None) != (info.data.get("tls_cert") is None):
            raise ValueError("tls_cert and tls_key belong together")
        return key

    @field_validator("tls_client_ca")
    @classmethod
    def _authorities_with_certificate(cls, authorities: Path | None, info: ValidationInfo) -> Path | None:
        if authorities is not None and info.data.get("tls_cert") is None:
            raise ValueError("callers can show a certificate over TLS alone, which needs tls_cert and tls_key")
        return authorities
