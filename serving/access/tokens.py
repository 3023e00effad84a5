"""Callers by bearer tokens of one issuer (JWT, RFC 7519)."""

from serving.access.caller import Caller, Presented, Quota


class TokenVerifier:
    """`jwks_url` None: found by the issuer's OIDC discovery. No I/O here: keys are fetched by `keep`."""

    generation: int
    healthy: bool

    def __init__(self, issuer: str, audience: str, *, jwks_url: str | None, quota: Quota) -> None: ...

    async def keep(self) -> None:
        """Fetches the issuer's keys and follows them, forever."""

    def caller_of(self, presented: Presented, now_seconds: float) -> Caller | None: ...
