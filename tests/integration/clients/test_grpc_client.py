"""The clients over gRPC beside what happens: cancelling, deadlines, overload, versions that change, TLS, no gateway."""

import asyncio
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent import futures
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
    Overloaded,
    PayloadTooLarge,
    Prediction,
    Predictions,
)
from penstock_client.retrying import Retries

from serving.contract.manifest import Classification, Manifest
from tests.integration.clients.kinds import KINDS, Connect
from tests.integration.grpc.gated_gateway import in_loop, running
from tests.processes import GatewayProcess, StartGateway
from tests.swaps import clients_asking, golden_instance, publish_again, until

PATIENT_SECONDS = 30.0
every_kind = pytest.mark.parametrize("connect", [pytest.param(kind, id=name) for name, kind in KINDS.items()])


@in_loop
async def test_a_cancelled_call_is_cancelled_on_the_gateway(tmp_path: Path) -> None:
    async with running(tmp_path) as here, AsyncClient(here.grpc_url) as client:
        first = asyncio.ensure_future(client.predict("doubles", [1.0]))
        await here.until(lambda: here.backend.rows == [1])
        waiting = asyncio.ensure_future(client.predict("doubles", [2.0]))
        await here.until(lambda: here.queued() == 1)
        waiting.cancel()
        await here.until(lambda: here.queued() == 0)
        here.backend.open.set()
        assert values(await first) == [[2.0]]
        assert here.backend.rows == [1]


@in_loop
async def test_a_deadline_ends_the_call_on_both_sides(tmp_path: Path) -> None:
    async with running(tmp_path) as here, AsyncClient(here.grpc_url) as client:
        first = asyncio.ensure_future(client.predict("doubles", [1.0]))
        await here.until(lambda: here.backend.rows == [1])
        with pytest.raises(DeadlineExceeded):
            await client.predict("doubles", [2.0], timeout_seconds=0.2)
        await here.until(lambda: here.queued() == 0)
        here.backend.open.set()
        await first
        assert here.backend.rows == [1]


@in_loop
async def test_a_full_queue_is_told_with_the_time_to_wait(tmp_path: Path) -> None:
    async with running(tmp_path, max_queue_rows=1) as here, AsyncClient(here.grpc_url, retries=None) as client:
        asked = [asyncio.ensure_future(client.predict("doubles", [1.0]))]
        await here.until(lambda: here.backend.rows == [1])
        asked.append(asyncio.ensure_future(client.predict("doubles", [2.0])))
        await here.until(lambda: here.queued() == 1)
        with pytest.raises(Overloaded) as refused:
            await client.predict("doubles", [3.0], request_id="mine-3")
        assert refused.value.request_id == "mine-3"
        assert refused.value.retry_after_seconds
        here.backend.open.set()
        await asyncio.gather(*asked)


@in_loop
async def test_an_overload_is_waited_out(tmp_path: Path) -> None:
    patient = Retries(attempts=200, first_wait_seconds=0.0, longest_wait_seconds=0.01, budget_most=1000)
    async with (
        running(tmp_path, max_queue_rows=2) as here,
        AsyncClient(here.grpc_url, retries=patient, timeout_seconds=PATIENT_SECONDS) as client,
    ):
        here.backend.open.set()
        asked = (client.predict("doubles", [float(number), 0.0]) for number in range(20))
        answers = await asyncio.gather(*asked)
        assert [values(answer) for answer in answers] == [[[2.0 * number], [0.0]] for number in range(20)]


def values(answer: object) -> list[Any]:
    assert isinstance(answer, Predictions)
    return [each.outputs["value"] for each in answer]


@in_loop
async def test_a_message_over_the_gateways_limit_is_too_large(tmp_path: Path) -> None:
    async with running(tmp_path, grpc_max_request_bytes=1024) as here, AsyncClient(here.grpc_url) as client:
        with pytest.raises(PayloadTooLarge, match="larger than max"):
            await client.predict("doubles", np.zeros(1000, np.float32))


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
    with Client(url) as client:
        labelled = client.predict("digits", instance, version=1) if 1 in versions_of(client) else before
    assert isinstance(labelled, Prediction)
    assert labelled.label == before.label


def answered(client: Client, instance: Any) -> Prediction:
    prediction = client.predict("digits", instance)
    assert isinstance(prediction, Prediction)
    return prediction


def versions_of(client: Client) -> list[int]:
    return [status.version for status in client.status("digits") if status.state == "AVAILABLE"]


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
    with grpc.insecure_channel(gateway.grpc_address) as channel, futures.ThreadPoolExecutor(4) as threads:
        front = TlsFront("", certificate)
        server = grpc.server(threads)
        server.add_generic_rpc_handlers((_Relay(channel, front),))
        credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
        front.address = f"127.0.0.1:{server.add_secure_port('127.0.0.1:0', credentials)}"
        server.start()
        yield front
        server.stop(None).wait()


@every_kind
def test_tls_with_a_certificate_of_ones_own(connect: Connect, tls: TlsFront) -> None:
    with connect(f"grpcs://{tls.address}", ca_file=tls.ca_file) as client:
        assert client.models() == ["diabetes", "digits"]


@every_kind
def test_a_certificate_nobody_vouches_for_is_refused(connect: Connect, tls: TlsFront) -> None:
    with connect(f"grpcs://{tls.address}", retries=None) as client, pytest.raises(ConnectionFailed):
        client.models()


@every_kind
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


@every_kind
def test_a_gateway_that_is_not_running_is_told_with_its_url(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"grpc://127.0.0.1:{taken.getsockname()[1]}"
    with (
        connect(url, retries=None) as client,
        pytest.raises(ConnectionFailed, match="is the gateway running") as failed,
    ):
        client.models()
    assert url in str(failed.value)


@every_kind
def test_a_gateway_that_never_answers_ends_at_the_deadline(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"grpc://127.0.0.1:{silent.getsockname()[1]}"
        with connect(url, timeout_seconds=0.1) as client, pytest.raises(DeadlineExceeded):
            client.models()


@every_kind
def test_a_port_that_speaks_no_grpc_is_no_gateway(connect: Connect, gateway: GatewayProcess) -> None:
    url = gateway.url.replace("http", "grpc")
    with connect(url, retries=None) as client, pytest.raises(ConnectionFailed, match=url):
        client.models()
