"""The clients over gRPC beside what happens: cancelling, deadlines, overload, versions that change, TLS, no gateway."""

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from penstock_client import (
    AsyncClient,
    Client,
    ConnectionFailed,
    DeadlineExceeded,
    ModelNotReady,
    Overloaded,
    PayloadTooLarge,
    Prediction,
    Predictions,
    Retries,
    UnknownVersion,
)

from serving.contract.manifest import Classification, Manifest
from tests.doubles import doubles_manifest, publish_in_miniature
from tests.integration.clients.gated_gateway import MODEL, GatedGateway, gated_gateway
from tests.integration.clients.kinds import Connect
from tests.processes import GatewayProcess, StartGateway
from tests.swaps import clients_asking, golden_instance, publish_again, until

PATIENT = Retries(attempts=1000, longest_wait_seconds=0.25, budget_most=1e6)
"""Goes on until the deadline."""
BOUND_SECONDS = 60.0
ROW = {"x": 1.5}


@pytest.fixture
def full_soon(tmp_path: Path) -> Iterator[GatedGateway]:
    """A gateway with room for two rows beside the one that its model has."""
    with gated_gateway(tmp_path / "models", max_queue_rows=2) as gateway:
        yield gateway


@contextlib.contextmanager
def filled(gateway: GatedGateway, connect: Connect) -> Iterator[None]:
    """No room is left while it lasts; in the end those who had it are answered."""

    def ask() -> None:
        with connect(gateway.grpc_url, retries=None, timeout_seconds=BOUND_SECONDS) as client:
            client.predict(MODEL, ROW)

    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(ask)]
        until(lambda: gateway.in_flight() == 1)
        calls += [pool.submit(ask), pool.submit(ask)]
        until(lambda: gateway.queued() == 2)
        yield
        gateway.open_gate()
        for call in calls:
            call.result(BOUND_SECONDS)


def test_a_cancelled_call_is_cancelled_on_the_gateway(full_soon: GatedGateway) -> None:
    async def cancelled() -> Prediction:
        async with AsyncClient(full_soon.grpc_url, timeout_seconds=BOUND_SECONDS) as client:
            calls = [asyncio.create_task(client.predict(MODEL, ROW)) for _ in range(3)]
            await asyncio.to_thread(until, lambda: full_soon.in_flight() == 1 and full_soon.queued() == 2)
            for call in calls:
                call.cancel()
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * 3
            await asyncio.to_thread(until, lambda: full_soon.queued() == 0)
            full_soon.open_gate()
            return await client.predict(MODEL, ROW)

    assert asyncio.run(cancelled()).value == 3.0


def test_a_deadline_ends_the_call_on_both_sides(connect: Connect, full_soon: GatedGateway) -> None:
    with connect(full_soon.grpc_url) as client, ThreadPoolExecutor(1) as pool:
        client.metadata(MODEL)
        first = pool.submit(ask_once, full_soon)
        until(lambda: full_soon.in_flight() == 1)
        with pytest.raises(DeadlineExceeded):
            client.predict(MODEL, ROW, timeout_seconds=0.2)
        until(lambda: full_soon.queued() == 0)
        full_soon.open_gate()
        assert first.result(BOUND_SECONDS).value == 3.0


def ask_once(gateway: GatedGateway) -> Prediction:
    with Client(gateway.grpc_url, timeout_seconds=BOUND_SECONDS) as client:
        return client.predict(MODEL, ROW)


def test_a_full_queue_is_told_with_the_time_to_wait(connect: Connect, full_soon: GatedGateway) -> None:
    with (
        connect(full_soon.grpc_url, retries=None) as client,
        filled(full_soon, connect),
        pytest.raises(Overloaded) as refused,
    ):
        client.predict(MODEL, ROW, request_id="mine-3")
    assert refused.value.request_id == "mine-3"
    assert refused.value.retry_after_seconds


def test_an_overload_is_waited_out(connect: Connect, full_soon: GatedGateway) -> None:
    with connect(full_soon.grpc_url, retries=PATIENT, timeout_seconds=BOUND_SECONDS) as client:
        client.metadata(MODEL)
        with ThreadPoolExecutor(1) as pool:
            with filled(full_soon, connect):
                call = pool.submit(client.predict, MODEL, ROW)
                until(lambda: full_soon.rejected() >= 1)
            prediction = call.result(BOUND_SECONDS)
    assert isinstance(prediction, Prediction)
    assert prediction.value == 3.0


def test_a_call_outlives_the_death_of_the_gateway(
    connect: Connect, start_gateway: StartGateway, tmp_path: Path
) -> None:
    publish_in_miniature(tmp_path / "models", doubles_manifest())

    def started(port: str = "0") -> GatewayProcess:
        return start_gateway("--backend", "in_memory", "--models", str(tmp_path / "models"), "--grpc-port", port)

    gateway = started()
    with connect(f"grpc://{gateway.grpc_address}", retries=PATIENT, timeout_seconds=BOUND_SECONDS) as client:
        before = client.predict(MODEL, ROW)
        gateway.process.kill()
        gateway.process.wait(BOUND_SECONDS)
        started(gateway.grpc_address.rsplit(":", 1)[1])
        after = client.predict(MODEL, ROW)
    assert isinstance(before, Prediction)
    assert isinstance(after, Prediction)
    assert before.outputs == after.outputs


