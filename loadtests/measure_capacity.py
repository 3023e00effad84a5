"""Measures a gateway for the planner: S(b) by requests of b rows, its processor time, and a curve by open loop.

The gateway is on this machine (the generator speaks to loopback) and should have nothing else to do. S(b) is read from
the answers' receipts, so that a stretch in which somebody else had the core can be left out; a gateway forgets nothing.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
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
TIMES_EACH_SIZE = 20
"""Calls of a size in a row."""
MIDDLE_SHARE, MIDDLE_SECONDS = 0.4, 2.0
"""The share of what the core could do at which what passes outside is measured: requests that come seldom wait longer
for a sleeping processor than those of a busy time.
"""
CLOSED_CONNECTIONS, CLOSED_SECONDS = 16, 1.5
"""The gateway's own work is measured with the core full: on an idle one TensorFlow's threads spin, and are counted."""
LEAST_OWN_SECONDS = 1e-5
"""Beside a dear model the gateway's work can be lost in that of the calls; nothing is read and answered for less."""
SETTLING_SHARE = 0.1
CONNECTIONS = 256
HOW = """\
{rounds} rounds of all that follows, medians over them. S(b): {times} requests of 1, 2, 4, ... rows one after the other,
by their receipts. The gateway's work: its time a request less that of the calls, with {closed} always under way. What
passes outside: the median at {rate:.0f} requests a second less the predicted one. The curve: open loop, Poisson
arrivals, {seconds:g} s of each rate, the first tenth left out."""


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
    api_key: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class _Round:
    """Everything once, close together: a machine that slows down slows all of it."""

    calls: dict[int, list[float]]
    full: tuple[float, int, int, int]
    middle_seconds: float
    curve: dict[float, tuple[float, float, float, float]]


def measure(wanted: Wanted, tell: Callable[[str], None]) -> Measurement:
    """Raises NotServed where the gateway does not answer, or refuses requests."""
    with closing(Gateway(wanted.url, wanted.model, wanted.api_key)) as gateway:
        return _measured(gateway, wanted, tell)


def _measured(gateway: Gateway, wanted: Wanted, tell: Callable[[str], None]) -> Measurement:
    for _ in range(TIMES_EACH_SIZE):
        gateway.ask(1)
    most, depth, first_calls = learned_calls(gateway.stats())
    rough = Measurement(
        model=gateway.model.name,
        backend="tfserving" if wanted.backend == "tfserving" else "embedded",
        gateway_cores=wanted.gateway_cores,
        max_batch_rows=most,
        in_flight_batches=max(depth, 2),
        gateway_seconds=1e-4,
        wire_seconds=0.0,
        calls=first_calls,
    )
    alone = rough.gateway_seconds + call_seconds(rough, 1)
    rounds = []
    for number in range(wanted.repetitions):
        tell(f"round {number + 1} of {wanted.repetitions}")
        rounds.append(_round(gateway, wanted, rough, number, alone))
    rough = rough.model_copy(update={"calls": _call_times([one.calls for one in rounds])})
    own = statistics.median(_own_seconds(rough, *one.full) for one in rounds)
    rough = rough.model_copy(update={"gateway_seconds": own})
    rate = MIDDLE_SHARE / alone
    middle = statistics.median(one.middle_seconds for one in rounds)
    wire = max(0.0, middle - predicted(rough, as_measured(rough), rate).p50_seconds)
    for doubt in gateway.doubts:
        tell(f"in doubt: {doubt}; is the machine busy with something else?")
    how = HOW.format(
        rounds=wanted.repetitions,
        times=TIMES_EACH_SIZE,
        closed=CLOSED_CONNECTIONS,
        rate=rate,
        seconds=wanted.seconds,
    )
    told = " ".join([how.replace("\n", " "), *(f"In doubt: {doubt}." for doubt in gateway.doubts)])
    points = tuple(_point(rate, [one.curve[rate] for one in rounds]) for rate in wanted.rates)
    return rough.model_copy(update={"wire_seconds": wire, "curve": points, "how": told})


