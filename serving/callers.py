"""Where the gateway's callers come from, as its settings ask: a file of keys, an issuer of tokens, both, or nowhere."""

from collections.abc import Sequence
from typing import Protocol

from serving.access.caller import Credentials, Quota
from serving.access.key_ring import KeyRing
from serving.access.tokens import TokenVerifier
from serving.settings import Settings


class Followed(Credentials, Protocol):
    """Credentials that change while the gateway runs; `source` is what they are: `keys` or `tokens`."""

    @property
    def source(self) -> str: ...

    @property
    def healthy(self) -> bool:
        """False while they cannot be read anew; those there were stay valid."""

    async def keep(self) -> None:
        """Follows the changes, forever."""


def credentials_of(settings: Settings) -> Sequence[Followed]:
    """In the order in which they are asked; empty where everybody may call. Raises InvalidSettings."""
    found: list[Followed] = []
    if settings.api_keys is not None:
        found.append(KeyRing(settings.api_keys, poll_seconds=settings.poll_seconds))
    if settings.token_issuer is not None and settings.token_audience is not None:
        quota = Quota(settings.token_rows_per_second, settings.token_concurrent_requests)
        jwks_url = settings.token_jwks_url
        found.append(TokenVerifier(settings.token_issuer, settings.token_audience, jwks_url=jwks_url, quota=quota))
    return found