def test_a_message_over_the_gateways_limit_is_too_large(connect: Connect, tmp_path: Path) -> None:
    with (
        gated_gateway(tmp_path / "models", grpc_max_request_bytes=1024) as gateway,
        connect(gateway.grpc_url) as client,
        pytest.raises(PayloadTooLarge, match="larger than max"),
    ):
        client.predict(MODEL, np.zeros(1000, np.float32))


def words(manifest: Manifest) -> Manifest:
    assert isinstance(manifest.outputs, Classification)
    labels = tuple(f"a {label}" for label in manifest.outputs.labels)
    return manifest.model_copy(update={"outputs": manifest.outputs.model_copy(update={"labels": labels})})


def test_a_version_change_fails_nobody_and_changes_the_labels(start_gateway: StartGateway, own_models: Path) -> None:
    gateway = start_gateway("--models", str(own_models))
    url, instance = f"grpc://{gateway.grpc_address}", golden_instance(own_models, "digits")
    with clients_asking(url, "digits", instance) as asking, Client(url) as client:
        before = client.predict("digits", instance)
        publish_again(own_models, "digits", described=words)
        until(lambda: answered(client, instance).version == 2)
        after = answered(client, instance)
    seen = [[answer.version for answer in answers] for answers in asking.answers]
    assert all(versions == sorted(versions) for versions in seen)
    assert isinstance(before, Prediction)
    assert after.label == f"a {before.label}"
    labelled: Prediction | Predictions = before
    with (
        Client(url, retries=None) as client,
        contextlib.suppress(ModelNotReady, UnknownVersion),
    ):  # it may be gone by now
        labelled = client.predict("digits", instance, version=1)
    assert isinstance(labelled, Prediction)
    assert labelled.label == before.label


def answered(client: Client, instance: Any) -> Prediction:
    prediction = client.predict("digits", instance)
    assert isinstance(prediction, Prediction)
    return prediction


@dataclass
class TlsFront:
    """What an ingress does: ends TLS and hands calls on to the gateway; `metadata` has those of each call."""

    address: str
    ca_file: Path
    metadata: list[dict[str, str | bytes]] = field(default_factory=list)


class _Relay(grpc.GenericRpcHandler):  # type: ignore[misc] # grpcio has no types
    def __init__(self, channel: Any, front: TlsFront) -> None:
        self._channel, self._front = channel, front

    def service(self, details: Any) -> Any:
        ask = self._channel.unary_unary(details.method)

        def relay(request: bytes, context: Any) -> Any:
            self._front.metadata.append(dict(context.invocation_metadata()))
            answer, call = ask.with_call(request, timeout=context.time_remaining())
            context.set_trailing_metadata(call.trailing_metadata())
            return answer

        return grpc.unary_unary_rpc_method_handler(relay)


@pytest.fixture(scope="module")
def tls(
    gateway: GatewayProcess, program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TlsFront]:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True,
    )  # fmt: skip
    with grpc.insecure_channel(gateway.grpc_address) as channel, ThreadPoolExecutor(4) as threads:
        front = TlsFront("", certificate)
        server = grpc.server(threads)
        server.add_generic_rpc_handlers((_Relay(channel, front),))
        credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
        front.address = f"127.0.0.1:{server.add_secure_port('127.0.0.1:0', credentials)}"
        server.start()
        yield front
        server.stop(None).wait()


def test_tls_with_a_certificate_of_ones_own(connect: Connect, tls: TlsFront) -> None:
    with connect(f"grpcs://{tls.address}", ca_file=tls.ca_file) as client:
        assert client.models() == ["diabetes", "digits"]


def test_a_certificate_nobody_vouches_for_is_refused(connect: Connect, tls: TlsFront) -> None:
    with connect(f"grpcs://{tls.address}", retries=None) as client, pytest.raises(ConnectionFailed):
        client.models()


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [({"api_key": "k-1"}, "x-api-key", "k-1"), ({"token": lambda: "t-1"}, "authorization", "Bearer t-1")],
)
def test_credentials_trace_and_priority_arrive_as_metadata(
    connect: Connect, tls: TlsFront, settings: dict[str, Any], name: str, value: str
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with connect(f"grpcs://{tls.address}", ca_file=tls.ca_file, **settings) as client:
        client.models(priority="high", traceparent=trace, request_id="mine")
    arrived = tls.metadata[-1]
    assert (arrived[name], arrived["x-priority"], arrived["x-request-id"]) == (value, "high", "mine")
    assert str(arrived["traceparent"]).split("-")[1] == trace.split("-")[1]


def test_a_gateway_that_is_not_running_is_told_with_its_url(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"grpc://127.0.0.1:{taken.getsockname()[1]}"
    with (
        connect(url, retries=None) as client,
        pytest.raises(ConnectionFailed, match="is the gateway running") as failed,
    ):
        client.models()
    assert url in str(failed.value)


def test_a_gateway_that_never_answers_ends_at_the_deadline(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"grpc://127.0.0.1:{silent.getsockname()[1]}"
        with connect(url, timeout_seconds=0.1) as client, pytest.raises(DeadlineExceeded):
            client.models()


def test_a_port_that_speaks_no_grpc_is_no_gateway(connect: Connect, gateway: GatewayProcess) -> None:
    url = gateway.url.replace("http", "grpc")
    with connect(url, retries=None) as client, pytest.raises(ConnectionFailed, match=url):
        client.models()
