"""Model servers that die, hang and talk nonsense while clients send. Real processes, every one."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.integration.tfserving.conftest import free_port
from tests.integration.tfserving.odd_server import (
    OddServer,
    another_dtype,
    another_name,
    nonsense,
    nothing,
    one_row_less,
)
from tests.integration.tfserving.senders import Asker, Senders, body_for
from tests.processes import GatewayProcess, StartGateway

PROMISED_SECONDS = 2.0
HANG_SECONDS = 20.0
"""Far beyond what an answer takes, with a server or without, and under the deadline that the clients ask for."""


class Servers:
    """Model servers that can be killed and started again at their address, and a gateway in front of all of them."""

    def __init__(self, start: StartGateway, models: Path) -> None:
        self._start, self._models = start, models

    def server(self, port: int) -> GatewayProcess:
        return self._start("--models", str(self._models), "--grpc-port", str(port))

    def front(self, *addresses: str, **environment: str) -> GatewayProcess:
        gateway = self._start(
            *("--models", str(self._models), "--backend", "tfserving", "--tfserving-addresses", ",".join(addresses)),
            **environment,
        )
        with closing(Asker(gateway.url, "digits", body_for(self._models, "digits"), 20_000)) as asker:
            asker.ask_until(lambda answer: answer.status == 200)
        return gateway


@pytest.fixture
def servers(start_gateway: StartGateway, trained_models: Path) -> Servers:
    return Servers(start_gateway, trained_models)


@pytest.fixture
def body(trained_models: Path) -> bytes:
    return body_for(trained_models, "digits")


def address(port: int) -> str:
    return f"127.0.0.1:{port}"


def test_the_only_server_killed_is_told_at_once_and_used_again_when_it_is_back(servers: Servers, body: bytes) -> None:
    port = free_port()
    server, gateway = servers.server(port), servers.front(address(port))
    with Senders(gateway.url, body) as senders:
        senders.until_more(50)
        server.process.kill()
        senders.until_more(50, status=503)
        metrics = gateway.get("/metrics")
        assert 'penstock_backend_up{backend="tfserving"} 0.0' in metrics
        assert f'penstock_backend_replica_up{{address="{address(port)}",backend="tfserving"}} 0.0' in metrics
        reasons = [each["status"]["error_message"] for each in gateway.get("/v1/models/digits")["model_version_status"]]
        servers.server(port)
        back = time.monotonic()
        senders.until_more(50)
        seconds = time.monotonic() - back
    print(f"good again after {seconds:.2f} s")  # noqa: T201 - a figure for whoever looks
    assert reasons == ["no model server answers"]
    assert {answer.status for answer in senders.answers} == {200, 503}
    assert all(answer.retry_after for answer in senders.answers if answer.status == 503)
    assert max(answer.seconds for answer in senders.answers) < HANG_SECONDS
    assert seconds < 10 * PROMISED_SECONDS


def kill_one_of_two(servers: Servers, body: bytes, answers: int, **environment: str) -> Senders:
    ports = [free_port(), free_port()]
    both = [servers.server(port) for port in ports]
    gateway = servers.front(*map(address, ports), **environment)
    with Senders(gateway.url, body) as senders:
        senders.until_more(answers // 2)
        both[0].process.kill()
        senders.until_more(answers)
    return senders


def test_one_of_two_killed_fails_nobody(servers: Servers, body: bytes) -> None:
    senders = kill_one_of_two(servers, body, 500)
    assert {answer.status for answer in senders.answers} == {200}


def test_one_of_two_killed_without_retries_fails_few(servers: Servers, body: bytes) -> None:
    senders = kill_one_of_two(servers, body, 2000, PENSTOCK_TFSERVING_RETRY_FRACTION="0")
    failed = [answer for answer in senders.answers if answer.status != 200]
    assert {answer.status for answer in failed} <= {503}
    assert len(failed) < len(senders.answers) / 100


def test_one_of_two_that_freezes_loses_its_calls_to_the_other(servers: Servers, body: bytes) -> None:
    ports = [free_port(), free_port()]
    both = [servers.server(port) for port in ports]
    gateway = servers.front(*map(address, ports))
    with Senders(gateway.url, body) as senders:
        senders.until_more(100)
        both[0].process.send_signal(signal.SIGSTOP)
        senders.until_more(2000)
    both[0].process.kill()
    assert {answer.status for answer in senders.answers} == {200}
    assert max(answer.seconds for answer in senders.answers) < HANG_SECONDS


def test_the_only_server_frozen_costs_a_deadline_until_it_is_given_up(servers: Servers, body: bytes) -> None:
    port = free_port()
    server, gateway = servers.server(port), servers.front(address(port))
    server.process.send_signal(signal.SIGSTOP)
    with closing(Asker(gateway.url, "digits", body, 400)) as asker:
        assert asker.ask().status == 504
        given_up = asker.ask_until(lambda answer: answer.status == 503)
        assert given_up.retry_after
        server.process.send_signal(signal.SIGCONT)
        asker.ask_until(lambda answer: answer.status == 200)


@pytest.fixture
def odd_server(gateway: GatewayProcess) -> Iterator[Callable[..., OddServer]]:
    started: list[OddServer] = []

    def start(spoil: Callable[[Any], bytes] | None) -> OddServer:
        started.append(OddServer(gateway.grpc_address, spoil).__enter__())
        return started[-1]

    yield start
    for server in started:
        server.__exit__()


def test_a_server_that_takes_calls_and_answers_none_is_left_alone(
    start_gateway: StartGateway,
    gateway: GatewayProcess,
    trained_models: Path,
    odd_server: Callable[..., OddServer],
    body: bytes,
) -> None:
    odd = odd_server(None)
    both = f"{odd.address},{gateway.grpc_address}"
    front = start_gateway("--models", str(trained_models), "--backend", "tfserving", "--tfserving-addresses", both)
    with closing(Asker(front.url, "digits", body, 400)) as asker:
        late = 0
        while late < 3:  # it takes so many in a row to be called an outlier
            answer = asker.ask_until(lambda answer: answer.status in (200, 504))
            late += answer.status == 504
        started, taken = time.monotonic(), odd.predicts
        statuses = [asker.ask().status for _ in range(300)]
        trials = odd.predicts - taken
    assert trials <= 1 + (time.monotonic() - started)  # one a second at most, and each pause is longer
    assert statuses.count(504) == trials
    assert statuses.count(200) == 300 - trials


@pytest.mark.parametrize("spoil", [nonsense, nothing, one_row_less, another_dtype, another_name])
def test_a_server_that_talks_nonsense_fails_its_own_batches_and_nothing_else(
    start_gateway: StartGateway,
    trained_models: Path,
    odd_server: Callable[..., OddServer],
    spoil: Callable[[Any], bytes],
    body: bytes,
) -> None:
    odd = odd_server(spoil)
    front = start_gateway(
        "--models", str(trained_models), "--backend", "tfserving", "--tfserving-addresses", odd.address
    )
    with (
        closing(Asker(front.url, "digits", body, 20_000)) as asker,
        closing(Asker(front.url, "diabetes", body_for(trained_models, "diabetes"), 20_000)) as other,
    ):
        other.ask_until(lambda answer: answer.status == 200)
        answers = [(asker.ask(), other.ask()) for _ in range(5)]
    assert {(answer.status, answer.code) for answer, _ in answers} == {(500, "BackendError")}
    assert {answer.status for _, answer in answers} == {200}
