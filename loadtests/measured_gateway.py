"""A gateway on this machine that is asked for what the planner wants to know, and watched meanwhile."""

import http.client
import json
import os
import re
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from loadtests.asked_model import NotServed, ask_model
from loadtests.http_connection import request_bytes
from loadtests.measurement import CallTime
from loadtests.payloads import Payload, forms_of, payloads
from serving.access.key_argument import key_headers

Measured = TypeVar("Measured")

PATIENCE_SECONDS = 10.0
SEED = 1
MOST_TRIES = 8
"""Of a stretch that something else disturbs."""
MOST_DISTURBED = 0.02
"""Of a stretch: so long this process may have waited for a core that others had; the gateway did no better then."""


@dataclass(frozen=True, slots=True)
class Stretch(Generic[Measured]):
    """What a stretch of measuring gave, and the share of its requests that were sent late."""

    gave: Measured
    late_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Counted:
    """The gateway's counters at a moment."""

    requests: int
    calls: int
    rows: int
    cpu_seconds: float


class Gateway:
    """Raises NotServed where no gateway answers, or not on this machine.

    A gateway that asks who calls is asked with `api_key`, which must be for the verbs predict, read and metrics.
    """

    def __init__(self, url: str, model: str | None, api_key: str | None = None) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.hostname not in ("127.0.0.1", "localhost"):
            raise NotServed(f"{url}: measure on the gateway's own machine, or give --stats and --gateway-us")
        self.port = parts.port or 80
        self._key_headers = key_headers(api_key)
        self.model, self.doubts = ask_model(url, model, api_key=api_key), list[str]()
        form = forms_of(self.model)[0]
        self._payloads = payloads(self.model, SEED, form, count=64)
        self._written: dict[int, Payload] = {}
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        self._connection.close()

    def get(self, path: str) -> bytes:
        self._connection.close()  # the gateway may have closed it meanwhile; the next request opens another
        self._connection.request("GET", path, headers=self._key_headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise NotServed(f"{path} answered {answer.status}: {body[:200].decode(errors='replace')}")
        return body

    def undisturbed(self, stretch: Callable[[], Stretch[Measured]], what: str) -> Measured:
        """What `stretch` gives when this process did not have to wait for a core in it, and was not late.

        Of MOST_TRIES that all were disturbed it is the least disturbed one, and `doubts` says so.
        """
        best: tuple[float, Measured] | None = None
        for _ in range(MOST_TRIES):
            waited, started = waited_seconds(os.getpid()), time.monotonic()
            found = stretch()
            disturbed = (waited_seconds(os.getpid()) - waited) / (time.monotonic() - started)
            disturbed = max(disturbed, found.late_share)
            if best is None or disturbed < best[0]:
                best = disturbed, found.gave
            if disturbed <= MOST_DISTURBED:
                return found.gave
        if best is None:
            raise AssertionError("there are tries")
        self.doubts.append(f"{what}: disturbed for {best[0]:.0%} of the time")
        return best[1]

    def ask(self, rows: int) -> float:
        """One request of so many rows, to its end; the seconds of its model call."""
        payload = self.payload(rows)
        self._connection.request("POST", payload.path, payload.body, {**payload.headers, **self._key_headers})
        answer = self._connection.getresponse()
        told = answer.read()
        if answer.status != 200:
            raise NotServed(f"a request of {rows} rows was answered {answer.status}: {told[:200]!r}")
        backend = re.search(r"backend;dur=([0-9.]+)", answer.getheader("server-timing") or "")
        if backend is None:
            raise NotServed("the answers have no receipt (Server-Timing): is this one of our gateways?")
        return float(backend[1]) / 1e3

    def payload(self, rows: int) -> Payload:
        """`rows` single rows as one request. Written once: the gateway's caches would cool down while it is made."""
        if rows not in self._written:
            self._written[rows] = self._write(rows)
        return self._written[rows]

    def _write(self, rows: int) -> Payload:
        first = self._payloads[0]
        instances = [json.loads(payload.body)["instances"][0] for payload in self._payloads]
        body = json.dumps({"instances": [instances[place % len(instances)] for place in range(rows)]}).encode()
        return Payload(first.form, first.path, first.headers, body, rows, is_bad=False, wanted=first.wanted)

    def request(self) -> bytes:
        """One row as a whole HTTP/1.1 request, for the generator."""
        payload = self.payload(1)
        headers = {**payload.headers, **self._key_headers}
        return request_bytes(f"127.0.0.1:{self.port}", payload.path, headers, payload.body)

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.get(f"/v2/models/{self.model.name}/stats"))
        return found

    def counted(self) -> Counted:
        (stats,) = self.stats()["model_stats"][-1:]
        inference = stats["inference_stats"]
        used = re.findall(rb"^process_cpu_seconds_total\S* (\S+)$", self.get("/metrics"), re.MULTILINE)
        return Counted(
            inference["success"]["count"],
            inference["compute_infer"]["count"],
            stats["inference_count"],
            sum(map(float, used)),
        )


def waited_seconds(pid: int) -> float:
    """How long the threads of a process were ready to run and did not, since they began (Linux's schedstat)."""
    files = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[1]) for file in files) / 1e9


def learned_calls(stats: dict[str, Any]) -> tuple[int, int, tuple[CallTime, ...]]:
    """B, K and S(b) of the queue that was asked most, from an answer of `GET /v2/models/{model}/stats`.

    Raises ValueError when the gateway has learned nothing yet, or for another document.
    """
    try:
        queues = [{"buckets": []}, *stats["batching"]["queues"]]
        queue = max(queues, key=lambda queue: sum(bucket["calls"] for bucket in queue["buckets"]))
        calls = [
            CallTime(rows=told["mean_rows"], mean_seconds=told["mean_seconds"], p95_seconds=told["p95_seconds"])
            for told in queue["buckets"]
        ]
        if not calls:
            raise ValueError("the gateway's stats have no calls yet: ask it for some predictions first")
        return queue["batch_rows"], stats["batching"]["slots"], tuple(calls)
    except (KeyError, TypeError) as wrong:
        raise ValueError("this is no answer of GET /v2/models/{model}/stats") from wrong
