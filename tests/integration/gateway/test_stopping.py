"""Stopping: what is in is finished, nothing new is taken, the exit code is 0."""

import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from penstock_client import Client
from penstock_client.errors import ConnectionFailed

from serving.model_store.versions import read_manifest
from tests.processes import GatewayProcess, StartGateway

CLIENTS = 8


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_stop_under_load_answers_everything_it_took(
    start_gateway: StartGateway, trained_models: Path, with_signal: signal.Signals
) -> None:
    gateway = start_gateway("--models", str(trained_models))
    manifest = read_manifest(trained_models, "digits", 1)
    assert manifest
    instance, answered = manifest.golden_examples[0].instance, threading.Semaphore(0)

    def ask_until_refused(_: int) -> None:
        with Client(gateway.url, retries=None) as client:
            while True:
                client.predict("digits", instance)
                answered.release()

    with ThreadPoolExecutor(CLIENTS) as pool:
        asking = [pool.submit(ask_until_refused, number) for number in range(CLIENTS)]
        for _ in range(10 * CLIENTS):
            assert answered.acquire(timeout=30)
        exit_code = gateway.stop(with_signal)
        ends = [future.exception() for future in asking]
    assert exit_code == 0
    # An idle kept-alive connection is closed under the next request, which was then never read: refused, not lost.
    assert {type(end) for end in ends} == {ConnectionFailed}


def test_request_under_way_is_answered_after_the_signal(start_gateway: StartGateway, trained_models: Path) -> None:
    gateway = start_gateway("--models", str(trained_models))
    manifest = read_manifest(trained_models, "digits", 1)
    assert manifest
    rows = [manifest.golden_examples[0].instance] * 4000
    body = json.dumps({"instances": rows}).encode()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(gateway.post, "/v1/models/digits:predict", body)
        while _requests_in(gateway) == 0 and not answer.done():
            pass
        assert gateway.stop() == 0
        status, document, _ = answer.result()
    assert (status, len(document["predictions"])) == (200, 4000)


def _requests_in(gateway: GatewayProcess) -> float:
    """Rows queued or in flight, as the gateway's own metrics say."""
    metrics = gateway.get("/metrics").splitlines()
    names = ("penstock_queue_rows ", "penstock_inflight_batches ")
    return sum(float(line.split()[1]) for line in metrics if line.startswith(names))


def test_taken_port_is_one_clear_line(
    gateway: GatewayProcess, trained_models: Path, start_gateway: StartGateway
) -> None:
    port = gateway.url.rsplit(":", 1)[1]
    with pytest.raises(AssertionError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
        start_gateway("--models", str(trained_models), "--port", port)
