"""Traces from a caller through the gateway to the model server behind it, as a real collector receives them."""

import json
import secrets
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count, pairwise
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import numpy as np
import pytest

from serving.grpc import inference_pb2 as messages
from tests.integration.observability.spans import Collector, Span, named
from tests.integration.observability.waterfall import draw_waterfall
from tests.processes import START_SECONDS, GatewayProcess, StartGateway

SERVER, CLIENT, INTERNAL = 2, 3, 1
OWN_SPANS = ("predict doubles", "decode", "queue", "backend doubles", "encode")
CALLER = "00f067aa0ba902b7"
TOGETHER = 12


@pytest.fixture
def trace_ids() -> Iterator[str]:
    return (secrets.token_hex(16) for _ in count())


def traceparent(trace_id: str, flags: str = "01") -> str:
    return f"00-{trace_id}-{CALLER}-{flags}"


def ask_rest(front: GatewayProcess, headers: dict[str, str]) -> str | None:
    body = json.dumps({"instances": [1.0, 2.0]}).encode()
    request = urllib.request.Request(front.url + "/v1/models/doubles:predict", body, headers)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
        assert answer.status == 200
        told: str | None = answer.headers["traceresponse"]
        return told


def ask_grpc(front: GatewayProcess, metadata: tuple[tuple[str, str], ...]) -> str | None:
    request = messages.ModelInferRequest(model_name="doubles")
    request.inputs.add(name="x", datatype="FP32", shape=[2])
    request.raw_input_contents.append(np.array([1, 2], np.float32).tobytes())
    with grpc.insecure_channel(front.grpc_address) as channel:
        call = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            messages.ModelInferRequest.SerializeToString,
            messages.ModelInferResponse.FromString,
        )
        _, outcome = call.with_call(request, timeout=30.0, metadata=metadata)
        trailing: dict[str, str] = dict(outcome.trailing_metadata())
        return trailing.get("traceresponse")


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_trace_goes_from_the_caller_through_the_gateway_to_the_model_server(
    front: GatewayProcess, collector: Collector, trace_ids: Iterator[str], protocol: str, tmp_path: Path
) -> None:
    trace_id = next(trace_ids)
    given = {"traceparent": traceparent(trace_id), "tracestate": "rojo=1"}
    told = ask_rest(front, given) if protocol == "rest" else ask_grpc(front, tuple(given.items()))
    spans = collector.until(lambda all_spans: _are_whole([s for s in all_spans if s["trace_id"] == trace_id]))
    spans = [span for span in spans if span["trace_id"] == trace_id]
    ours = [span for span in spans if span["service"] == "penstock"]
    server, backend = named(ours, "predict doubles"), named(ours, "backend doubles")
    assert told == f"00-{trace_id}-{server['span_id']}-01"
    assert sorted(span["name"] for span in ours) == sorted(OWN_SPANS)
    assert (server["parent_id"], server["kind"], server["tracestate"]) == (CALLER, SERVER, "rojo=1")
    assert {span["parent_id"] for span in ours if span is not server} == {server["span_id"]}
    assert named(ours, "queue")["links"] == [backend["span_id"]]
    assert (backend["links"], backend["kind"]) == ([server["span_id"]], CLIENT)
    assert _are_in_order(ours)
    arrived = named(spans, "predict doubles", "behind")
    assert (arrived["parent_id"], arrived["tracestate"]) == (backend["span_id"], "rojo=1")
    attributes = server["attributes"]
    code = ("http.response.status_code", 200) if protocol == "rest" else ("rpc.grpc.status_code", 0)
    assert int(attributes[code[0]]) == code[1]
    assert (attributes["penstock.model"], attributes["penstock.version"]) == ("doubles", "1")
    draw_waterfall(spans, tmp_path / "waterfall.svg")
    draw_waterfall(spans, tmp_path / "waterfall.png")
    assert "backend doubles" in (tmp_path / "waterfall.svg").read_text()


def test_a_batch_is_linked_to_every_request_in_it_and_they_to_it(
    front: GatewayProcess, collector: Collector, trace_ids: Iterator[str]
) -> None:
    """Requests sent at once meet in a batch, if not at the first try."""
    for _ in range(20):
        ids = [next(trace_ids) for _ in range(TOGETHER)]
        send_together(front, ids)
        spans = [span for trace_id in ids for span in collector.trace(trace_id, "predict doubles", "queue")]
        servers = {span["span_id"] for span in spans if span["name"] == "predict doubles"}
        waits = {span["parent_id"]: span["links"] for span in spans if span["name"] == "queue"}
        sent = {link for links in waits.values() for link in links}
        whole = collector.until(lambda all_spans, sent=sent: sent <= {s["span_id"] for s in all_spans})  # type: ignore[misc]
        batches = [span for span in whole if span["span_id"] in sent]
        for batch in batches:
            assert {server for server in servers if batch["span_id"] in waits[server]} == set(batch["links"])
        assert {link for batch in batches for link in batch["links"]} == servers
        if any(len(batch["links"]) > 1 for batch in batches):
            return
    pytest.fail("no two requests ever met in a batch")


