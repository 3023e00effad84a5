"""SIGTERM under load, by the books of both sides: whatever the gateway's own log says it answered has come to its
caller, and what it took and did not answer is nothing.

REST and gRPC at once; one process and two workers; models in the gateway and behind it.
"""

import http.client
import json
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import grpc
import pytest

from serving.grpc import inference_pb2 as messages
from tests.integration.chaos.faults.disks import HungDisk
from tests.processes import GatewayProcess, StartGateway
from tests.swaps import until

CALLERS, ANSWERS, BOUND_SECONDS = 6, 200, 30.0
"""Callers of each protocol, and the answers after which the stop begins."""
REFUSED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
"""The latter where gRPC had received the call and not yet handed it over: never taken."""


@dataclass
class Books:
    """The requests that were answered, by their ids; `wrong` those with another answer than theirs."""

    answered: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    enough: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def book(self, request_id: str, *, right: bool) -> None:
        self.answered.add(request_id)
        if not right:
            self.wrong.append(request_id)
        self.enough.release()


def ask_rest(gateway: GatewayProcess, caller: int, books: Books) -> None:
    """Until a connection is refused or closed."""
    connection = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=BOUND_SECONDS)
    with closing(connection):
        for number in count():
            request_id, x = f"rest-{caller}-{number}", caller * 1000.0 + number
            headers = {"content-type": "application/json", "x-request-id": request_id}
            try:
                connection.request("POST", "/v1/models/doubles:predict", json.dumps({"instances": [x]}), headers)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                return
            books.book(request_id, right=answer.status == 200 and json.loads(body)["predictions"] == [[2 * x]])


def ask_grpc(gateway: GatewayProcess, caller: int, books: Books) -> None:
    """Until a call is refused."""
    with grpc.insecure_channel(gateway.grpc_address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        ask = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=messages.ModelInferRequest.SerializeToString,
            response_deserializer=messages.ModelInferResponse.FromString,
        )
        for number in count():
            request_id, x = f"grpc-{caller}-{number}", caller * 1000.0 + number
            request = messages.ModelInferRequest(model_name="doubles")
            request.inputs.add(name="x", datatype="FP32", shape=[1]).contents.fp32_contents.append(x)
            try:
                answer = ask(request, timeout=BOUND_SECONDS, metadata=(("x-request-id", request_id),))
            except grpc.RpcError as refused:
                if refused.code() not in REFUSED:
                    raise
                return
            books.book(request_id, right=list(answer.outputs[0].contents.fp32_contents) == [2 * x])


@pytest.fixture(scope="module")
def model_server(doubles: Path, start_gateway_session: StartGateway) -> GatewayProcess:
    return start_gateway_session("--models", str(doubles))


@pytest.fixture(params=["embedded", "tfserving"])
def backend(request: pytest.FixtureRequest, model_server: GatewayProcess) -> tuple[str, ...]:
    """The arguments that choose it."""
    addresses = ("--tfserving-addresses", model_server.grpc_address) if request.param == "tfserving" else ()
    return ("--backend", str(request.param), *addresses)


def taken(log: list[str]) -> dict[str, object]:
    """The requests that the gateway took, with the code that each ended with."""
    lines = [json.loads(line) for line in log if '"event":"request"' in line]
    return {line["request_id"]: line["code"] for line in lines}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_under_load_answers_all_it_took_over_both_protocols(
    start_gateway: StartGateway, doubles: Path, backend: tuple[str, ...], workers: str
) -> None:
    gateway = start_gateway(*backend, "--models", str(doubles), "--workers", workers, PENSTOCK_ACCESS_LOG="true")
    books = Books()
    asks: list[Callable[[GatewayProcess, int, Books], None]] = [ask_rest, ask_grpc]
    with ThreadPoolExecutor(CALLERS * len(asks)) as pool:
        asking = [pool.submit(ask, gateway, caller, books) for ask in asks for caller in range(CALLERS)]
        for _ in range(ANSWERS):
            assert books.enough.acquire(timeout=BOUND_SECONDS)
        assert gateway.stop() == 0
        for caller in asking:
            caller.result()
    assert books.wrong == []
    ended = taken(gateway.whole_log())
    assert set(ended.values()) <= {200, "OK"}
    assert set(ended) == books.answered
    assert {request_id.split("-")[0] for request_id in books.answered} == {"rest", "grpc"}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_disk_that_hangs_holds_up_no_stop(
    start_gateway: StartGateway, doubles: Path, tmp_path: Path, workers: str
) -> None:
    models = Path(shutil.copytree(doubles, tmp_path / "models"))
    gateway = start_gateway(
        *("--models", str(models), "--workers", workers), PENSTOCK_POLL_SECONDS="0.1", PENSTOCK_DRAIN_SECONDS="1"
    )
    hung = HungDisk(models)
    hung.begin()
    until(hung.is_read)
    assert gateway.stop() == 1
    hung.end()
    assert any("does a disk hang?" in line for line in gateway.whole_log())
