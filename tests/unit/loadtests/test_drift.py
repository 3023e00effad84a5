"""What grew or slowed down over a run, and what only seemed to."""

from collections.abc import Callable

import pytest

from loadtests.drift import drifts
from loadtests.latencies import Latencies
from loadtests.run_result import Interval, RunResult, ServerSample

SECONDS = 400


def a_soak(
    *,
    megabytes: Callable[[float], float] = lambda _: 200,
    files: Callable[[float], int] = lambda _: 40,
    threads: Callable[[float], int] = lambda _: 12,
    p99: Callable[[float], float] = lambda _: 0.01,
    seconds: int = SECONDS,
) -> RunResult:
    """A reading and an interval each second; what is given takes the part of the run that has passed."""
    parts = [(second, second / seconds) for second in range(seconds)]
    return RunResult(
        generator="locust",
        scenario="soak",
        protocol="rest",
        url="http://127.0.0.1:8080",
        model="digits",
        command=("penstock", "loadtest", "soak"),
        started_at="2026-01-01T00:00:00+00:00",
        seconds=seconds,
        sent=seconds,
        good=seconds,
        statuses={"200": seconds},
        latency=Latencies.of([0.001]).encoded(),
        intervals=tuple(
            Interval(at_seconds=second, sent=1, good=1, failed=0, p99_seconds=p99(part)) for second, part in parts
        ),
        server=tuple(
            ServerSample(
                at_seconds=second,
                resident_bytes=round(megabytes(part) * 1e6),
                open_files=files(part),
                threads=threads(part),
            )
            for second, part in parts
        ),
    )


def broken(run: RunResult) -> list[str]:
    return [drift.rule.what for drift in drifts(run) if not drift.is_held]


def test_a_server_that_stays_as_it_was_holds_every_rule() -> None:
    found = drifts(a_soak())
    assert [drift.rule.what for drift in found] == ["memory", "open files", "threads", "p99 of a second"]
    assert broken(a_soak()) == []
    assert str(found[0]) == "held    memory: 200 MB early, 200 MB late, +0.0%; at most +5%"


@pytest.mark.parametrize(
    ("run", "what"),
    [
        (a_soak(megabytes=lambda part: 200 + 30 * part), "memory"),
        (a_soak(files=lambda part: 40 + int(6 * part)), "open files"),
        (a_soak(threads=lambda part: 12 if part < 0.6 else 13), "threads"),
        (a_soak(p99=lambda part: 0.01 + 0.003 * part), "p99 of a second"),
    ],
)
def test_what_grows_is_found(run: RunResult, what: str) -> None:
    assert broken(run) == [what]


@pytest.mark.parametrize(
    "run",
    [
        a_soak(megabytes=lambda part: 100 + 400 * min(part, 0.2)),
        a_soak(megabytes=lambda part: 200 + 8 * part),
        a_soak(files=lambda part: 41 if part > 0.8 else 40),
        a_soak(p99=lambda part: 5.0 if 0.7 < part < 0.75 else 0.01),
        a_soak(p99=lambda part: 0.02 - 0.01 * part),
        a_soak(threads=lambda part: 14 if part < 0.5 else 12),
    ],
    ids=["warming up", "a little", "a connection replaced", "a pause", "quicker", "fewer"],
)
def test_what_is_no_drift_is_not_taken_for_one(run: RunResult) -> None:
    assert broken(run) == []


def test_a_short_run_is_told_and_not_judged() -> None:
    run = a_soak(seconds=20, megabytes=lambda part: 200 + 200 * part)
    assert broken(run) == []
    assert str(drifts(run)[0]).endswith("not judged: 5 readings a third, 10 are needed")


def test_what_was_read_after_the_load_is_no_part_of_it() -> None:
    run = a_soak()
    after = tuple(
        ServerSample(at_seconds=SECONDS + second, resident_bytes=10**10, open_files=5, threads=99)
        for second in range(300)
    )
    assert drifts(run.model_copy(update={"server": run.server + after})) == drifts(run)


def test_without_a_watched_server_the_latency_alone_is_judged() -> None:
    run = a_soak().model_copy(update={"server": ()})
    assert [drift.rule.what for drift in drifts(run)] == ["p99 of a second"]
