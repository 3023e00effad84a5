"""The gateway of these tests, started once for each file of them."""

from collections.abc import Iterator

import pytest

from tests.doubles import doubles_manifest, publish_in_miniature
from tests.integration.access.guarded import Guarded, until
from tests.integration.access.issuer import running_issuer
from tests.issuer_parts import AUDIENCE, jwk, jwks
from tests.processes import StartGateway, penstock


@pytest.fixture(scope="module")
def guarded(start_gateway_session: StartGateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    publish_in_miniature(folder / "models", doubles_manifest())
    key = penstock("keys", "new", "shop", "--file", str(folder / "keys.toml")).stdout.strip()
    with running_issuer() as issuer:
        issuer.publish("/jwks", jwks(jwk("ec")))
        gateway = start_gateway_session(
            *("--backend", "in_memory", "--models", str(folder / "models")),
            PENSTOCK_TOKEN_ISSUER=issuer.url,
            PENSTOCK_TOKEN_AUDIENCE=AUDIENCE,
            PENSTOCK_API_KEYS=str(folder / "keys.toml"),
            PENSTOCK_OPEN_METRICS="true",
            PENSTOCK_POLL_SECONDS="0.05",
        )
        here = Guarded(gateway, issuer, folder / "keys.toml", key)
        until(lambda: here.healthy() == {"keys": "1.0", "tokens": "1.0"})
        yield here
