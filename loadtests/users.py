"""Locust's users: each asks, waits for the answer, thinks, and asks again. Only Locust's own process may import this,
since importing Locust replaces the standard library's sockets and threads by gevent's.
"""

import itertools
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from locust import FastHttpUser, User, task

from loadtests.payloads import Payload, Wire
from loadtests.run_result import NO_ANSWER_STATUS
from serving.access.key_argument import chosen_key, key_headers

DEFAULT_URL = "http://127.0.0.1:8080"
GIVE_UP_SECONDS = 10.0
"""As long as the client waits by default, which the gateway is told too."""
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
"""Channels to one address share a connection otherwise; users are independent of each other."""


class Refused(Exception):
    """A request that was not answered as it should be; the text names the status that came."""


class Asking(User):
    """What both kinds of user share: their own stream of payloads, and a pause between two."""

    abstract = True
    host = DEFAULT_URL
    wire: Wire
    numbers = itertools.count()
    """Of the users of this process, so that each has its own stream whatever the number of others."""

    def on_start(self) -> None:
        options = self.environment.parsed_options
        self.mix: Sequence[Payload] = self.environment.penstock_payloads[self.wire]
        place = f"{self.environment.runner.worker_index} {next(Asking.numbers)}"
        self.random = random.Random(f"{options.seed} {self.wire} {place}")  # noqa: S311 - repeatable, no secret
        self.key_headers = key_headers(chosen_key(options.api_key, token=options.token))
        self.think_seconds: float = options.think_seconds

    def wait_time(self) -> float:
        """Independent callers: the pause is exponential, so that requests arrive at random moments."""
        return self.random.expovariate(1 / self.think_seconds) if self.think_seconds else 0.0

    def next_payload(self) -> Payload:
        return self.random.choice(self.mix)


class RestUser(FastHttpUser, Asking):
    """TensorFlow Serving's REST, as `penstock_client` writes it."""

    wire: Wire = "rest"
    weight = 3
    network_timeout = connection_timeout = GIVE_UP_SECONDS

    @task
    def predict(self) -> None:
        payload = self.next_payload()
        asked = self.client.post(
            payload.path,
            data=payload.body,  # type: ignore[arg-type] # bytes are sent as they are; Locust's type forgot them
            headers={**payload.headers, **self.key_headers},
            name=f"REST {payload.form}",
            catch_response=True,
        )
        with asked as answer:
            status = str(answer.status_code or NO_ANSWER_STATUS)
            if status == payload.wanted:
                answer.success()
            else:
                why = f" ({type(answer.error).__name__})" if status == NO_ANSWER_STATUS else ""
                answer.failure(Refused(what_came(payload, status) + why))


class GrpcUser(Asking):
    """TensorFlow Serving's PredictionService on a connection of its own."""

    wire: Wire = "grpc"
    weight = 1

    def on_start(self) -> None:
        super().on_start()
        self.channel = grpc.insecure_channel(grpc_address(self.host, self.environment.parsed_options), OWN_CONNECTION)

    def on_stop(self) -> None:
        self.channel.close()

    @task
    def predict(self) -> None:
        payload = self.next_payload()
        sent_at, began = time.time(), time.perf_counter()
        answer = self._ask(payload)
        took = time.perf_counter() - began
        self.environment.events.request.fire(
            request_type="gRPC",
            name=f"gRPC {payload.form}",
            response_time=took * 1e3,
            response_length=answer.length_bytes,
            start_time=sent_at,
            response=None,
            context={"status": answer.status, "is_answered": answer.is_answered},
            exception=None if answer.status == payload.wanted else Refused(what_came(payload, answer.status)),
        )

    def _ask(self, payload: Payload) -> "_GrpcAnswer":
        try:
            method, metadata = self.channel.unary_unary(payload.path), tuple(self.key_headers.items())
            answer = method(payload.body, timeout=GIVE_UP_SECONDS, metadata=metadata)
        except grpc.RpcError as refused:
            # what a server refuses carries metadata of the server's; what gRPC gives up by itself carries none
            return _GrpcAnswer(refused.code().name, 0, is_answered=bool(refused.trailing_metadata()))
        return _GrpcAnswer("OK", len(answer), is_answered=True)


@dataclass(frozen=True, slots=True)
class _GrpcAnswer:
    status: str
    length_bytes: int
    is_answered: bool


def grpc_address(host: str, options: Any) -> str:
    """`--grpc`, or port 8500 of the host that REST is asked at."""
    return options.grpc or f"{host.rsplit('//', maxsplit=1)[-1].split('/', maxsplit=1)[0].rsplit(':', 1)[0]}:8500"


def what_came(payload: Payload, status: str) -> str:
    return f"{payload.form}: {status} where {payload.wanted} is right"
