"""Clients and a gateway that asks for keys: a good one, one that is revoked while its connection stays, one for another
thing, and one whose allowance is used up for a moment.
"""

import functools
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from penstock_client import Client, Forbidden, Unauthenticated

from tests.integration.clients.typescript_parts import MODULE, Node
from tests.key_files import KeyFile
from tests.processes import GatewayProcess, StartGateway, penstock

PREDICTIONS_AT_ONCE = "2"
BOUND_SECONDS = 30.0
WIRES = ("rest", "grpc")


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> KeyFile:
    file = KeyFile(tmp_path_factory.mktemp("keys") / "keys.toml")
    file.new("nobody")
    return file


@pytest.fixture(scope="module")
def asking(start_gateway_session: StartGateway, trained_models: Path, key_file: KeyFile) -> GatewayProcess:
    """Started while its file has one key; all others come later."""
    arguments = ("--models", str(trained_models), "--backend", "in_memory", "--api-keys", str(key_file.path))
    return start_gateway_session(*arguments, PENSTOCK_POLL_SECONDS="0.05")


@pytest.fixture(scope="module")
def record(asking: GatewayProcess, key_file: KeyFile) -> Any:
    with Client(asking.url, api_key=key_file.new("reader")) as client:
        until(lambda: is_known(client))
        return client.metadata("diabetes").manifest["golden_examples"][0]["instance"]


@pytest.fixture(params=WIRES)
def address(asking: GatewayProcess, request: pytest.FixtureRequest) -> str:
    return asking.url if request.param == "rest" else f"grpc://{asking.grpc_address}"


def until(condition: Callable[[], bool]) -> None:
    bound = time.monotonic() + BOUND_SECONDS
    while not condition():
        assert time.monotonic() < bound


def is_known(client: Client) -> bool:
    try:
        client.metadata("diabetes")
    except Unauthenticated:
        return False
    return True


@pytest.fixture
def client_of(asking: GatewayProcess, address: str) -> Iterator[Callable[..., Client]]:
    opened: list[Client] = []

    def make(key: str) -> Client:
        with Client(asking.url, api_key=key) as reading:
            until(lambda: is_known(reading))
        opened.append(Client(address, api_key=key))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


def test_a_key_answers_until_it_is_revoked_on_a_connection_that_stays(
    client_of: Callable[..., Client], key_file: KeyFile, record: Any
) -> None:
    client = client_of(key_file.new("temporary"))
    for _ in range(3):
        client.predict("diabetes", record)
    key_file.revoke("temporary")

    def refused() -> bool:
        try:
            client.predict("diabetes", record)
        except Unauthenticated:
            return True
        return False

    until(refused)
    assert refused()


def test_a_key_for_something_else_is_forbidden(
    client_of: Callable[..., Client], key_file: KeyFile, record: Any, request: pytest.FixtureRequest
) -> None:
    narrow = client_of(key_file.new(f"narrow-{id(request)}", "--verbs", "read"))
    narrow.metadata("diabetes")
    with pytest.raises(Forbidden, match="may not ask for predictions"):
        narrow.predict("diabetes", record)


def test_a_client_waits_for_its_allowance_and_finishes(
    client_of: Callable[..., Client], key_file: KeyFile, record: Any, asking: GatewayProcess, request: Any
) -> None:
    client = client_of(key_file.new(f"slow-{id(request)}", "--rows-per-second", PREDICTIONS_AT_ONCE))
    for _ in range(int(PREDICTIONS_AT_ONCE) + 1):
        client.predict("diabetes", record)
    refused = 'penstock_rejected_total{model_name="diabetes",reason="QuotaExceeded"}'
    assert refused in metrics(asking, key_file)


def metrics(asking: GatewayProcess, key_file: KeyFile) -> str:
    key = key_file.new(f"metrics-{time.monotonic_ns()}", "--verbs", "metrics,read")
    with Client(asking.url, api_key=key) as client:
        until(lambda: is_known(client))
    request = urllib.request.Request(f"{asking.url}/metrics", headers={"x-api-key": key})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=BOUND_SECONDS) as answer:  # noqa: S310 - loopback
        return str(answer.read().decode())


def test_typescript_finishes_within_its_allowance_and_is_told_who_may_not(
    asking: GatewayProcess, key_file: KeyFile, record: Any, typescript: Node
) -> None:
    key = key_file.new("page", "--rows-per-second", PREDICTIONS_AT_ONCE)
    narrow = key_file.new("page-narrow", "--verbs", "read")
    for each in (key, narrow):
        with Client(asking.url, api_key=each) as client:
            until(functools.partial(is_known, client))
    asked = ("diabetes", json.dumps(record), key, narrow)
    found = typescript.script("credentials.mjs", MODULE.as_uri(), asking.url, *asked)
    assert found == ["answered", "Forbidden", "Unauthenticated"]


def test_serve_refuses_an_address_that_others_reach(tmp_path: Path) -> None:
    told = penstock("serve", "--models", str(tmp_path), "--host", "0.0.0.0", code=2).stderr  # noqa: S104 - refused
    assert "--api-keys FILE" in told
    assert "--allow-anonymous" in told
