"""Which server a load goes to and what it is sent: options of the command line to an order for the generator."""

import argparse
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import grpc

from loadtests.arrivals import Seconds
from loadtests.asked_model import ask_model
from loadtests.http_connection import http_target, request_bytes
from loadtests.open_loop import Load
from loadtests.open_loop_tally import Judge
from loadtests.open_loop_workers import Order
from loadtests.payloads import Payload, forms_of, payloads
from loadtests.wire import GRPC_STATUS, WireRequest
from serving.access.key_argument import add_key_argument, chosen_key, key_headers

URL, GRPC_PORT = "http://127.0.0.1:8080", 8500
"""Where `make up` serves."""
CONNECTIONS, PATIENCE_SECONDS = 64, 10.0
TIMEOUT_HEADER = "x-request-timeout-ms"


@dataclass(frozen=True, slots=True)
class AskedServer:
    """A model of a gateway, and the requests it is sent in turn; `wanted` has the right status of each.

    The `api_key` is in REST's requests already; gRPC's calls and looks at the metrics present it.
    """

    protocol: Literal["rest", "grpc"]
    url: str
    model: str
    target: str
    requests: tuple[WireRequest, ...] = field(repr=False)
    wanted: tuple[int, ...]
    connections: int
    deadline_seconds: float
    api_key: str | None = field(default=None, repr=False)

    def order(self, due: Seconds, bound_seconds: float = float("inf")) -> Order:
        """`bound_seconds` is what the tally's `late` counts."""
        load = Load(self.requests, due, self.connections, PATIENCE_SECONDS)
        judge = Judge(self.wanted, self.deadline_seconds, bound_seconds)
        return Order(self.protocol, self.target, load, judge, tuple(key_headers(self.api_key).items()))


def add_server_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", default=URL, help="of the gateway (default: %(default)s)")
    parser.add_argument("--model", help="the model asked (default: the last by name of those served)")
    parser.add_argument("--protocol", choices=("rest", "grpc"), default="rest", help="(default: %(default)s)")
    parser.add_argument("--grpc", metavar="HOST:PORT", help=f"where gRPC is (default: the host, port {GRPC_PORT})")
    add_key_argument(parser)
    parser.add_argument("--form", help="of the requests: row or record, batch, image, mix (default: one row or record)")
    parser.add_argument(
        "--connections", type=positive_count, default=CONNECTIONS, help="at once, or gRPC calls (default: %(default)s)"
    )
    parser.add_argument("--processes", type=positive_count, default=1, help="of the generator (default: %(default)s)")
    parser.add_argument(
        "--deadline-ms", type=positive, help="the gateway is told it, and a later answer is no good one (default: none)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of arrivals and payloads (default: %(default)s)")


def asked_server(arguments: argparse.Namespace) -> AskedServer:
    """Raises NotServed when the gateway does not serve the model, ValueError for a URL or form that cannot be used, and
    InvalidSettings for a key that cannot be sent.
    """
    http_target(arguments.url)
    key = chosen_key(arguments.api_key, token=arguments.token)
    served = ask_model(arguments.url, arguments.model, api_key=key)
    found = payloads(served, arguments.seed, arguments.form or forms_of(served)[0], wire=arguments.protocol)
    host = urllib.parse.urlsplit(arguments.url).hostname or ""
    return AskedServer(
        protocol=arguments.protocol,
        url=arguments.url,
        model=served.name,
        target=(arguments.grpc or f"{host}:{GRPC_PORT}") if arguments.protocol == "grpc" else arguments.url,
        requests=tuple(_wire_request(arguments, payload, key) for payload in found),
        wanted=tuple(_wanted(arguments, payload) for payload in found),
        connections=arguments.connections,
        deadline_seconds=arguments.deadline_ms / 1e3 if arguments.deadline_ms else float("inf"),
        api_key=key,
    )


def _wire_request(arguments: argparse.Namespace, payload: Payload, key: str | None) -> WireRequest:
    if arguments.protocol == "grpc":
        return WireRequest(payload.body, payload.path)
    headers: Mapping[str, str] = {**payload.headers, **key_headers(key)}
    if arguments.deadline_ms:
        others = {name: value for name, value in headers.items() if name.lower() != TIMEOUT_HEADER}
        headers = {**others, TIMEOUT_HEADER: str(max(1, round(arguments.deadline_ms)))}
    authority = urllib.parse.urlsplit(arguments.url).netloc
    return WireRequest(request_bytes(authority, payload.path, headers, payload.body))


def _wanted(arguments: argparse.Namespace, payload: Payload) -> int:
    if arguments.protocol == "grpc":
        return GRPC_STATUS + int(getattr(grpc.StatusCode, payload.wanted).value[0])
    return int(payload.wanted)


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def positive_count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value
