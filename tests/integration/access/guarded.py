"""A gateway that knows an issuer of tokens and a file of keys, and what to wait for in it."""

import http.client
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from serving.access.tokens import LEEWAY_SECONDS
from tests.integration.access.issuer import Issuer
from tests.issuer_parts import claims, token
from tests.processes import GatewayProcess

BOUND_SECONDS = 60.0
SCOPE = "penstock:predict penstock:read penstock:model:doubles"


@dataclass(frozen=True)
class Guarded:
    gateway: GatewayProcess
    issuer: Issuer
    file: Path
    key: str

    def token(self, *, lasts_seconds: float = 300.0, **changed: object) -> str:
        """As the gateway sees it: the leeway that it gives is taken off."""
        expires_at = time.time() + lasts_seconds - LEEWAY_SECONDS
        said = claims(**{"iss": self.issuer.url, "exp": expires_at, "scope": SCOPE, **changed})
        return token(said, kind="ec", algorithm="ES256").decode()

    @contextmanager
    def connected(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(urlsplit(self.gateway.url).netloc, timeout=BOUND_SECONDS)
        try:
            yield connection
        finally:
            connection.close()

    def healthy(self) -> dict[str, str]:
        found = re.findall(r'penstock_credentials_healthy\{source="(\w+)"\} (\S+)', self.gateway.get("/metrics"))
        return dict(found)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + BOUND_SECONDS
    while not holds():
        assert time.monotonic() < deadline
