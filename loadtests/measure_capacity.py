"""Measures a gateway for the planner: S(b) by requests of b rows, its processor time, and a curve by open loop.

The gateway is on this machine (the generator speaks to loopback) and should have nothing else to do. S(b) is read from
the answers' receipts, so that a stretch in which somebody else had the core can be left out; a gateway forgets nothing.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from loadtests.arrivals import Phase, poisson_arrivals
from loadtests.asked_model import NotServed
from loadtests.capacity import as_measured, predicted
from loadtests.measured_gateway import PATIENCE_SECONDS, Counted, Gateway, Stretch, learned_calls
from loadtests.measurement import CallTime, CurvePoint, Measurement, call_seconds
from loadtests.open_loop import OpenLoopRun, run_open_loop
from serving.batching.cost_model import buckets_of

SEED = 1
TIMES_EACH_SIZE, ROUNDS = 20, 4
"""Calls of a size in a row, and how often all sizes take turns: what slows the machine slows all of them."""
MIDDLE_SHARE, MIDDLE_SECONDS, TIMES = 0.4, 3.0, 3
"""The share of what the core could do at which what passes outside is measured: requests that come seldom wait longer
for a sleeping processor than those of a busy time.
"""
CLOSED_CONNECTIONS, CLOSED_SECONDS = 16, 2.0
"""The gateway's own work is measured with the core full: on an idle one TensorFlow's threads spin, and are counted."""
LEAST_OWN_SECONDS = 1e-5
"""Beside a dear model the gateway's work can be lost in that of the calls; nothing is read and answered for less."""
SETTLING_SHARE = 0.1
CONNECTIONS = 256
HOW = """\
S(b): {rounds} rounds of {times} requests of 1, 2, 4, ... rows one after the other, by their receipts. The gateway's
work: its time a request less that of the calls, with {closed} always under way. What passes outside: the
median at {rate:.0f} requests a second less the predicted one. The curve: open loop, Poisson arrivals, {repetitions}
repetitions of {seconds:g} s of each rate in turn, the first tenth left out; medians over the repetitions."""


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


def measure(wanted: Wanted, tell: Callable[[str], None]) -> Measurement:
    """Raises NotServed where the gateway does not answer, or it refuses requests."""
    gateway = Gateway(wanted.url, wanted.model)
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
    tell(f"the gateway's own work, {CLOSED_CONNECTIONS} requests always under way")
    own = statistics.median(_own_seconds(gateway, rough, number) for number in range(TIMES))
    rough = rough.model_copy(update={"gateway_seconds": own})
    rate = MIDDLE_SHARE / (own + call_seconds(rough, 1))
    tell(f"what passes outside, at {rate:,.0f} requests a second")
    wire = max(0.0, _median_seconds(gateway, rate) - predicted(rough, as_measured(rough), rate).p50_seconds)
    points = tuple(_curve(gateway, wanted, tell))
    how = HOW.format(
        rounds=ROUNDS,
        times=TIMES_EACH_SIZE,
        closed=CLOSED_CONNECTIONS,
        rate=rate,
        repetitions=wanted.repetitions,
        seconds=wanted.seconds,
    )
    for doubt in gateway.doubts:
        tell(f"in doubt: {doubt}; is the machine busy with something else?")
    how = " ".join([how.replace("\n", " "), *(f"In doubt: {doubt}." for doubt in gateway.doubts)])
    found = {"wire_seconds": wire, "curve": points, "how": how}
    return rough.model_copy(update=found)


def _calls(gateway: Gateway) -> tuple[int, int, tuple[CallTime, ...]]:
    """B, K and S(b)."""
    for _ in range(TIMES_EACH_SIZE):
        gateway.ask(1)
    most, depth, _ = learned_calls(gateway.stats())
    seconds: dict[int, list[float]] = {rows: [] for rows in (*buckets_of(most, ()), most)}

    def several(rows: int) -> Stretch[list[float]]:
        return Stretch([gateway.ask(rows) for _ in range(TIMES_EACH_SIZE)][1:])

    for _ in range(ROUNDS):
        for rows in seconds:
            found: list[float] = gateway.undisturbed(partial(several, rows), f"requests of {rows} rows")
            seconds[rows] += found
    return (
        most,
        depth,
        tuple(
            CallTime(rows=rows, mean_seconds=float(np.mean(took)), p95_seconds=float(np.quantile(took, 0.95)))
            for rows, took in seconds.items()
        ),
    )


def _own_seconds(gateway: Gateway, rough: Measurement, number: int) -> float:
    """Processor time a request, without the calls where they run in the gateway's process."""
    count = int(CLOSED_SECONDS / (rough.gateway_seconds + call_seconds(rough, 1)))
    request = gateway.request()

    def stretch() -> Stretch[tuple[float, int, int, int]]:
        before, started = gateway.counted(), time.monotonic()
        run = run_open_loop(  # all due at once: every connection asks as soon as it is answered
            gateway.port, request, np.zeros(count), connections=CLOSED_CONNECTIONS, patience_seconds=PATIENCE_SECONDS
        )
        took, after = time.monotonic() - started, gateway.counted()
        _check(run)
        used = min(after.cpu_seconds - before.cpu_seconds, took * rough.gateway_cores)
        counts = after.requests - before.requests, after.calls - before.calls, after.rows - before.rows
        return Stretch((used, *counts))

    used, requests, calls, rows = gateway.undisturbed(stretch, f"full load, {number + 1}")
    if rough.backend == "embedded":
        used -= calls * call_seconds(rough, rows / calls)
    return max(LEAST_OWN_SECONDS, used / requests)


def _median_seconds(gateway: Gateway, rate: float) -> float:
    runs = [_loaded(gateway, rate, MIDDLE_SECONDS, SEED + 1 + number)[1] for number in range(TIMES)]
    return statistics.median(float(np.median(_settled(run))) for run in runs)


def _curve(gateway: Gateway, wanted: Wanted, tell: Callable[[str], None]) -> Iterator[CurvePoint]:
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


def _loaded(gateway: Gateway, rate: float, seconds: float, seed: int) -> tuple[Counted, OpenLoopRun, Counted]:
    """A run between the gateway's counters before and after."""
    due, request = poisson_arrivals([Phase(rate, seconds)], seed), gateway.request()

    def stretch() -> Stretch[tuple[Counted, OpenLoopRun, Counted]]:
        before = gateway.counted()
        run = run_open_loop(gateway.port, request, due, connections=CONNECTIONS, patience_seconds=PATIENCE_SECONDS)
        _check(run)
        return Stretch((before, run, gateway.counted()), run.late_share)

    return gateway.undisturbed(stretch, f"{rate:,.0f} requests a second")


def _check(run: OpenLoopRun) -> None:
    bad = run.status[run.status != 200]
    if bad.size:
        raise NotServed(f"{bad.size} of {run.status.size} requests were not answered well, the first with {bad[0]}")


def _settled(run: OpenLoopRun) -> np.ndarray[Any, np.dtype[np.float64]]:
    return run.latency_seconds[int(SETTLING_SHARE * len(run.due)) :]
