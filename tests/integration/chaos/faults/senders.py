"""Large requests without end, from several callers at once, beside what a fault does to the gateway."""

import http.client
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

from loadtests.http_connection import http_target
from tests.integration.chaos.faults.publishing import MODEL
from tests.processes import GatewayProcess

SENDERS = 8
EXPECTED = {200, 429, 503, 504}


@dataclass
class Senders:
    """`statuses` are those of all answers so far."""

    gateway: GatewayProcess
    body: bytes
    statuses: set[int] = field(default_factory=set)
    _ended: threading.Event = field(default_factory=threading.Event)
    _pool: ThreadPoolExecutor | None = None
    _sending: list[Future[None]] = field(default_factory=list)

    def begin(self) -> None:
        self._ended.clear()
        self._pool = ThreadPoolExecutor(SENDERS)
        self._sending = [self._pool.submit(self._send) for _ in range(SENDERS)]

    def end(self) -> None:
        """Every request was answered, and none otherwise than by EXPECTED."""
        assert self._pool
        self._ended.set()
        self._pool.shutdown()
        for sending in self._sending:
            sending.result()
        assert self.statuses
        assert self.statuses <= EXPECTED, self.statuses

    def _send(self) -> None:
        headers = {"content-type": "application/json"}
        while not self._ended.is_set():
            with closing(http.client.HTTPConnection(*http_target(self.gateway.url), timeout=60.0)) as connection:
                connection.request("POST", f"/v1/models/{MODEL}:predict", self.body, headers)
                answer = connection.getresponse()
                answer.read()
                self.statuses.add(answer.status)
