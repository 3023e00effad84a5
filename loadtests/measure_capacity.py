"""Measures a gateway for the planner: S(b) by requests of b rows, its processor time, and a curve by open loop.

The gateway is on this machine (the generator speaks to loopback) and should have nothing else to do. S(b) is read from
the answers' receipts, so that a stretch in which somebody else had the core can be left out; a gateway forgets nothing.
"""

import contextlib
import http.client
import json
import os
import re
import statistics
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from loadtests.arrivals import Phase, poisson_arrivals
from loadtests.asked_model import NotServed, ask_model
from loadtests.capacity import as_measured, predicted
from loadtests.measurement import CallTime, CurvePoint, Measurement, call_seconds
from loadtests.open_loop import OpenLoopRun, run_open_loop
from loadtests.payloads import Payload, forms_of, payloads
from serving.batching.cost_model import buckets_of

Measured = TypeVar("Measured")

SEED = 1
TIMES_EACH_SIZE, ROUNDS = 20, 4
"""Calls of a size in a row, and how often all sizes take turns: what slows the machine slows all of them."""
COST_SHARE, COST_SECONDS, COST_TIMES = 0.4, 3.0, 3
"""The share of what the core could do at which the gateway's own work is measured, and what passes outside: requests
that come seldom wait longer for a sleeping processor than those of a busy time.
"""
SETTLING_SHARE = 0.1
CONNECTIONS, PATIENCE_SECONDS = 256, 10.0
MOST_WAITED = 0.01
"""Of a stretch: so long this process may have waited for a core that others had; the gateway did no better then."""
MOST_SPOILT = 20
"""Stretches in a row that may be spoilt before the measurement is given up."""
HOW = """\
S(b): {rounds} rounds of {times} requests of 1, 2, 4, ... rows one after the other, by their receipts. The gateway's
work: its processor time less that of the calls, at {rate:.0f} requests a second. What passes outside: the
median there less the predicted one. The curve: open loop, Poisson arrivals, {repetitions} repetitions of
{seconds:g} s of each rate in turn, the first tenth left out; medians over the repetitions."""


class Spoilt(Exception):
    """A stretch that says nothing: the generator fell behind, or requests were refused."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured: `rates` empty for no curve."""

    url: str
    model: str | None
    backend: str
    gateway_cores: int
    rates: Sequence[float] = ()
    repetitions: int = 5
    seconds: float = 4.0


@dataclass(frozen=True, slots=True)
class _Counted:
    """The gateway's counters at a moment."""

    requests: int
    calls: int
    rows: int
    call_seconds: float
    cpu_seconds: float