def _round(gateway: Gateway, wanted: Wanted, rough: Measurement, number: int, alone_seconds: float) -> _Round:
    def several(rows: int) -> Stretch[list[float]]:
        return Stretch([gateway.ask(rows) for _ in range(TIMES_EACH_SIZE)][1:])

    sizes = (*buckets_of(rough.max_batch_rows, ()),)
    calls = {rows: gateway.undisturbed(partial(several, rows), f"requests of {rows} rows") for rows in sizes}
    full = _full(gateway, rough, int(CLOSED_SECONDS / alone_seconds))
    _, middle, _ = _loaded(gateway, MIDDLE_SHARE / alone_seconds, MIDDLE_SECONDS, SEED + 2 * number)
    curve = {}
    for rate in wanted.rates:
        before, run, after = _loaded(gateway, rate, wanted.seconds, SEED + 2 * number + 1)
        latency = _settled(run)
        p50, p99 = np.quantile(latency, [0.5, 0.99])
        batch_rows = (after.rows - before.rows) / max(1, after.calls - before.calls)
        curve[rate] = (float(p50), float(p99), float(latency.mean()), batch_rows)
    return _Round(calls, full, float(np.median(_settled(middle))), curve)


def _call_times(rounds: Sequence[dict[int, list[float]]]) -> tuple[CallTime, ...]:
    """Medians over the rounds, of each one's mean and 95th percentile."""
    return tuple(
        CallTime(
            rows=rows,
            mean_seconds=statistics.median(float(np.mean(one[rows])) for one in rounds),
            p95_seconds=statistics.median(float(np.quantile(one[rows], 0.95)) for one in rounds),
        )
        for rows in rounds[0]
    )


def _full(gateway: Gateway, rough: Measurement, count: int) -> tuple[float, int, int, int]:
    """Of a stretch with the core full: processor seconds, requests, calls and rows."""
    request = gateway.request()

    def stretch() -> Stretch[tuple[float, int, int, int]]:
        before, started = gateway.counted(), time.monotonic()
        run = run_open_loop(  # all due at once: every connection asks as soon as it is answered
            gateway.port, [request], np.zeros(count), connections=CLOSED_CONNECTIONS, patience_seconds=PATIENCE_SECONDS
        )
        took, after = time.monotonic() - started, gateway.counted()
        _check(run)
        used = min(after.cpu_seconds - before.cpu_seconds, took * rough.gateway_cores)
        counts = after.requests - before.requests, after.calls - before.calls, after.rows - before.rows
        return Stretch((used, *counts))

    return gateway.undisturbed(stretch, "full load")


def _own_seconds(measured: Measurement, used: float, requests: int, calls: int, rows: int) -> float:
    """Processor time a request, without the calls where they run in the gateway's process."""
    if measured.backend == "embedded":
        used -= calls * call_seconds(measured, rows / calls)
    return max(LEAST_OWN_SECONDS, used / requests)


def _point(rate: float, rounds: Sequence[tuple[float, float, float, float]]) -> CurvePoint:
    p50s, p99s, means, rows = zip(*rounds, strict=True)
    return CurvePoint(
        rate_per_second=rate,
        p50_seconds=statistics.median(p50s),
        p99_seconds=statistics.median(p99s),
        mean_seconds=statistics.median(means),
        mean_batch_rows=statistics.median(rows),
        repetitions=len(rounds),
    )


def _loaded(gateway: Gateway, rate: float, seconds: float, seed: int) -> tuple[Counted, OpenLoopRun, Counted]:
    """A run between the gateway's counters before and after."""
    due, request = poisson_arrivals([Phase(rate, seconds)], seed), gateway.request()

    def stretch() -> Stretch[tuple[Counted, OpenLoopRun, Counted]]:
        before = gateway.counted()
        run = run_open_loop(gateway.port, [request], due, connections=CONNECTIONS, patience_seconds=PATIENCE_SECONDS)
        _check(run)
        return Stretch((before, run, gateway.counted()), run.late_share)

    return gateway.undisturbed(stretch, f"{rate:,.0f} requests a second")


def _check(run: OpenLoopRun) -> None:
    bad = run.status[run.status != 200]
    if bad.size:
        raise NotServed(f"{bad.size} of {run.status.size} requests were not answered well, the first with {bad[0]}")


def _settled(run: OpenLoopRun) -> np.ndarray[Any, np.dtype[np.float64]]:
    return run.latency_seconds[int(SETTLING_SHARE * len(run.due)) :]