def test_a_caller_who_does_not_trace_is_not_traced_and_a_wrong_header_is_no_error(
    front: GatewayProcess, collector: Collector, trace_ids: Iterator[str]
) -> None:
    unsampled, sampled = next(trace_ids), next(trace_ids)
    for headers in ({"traceparent": traceparent(unsampled, "00")}, {"traceparent": "not one"}, {}):
        assert ask_rest(front, headers) is None
    ask_rest(front, {"traceparent": traceparent(sampled)})
    collector.trace(sampled, *OWN_SPANS)
    assert not [span for span in collector.until(lambda _: True) if span["trace_id"] == unsampled]


def test_a_refusal_is_a_span_of_its_own_and_no_fault_of_the_servers(
    front: GatewayProcess, collector: Collector, trace_ids: Iterator[str]
) -> None:
    trace_id = next(trace_ids)
    body = b'{"instances": ["no number"]}'
    request = urllib.request.Request(  # noqa: S310 - loopback
        front.url + "/v1/models/doubles:predict", body, {"traceparent": traceparent(trace_id)}
    )
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=30)  # noqa: S310 - as above
    (span,) = collector.trace(trace_id, "predict doubles")
    assert (int(span["attributes"]["http.response.status_code"]), span["status"]) == (400, 0)


def test_the_access_log_names_the_trace(front: GatewayProcess, collector: Collector, trace_ids: Iterator[str]) -> None:
    trace_id = next(trace_ids)
    ask_rest(front, {"traceparent": traceparent(trace_id)})
    collector.trace(trace_id, "predict doubles")  # written by then, or within the same tenth of a second
    assert front.stop() == 0
    lines = [json.loads(line) for line in front.log if line.startswith("{")]
    assert [line["code"] for line in lines if line.get("trace_id") == trace_id] == [200]


def test_a_model_server_that_goes_is_an_event(start_gateway: StartGateway, doubles: Path) -> None:
    server = start_gateway("--models", str(doubles), "--backend", "in_memory")
    front = ("--models", str(doubles), "--backend", "tfserving", "--tfserving-addresses", server.grpc_address)
    gateway = start_gateway(*front)
    server.process.kill()
    end = time.monotonic() + START_SECONDS
    while not any("backend_down" in line for line in gateway.log):
        assert time.monotonic() < end, gateway.log
        threading.Event().wait(0.05)
    assert gateway.stop() == 0
    lines = [json.loads(line) for line in gateway.log if line.startswith("{")]
    told = [(line["event"], line["address"]) for line in lines if line["event"].startswith("backend_")]
    assert told == [("backend_up", server.grpc_address), ("backend_down", server.grpc_address)]


def send_together(front: GatewayProcess, trace_ids: list[str]) -> None:
    """One request each, over connections that are open, as near to at once as one thread can send them."""
    address = urlsplit(front.url)
    with ExitStack() as stack:
        opened = []
        for trace_id in trace_ids:
            connection = stack.enter_context(socket.create_connection((address.hostname, address.port), 30))
            opened.append((connection, _request_bytes(trace_id)))
        for connection, request in opened:
            connection.sendall(request)
        for connection, _ in opened:
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def _request_bytes(trace_id: str) -> bytes:
    body = b'{"instances": [1.0]}'
    head = f"POST /v1/models/doubles:predict HTTP/1.1\r\nhost: x\r\ntraceparent: {traceparent(trace_id)}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def _are_whole(spans: list[Span]) -> bool:
    names = [span["name"] for span in spans if span["service"] == "penstock"]
    behind = [span["name"] for span in spans if span["service"] == "behind"]
    return set(OWN_SPANS) <= set(names) and "predict doubles" in behind


def _are_in_order(spans: list[Span]) -> bool:
    """Decoded, queued, called, encoded; all of it within the request."""
    server = named(spans, "predict doubles")
    parts = [named(spans, name) for name in OWN_SPANS[1:]]
    moments = [moment for part in parts for moment in (part["start_ns"], part["end_ns"])]
    bounds = [server["start_ns"], *moments, server["end_ns"]]
    return all(later >= earlier - 50_000 for earlier, later in pairwise(bounds))  # 50 us: rounding
