"""Who may call the gateway, as its settings say it; `Settings` inherits these, and they are checked with all others.

Pure. Where somebody is asked for a credential, everything but probes needs one.
"""

import ipaddress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from serving.errors import InvalidSettings
from serving.model_settings import Count, Positive


class AccessSettings(BaseModel):
    """Of these, any one of `api_keys` and `token_issuer` makes the gateway ask everybody who comes."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    api_keys: Path | None = None
    """The file of API keys, hashed, that `penstock keys` writes; followed while it changes. None: no keys."""

    token_issuer: str | None = Field(default=None, pattern=r"^https?://[^\s/]+(/\S*)?$")
    """Whose bearer tokens (JWT) are taken, exactly as their `iss` says it. None: no tokens."""

    token_audience: str | None = Field(default=None, validate_default=True)
    """What `aud` of a token must name: this gateway, as its issuer knows it. Needed with `token_issuer`."""

    token_jwks_url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+(/\S*)?$")
    """Where the issuer's public keys are. None: its discovery document (OpenID Connect) says it."""

    token_rows_per_second: Positive | None = None
    """The rows of each caller with a token, of all workers together; keys have their own. None: no limit."""

    token_concurrent_requests: Count | None = None
    """The requests at once of each caller with a token, of all workers together. None: no limit."""

    open_metrics: bool = False
    """Answer `/metrics` to everybody: for scrapers without a credential, where a network policy says who may ask."""

    allow_anonymous: bool = False
    """Listen on an address that others reach though nobody is asked for a credential. Off: `serve` refuses to."""

    @field_validator("token_audience")
    @classmethod
    def _with_its_issuer(cls, audience: str | None, info: ValidationInfo) -> str | None:
        if (audience is None) != (info.data.get("token_issuer") is None):
            raise ValueError("token_issuer and token_audience belong together: tokens for others must not be taken")
        return audience

    @property
    def asks_who_calls(self) -> bool:
        return self.api_keys is not None or self.token_issuer is not None


def refuse_public(host: str, settings: AccessSettings) -> None:
    """Raises InvalidSettings where others reach `host` and nobody is asked who calls, though nobody said so."""
    if settings.asks_who_calls or settings.allow_anonymous or _is_loopback(host):
        return
    raise InvalidSettings(
        f"host: others reach {host or 'every address'}, and nobody is asked who calls. Name who may (--api-keys FILE, "
        "which `penstock keys` writes, or token_issuer), or let everybody with --allow-anonymous"
    )


def _is_loopback(host: str) -> bool:
    """A name may mean anything tomorrow, but for the one that may not (RFC 6761, 6.3)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
