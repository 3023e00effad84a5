"""Runs as a generator leaves them: whole, with hostile names, and with nothing in them."""

import numpy as np
import pytest

from loadtests.latencies import Latencies
from loadtests.run_result import Interval, RunResult, ServerSample

HOSTILE = '<script>alert("1")</script>'


@pytest.fixture(scope="session")
def whole() -> RunResult:
    seconds = np.random.default_rng(1).lognormal(-6, 1, 1_990)
    quick = Interval(
        at_seconds=0, sent=1_000, good=1_000, failed=0, p50_seconds=0.0021, p99_seconds=0.0307, max_seconds=0.0411
    )
    broken = Interval(at_seconds=1, sent=1_000, good=987, failed=13)
    return RunResult(
        generator="open_loop",
        scenario="poisson",
        protocol="rest",
        url="http://127.0.0.1:8080",
        model="digits",
        command=("penstock", "loadtest", "open-loop", "--name", "two words"),
        started_at="2026-01-01T00:00:00+00:00",
        seconds=2.0,
        offered_per_second=1_003.0,
        sent=2_000,
        good=1_987,
        statuses={"200": 1_987, "503": 3, "0": 10},
        errors={"Overloaded": 3},
        latency=Latencies.of(seconds).encoded(),
        latency_from_sent=Latencies.of(seconds * 0.9).encoded(),
        lateness=Latencies.of([0.0001, 0.00047]).encoded(),
        intervals=(quick, broken),
        server=(
            ServerSample(at_seconds=0.0, cpu_seconds=10.0, resident_bytes=400 << 20, queue_rows=0.0),
            ServerSample(at_seconds=2.0, cpu_seconds=11.5, resident_bytes=410 << 20, queue_rows=37.0),
        ),
        environment={"cores": "2", "commit": "abcdef"},
    )


@pytest.fixture(scope="session")
def hostile(whole: RunResult) -> RunResult:
    return whole.model_copy(
        update={
            "model": HOSTILE,
            "scenario": HOSTILE,
            "url": HOSTILE,
            "command": (HOSTILE,),
            "errors": {HOSTILE: 3},
            "invalid_because": HOSTILE,
            "environment": {HOSTILE: HOSTILE},
        }
    )


@pytest.fixture(scope="session")
def empty(whole: RunResult) -> RunResult:
    """A closed loop whose users never asked."""
    nothing = Latencies().encoded()
    without = {"latency_from_sent": None, "lateness": None, "offered_per_second": None, "intervals": (), "server": ()}
    none = {"sent": 0, "good": 0, "statuses": {}, "errors": {}, "environment": {}, "latency": nothing}
    return whole.model_copy(update={"generator": "locust", "seconds": 0.0} | without | none)
