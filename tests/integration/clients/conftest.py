"""A stand-in gateway for each test, on a port of its own."""

from collections.abc import Iterator

import pytest

from tests.integration.clients.kinds import KINDS, Connect
from tests.integration.clients.serving_thread import served
from tests.integration.clients.stand_in import StandIn


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with served() as gateway:
        yield gateway


@pytest.fixture(params=list(KINDS))
def connect(request: pytest.FixtureRequest) -> Connect:
    """Every kind of client in turn; to be called as `Client` is."""
    return KINDS[request.param]