class _Gateway:
    def __init__(self, wanted: Wanted) -> None:
        parts = urllib.parse.urlsplit(wanted.url)
        if parts.hostname not in ("127.0.0.1", "localhost"):
            raise NotServed(f"{wanted.url}: measure on the gateway's own machine, or give --stats and --gateway-us")
        self.port = parts.port or 80
        self.model = ask_model(wanted.url, wanted.model)
        form = forms_of(self.model)[0]
        self._payloads = payloads(self.model, SEED, form, count=64)
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)

    def get(self, path: str) -> bytes:
        self._connection.close()  # the gateway may have closed it meanwhile; the next request opens another
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise NotServed(f"{path} answered {answer.status}: {body[:200].decode(errors='replace')}")
        return body

    def undisturbed(self, stretch: Callable[[], Measured], what: str) -> Measured:
        """What `stretch` gives when this process did not have to wait for a core in it.

        Raises ValueError after MOST_SPOILT attempts, those included that `stretch` itself found Spoilt.
        """
        for _ in range(MOST_SPOILT):
            waited, started = waited_seconds(os.getpid()), time.monotonic()
            with contextlib.suppress(Spoilt):
                found = stretch()
                if waited_seconds(os.getpid()) - waited <= MOST_WAITED * (time.monotonic() - started):
                    return found
        raise ValueError(f"{what}: the gateway refused requests, or something else used the machine all the time")

    def ask(self, rows: int) -> float:
        """One request of so many rows, to its end; the seconds of its model call."""
        payload = self.payload(rows)
        self._connection.request("POST", payload.path, payload.body, dict(payload.headers))
        answer = self._connection.getresponse()
        told = answer.read()
        if answer.status != 200:
            raise NotServed(f"a request of {rows} rows was answered {answer.status}: {told[:200]!r}")
        backend = re.search(r"backend;dur=([0-9.]+)", answer.getheader("server-timing") or "")
        if backend is None:
            raise NotServed("the answers have no receipt (Server-Timing): is this one of our gateways?")
        return float(backend[1]) / 1e3

    def payload(self, rows: int) -> Payload:
        """`rows` single rows as one request."""
        first = self._payloads[0]
        instances = [json.loads(payload.body)["instances"][0] for payload in self._payloads]
        body = json.dumps({"instances": [instances[place % len(instances)] for place in range(rows)]}).encode()
        return Payload(first.form, first.path, first.headers, body, rows, is_bad=False, wanted=first.wanted)

    def request(self) -> bytes:
        """One row as a whole HTTP/1.1 request, for the generator."""
        payload = self.payload(1)
        headers = {"host": f"127.0.0.1:{self.port}", **payload.headers, "content-length": str(len(payload.body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name != "content-length")
        return (
            f"POST {payload.path} HTTP/1.1\r\n{head}content-length: {len(payload.body)}\r\n\r\n".encode() + payload.body
        )

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.get(f"/v2/models/{self.model.name}/stats"))
        return found

    def counted(self) -> _Counted:
        (stats,) = self.stats()["model_stats"][-1:]
        inference = stats["inference_stats"]
        used = re.findall(rb"^process_cpu_seconds_total\S* (\S+)$", self.get("/metrics"), re.MULTILINE)
        return _Counted(
            inference["success"]["count"],
            inference["compute_infer"]["count"],
            stats["inference_count"],
            inference["compute_infer"]["ns"] / 1e9,
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
        queue = max(stats["batching"]["queues"], key=lambda queue: sum(bucket["calls"] for bucket in queue["buckets"]))
        calls = [
            CallTime(rows=told["mean_rows"], mean_seconds=told["mean_seconds"], p95_seconds=told["p95_seconds"])
            for told in queue["buckets"]
        ]
        if not calls:
            raise ValueError("the gateway's stats have no calls yet: ask it for some predictions first")
        return queue["batch_rows"], stats["batching"]["slots"], tuple(calls)
    except (KeyError, TypeError) as wrong:
        raise ValueError("this is no answer of GET /v2/models/{model}/stats") from wrong


def measure(wanted: Wanted, tell: Callable[[str], None]) -> Measurement:
    """Raises NotServed where the gateway does not answer, and ValueError where the generator could not keep up."""
    gateway = _Gateway(wanted)
    tell("S(b): requests of 1, 2, 4, ... rows, one after the other")
    batch_rows, depth, calls = _calls(gateway)
    rough = Measurement(
        model=gateway.model.name,
        backend="tfserving" if wanted.backend == "tfserving" else "embedded",
        gateway_cores=wanted.gateway_cores,
        max_batch_rows=batch_rows,
        in_flight_batches=max(depth, 2),
        gateway_seconds=1e-4,
        wire_seconds=0.0,
        calls=calls,
    )
    rate = COST_SHARE / (rough.gateway_seconds + call_seconds(rough, 1))
    tell(f"the gateway's own work, at {rate:,.0f} requests a second")
    own, median = _own_seconds_and_median(gateway, rough, rate)
    rough = rough.model_copy(update={"gateway_seconds": own})
    wire = max(0.0, median - predicted(rough, as_measured(rough), rate).p50_seconds)
    points = tuple(_curve(gateway, wanted, tell))
    how = HOW.format(
        rounds=ROUNDS,
        times=TIMES_EACH_SIZE,
        rate=rate,
        repetitions=wanted.repetitions,
        seconds=wanted.seconds,
    )
    found = {"wire_seconds": wire, "curve": points, "how": how.replace("\n", " ")}
    return rough.model_copy(update=found)


def _calls(gateway: _Gateway) -> tuple[int, int, tuple[CallTime, ...]]:
    """B, K and S(b)."""
    for _ in range(TIMES_EACH_SIZE):
        gateway.ask(1)
    most, depth, _ = learned_calls(gateway.stats())
    seconds: dict[int, list[float]] = {rows: [] for rows in (*buckets_of(most, ()), most)}

    def several(rows: int) -> list[float]:
        return [gateway.ask(rows) for _ in range(TIMES_EACH_SIZE)][1:]

    for _ in range(ROUNDS):
        for rows in seconds:
            seconds[rows] += gateway.undisturbed(partial(several, rows), f"requests of {rows} rows")
    return (
        most,
        depth,
        tuple(
            CallTime(rows=rows, mean_seconds=float(np.mean(found)), p95_seconds=float(np.quantile(found, 0.95)))
            for rows, found in seconds.items()
        ),
    )


def _own_seconds_and_median(gateway: _Gateway, rough: Measurement, rate: float) -> tuple[float, float]:
    """Medians of several runs: the gateway's own processor time a request, and the latency's median."""
    runs = [_loaded(gateway, rate, COST_SECONDS, SEED + 1 + number) for number in range(COST_TIMES)]
    own = [_own_seconds(rough, before, after) for before, _, after in runs]
    return statistics.median(own), statistics.median(float(np.median(_settled(run))) for _, run, _ in runs)


def _own_seconds(rough: Measurement, before: _Counted, after: _Counted) -> float:
    """Processor time a request, without the calls where they run in the gateway's process."""
    used, requests = after.cpu_seconds - before.cpu_seconds, after.requests - before.requests
    if rough.backend == "embedded":
        calls = after.calls - before.calls
        used -= calls * call_seconds(rough, (after.rows - before.rows) / calls)
    if used <= 0:
        raise ValueError("the gateway's own work could not be told from that of its model: give --gateway-us")
    return used / requests


def _curve(gateway: _Gateway, wanted: Wanted, tell: Callable[[str], None]) -> Iterator[CurvePoint]:
    runs: dict[float, list[tuple[float, float, float, float]]] = {rate: [] for rate in wanted.rates}
    for repetition in range(wanted.repetitions):
        for rate in wanted.rates:
            tell(f"{rate:,.0f} requests a second, {repetition + 1} of {wanted.repetitions}")
            before, run, after = _loaded(gateway, rate, wanted.seconds, SEED + 10 * repetition)
            latency = _settled(run)
            batch_rows = (after.rows - before.rows) / max(1, after.calls - before.calls)
            p50, p99 = np.quantile(latency, [0.5, 0.99])
            runs[rate].append((float(p50), float(p99), float(latency.mean()), batch_rows))
    for rate, found in runs.items():
        p50s, p99s, means, rows = zip(*found, strict=True)
        yield CurvePoint(
            rate_per_second=rate,
            p50_seconds=statistics.median(p50s),
            p99_seconds=statistics.median(p99s),
            mean_seconds=statistics.median(means),
            mean_batch_rows=statistics.median(rows),
            repetitions=len(found),
        )


def _loaded(gateway: _Gateway, rate: float, seconds: float, seed: int) -> tuple[_Counted, OpenLoopRun, _Counted]:
    """A run between the gateway's counters before and after."""
    due, request = poisson_arrivals([Phase(rate, seconds)], seed), gateway.request()

    def stretch() -> tuple[_Counted, OpenLoopRun, _Counted]:
        before = gateway.counted()
        run = run_open_loop(gateway.port, request, due, connections=CONNECTIONS, patience_seconds=PATIENCE_SECONDS)
        if not run.is_valid or not np.all(run.status == 200):
            raise Spoilt
        return before, run, gateway.counted()

    return gateway.undisturbed(stretch, f"{rate:,.0f} requests a second")


def _settled(run: OpenLoopRun) -> np.ndarray[Any, np.dtype[np.float64]]:
    return run.latency_seconds[int(SETTLING_SHARE * len(run.due)) :]
