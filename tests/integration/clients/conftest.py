"""A stand-in gateway for each test, on a port of its own; every kind of client; and Node with the TypeScript one."""

from collections.abc import Callable, Iterator

import pytest

from tests.integration.clients.kinds import KINDS, Connect
from tests.integration.clients.serving_thread import served
from tests.integration.clients.stand_in import StandIn
from tests.integration.clients.typescript_parts import Node, built


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with served() as gateway:
        yield gateway


@pytest.fixture(params=list(KINDS))
def connect(request: pytest.FixtureRequest) -> Connect:
    """Every kind of client in turn; to be called as `Client` is."""
    return KINDS[request.param]


@pytest.fixture(scope="session")
def typescript(program: Callable[[str], str]) -> Node:
    """Node, with the TypeScript client built; without them the test is skipped or failed."""
    return built(program("node"), program("npm"))
