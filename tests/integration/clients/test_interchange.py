"""The client and the real gateway over real sockets, while the gateway changes, dies, is full, or is left waiting."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from penstock_client import AsyncClient, Hedging, Prediction, Retries

from tests.doubles import doubles_manifest, publish_in_miniature
from tests.integration.clients.gated_gateway import MODEL, GatedGateway, gated_gateway
from tests.integration.clients.kinds import KINDS, Connect
from tests.processes import GatewayProcess, StartGateway
from tests.swaps import golden_instance, publish_again, until

PATIENT = Retries(attempts=1000, longest_wait_seconds=0.25, budget_most=1e6)
"""Goes on until the deadline."""
BOUND_SECONDS = 60.0
CALLERS = 6
ROW = {"x": 1.5}
HEDGE_AT_ONCE = Hedging(after_seconds=0.0)


@pytest.fixture
def full_soon(tmp_path: Path) -> Iterator[GatedGateway]:
    """A gateway with room for two rows beside the one that its model has."""
    with gated_gateway(tmp_path / "models", max_queue_rows=2) as gateway:
        yield gateway


class Asking:
    """One client of each kind that asks without pause, until `stop`; `versions` are those that answered, by kind."""

    def __init__(self, url: str, model: str, instance: object, retries: Retries | None) -> None:
        self.stop = threading.Event()
        self.versions: dict[str, list[int]] = {kind: [] for kind in KINDS}
        self._url, self._model, self._instance, self._retries = url, model, instance, retries

    def ask(self, kind: str) -> None:
        with KINDS[kind](self._url, retries=self._retries, timeout_seconds=BOUND_SECONDS) as client:
            while not self.stop.is_set():
                prediction = client.predict(self._model, self._instance)
                assert isinstance(prediction, Prediction)
                self.versions[kind].append(prediction.version)

    def answered(self, more: int = 5) -> None:
        """Waits until every kind has had so many more answers."""
        before = {kind: len(seen) for kind, seen in self.versions.items()}
        until(lambda: all(len(seen) >= before[kind] + more for kind, seen in self.versions.items()))

    def see(self, version: int) -> None:
        until(lambda: all(version in seen for seen in self.versions.values()))


@contextlib.contextmanager
def every_kind_asking(url: str, model: str, instance: object, retries: Retries | None) -> Iterator[Asking]:
    """Its end raises what any client met."""
    asking = Asking(url, model, instance, retries)
    with ThreadPoolExecutor(len(KINDS)) as pool:
        clients = [pool.submit(asking.ask, kind) for kind in KINDS]
        try:
            yield asking
        finally:
            asking.stop.set()
        for client in clients:
            client.result()


def test_a_new_version_takes_over_without_a_failed_request(start_gateway: StartGateway, own_models: Path) -> None:
    gateway = start_gateway("--models", str(own_models))
    with every_kind_asking(gateway.url, "digits", golden_instance(own_models, "digits"), retries=None) as asking:
        asking.answered()
        asking.see(publish_again(own_models, "digits"))
    for seen in asking.versions.values():
        assert seen == sorted(seen)
        assert set(seen) == {1, 2}


def test_calls_outlive_the_death_of_the_gateway(start_gateway: StartGateway, tmp_path: Path) -> None:
    publish_in_miniature(tmp_path / "models", doubles_manifest())

    def started(port: str = "0") -> GatewayProcess:
        return start_gateway("--backend", "in_memory", "--models", str(tmp_path / "models"), "--port", port)

    gateway = started()
    with every_kind_asking(gateway.url, MODEL, ROW, PATIENT) as asking:
        asking.answered()
        gateway.process.kill()
        gateway.process.wait(BOUND_SECONDS)
        started(gateway.url.rsplit(":", 1)[1])
        asking.answered()


def test_an_overloaded_gateway_is_given_time_and_everybody_is_answered(
    connect: Connect, full_soon: GatedGateway
) -> None:
    def ask(_: int) -> Prediction:
        with connect(full_soon.url, retries=PATIENT, timeout_seconds=BOUND_SECONDS) as client:
            prediction = client.predict(MODEL, ROW)
        assert isinstance(prediction, Prediction)
        return prediction

    with ThreadPoolExecutor(CALLERS) as pool:
        asking = [pool.submit(ask, caller) for caller in range(CALLERS)]
        until(lambda: full_soon.rejected() >= CALLERS - 3)
        full_soon.open_gate()
        values = [call.result(BOUND_SECONDS).value for call in asking]
    assert values == [3.0] * CALLERS


def test_a_cancelled_call_leaves_client_and_gateway_as_before(full_soon: GatedGateway) -> None:
    async def cancelled() -> Prediction:
        async with AsyncClient(full_soon.url, timeout_seconds=BOUND_SECONDS) as client:
            calls = [asyncio.create_task(client.predict(MODEL, ROW)) for _ in range(3)]
            await asyncio.to_thread(until, lambda: full_soon.in_flight() == 1 and full_soon.queued() == 2)
            for call in calls:
                call.cancel()
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 3
            await asyncio.to_thread(until, lambda: full_soon.queued() == 0)
            full_soon.open_gate()
            await asyncio.to_thread(until, lambda: full_soon.in_flight() == 0)
            return await client.predict(MODEL, ROW)

    assert asyncio.run(cancelled()).value == 3.0


def test_a_hedge_overtakes_a_request_that_the_gateway_holds(connect: Connect, full_soon: GatedGateway) -> None:
    """Both are held; the gate opens once the gateway has both."""
    with connect(full_soon.url, hedging=HEDGE_AT_ONCE, timeout_seconds=BOUND_SECONDS) as client:
        client.metadata(MODEL)
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(client.predict, MODEL, ROW)
            until(lambda: full_soon.in_flight() == 1 and full_soon.queued() == 1)
            full_soon.open_gate()
            prediction = call.result(BOUND_SECONDS)
    assert isinstance(prediction, Prediction)
    assert prediction.value == 3.0
