"""Objectives: read from TOML, held or missed, each with its reason."""

from pathlib import Path

import pytest

from loadtests.latencies import Latencies
from loadtests.run_result import RunResult
from loadtests.slo import Objective, judge, parse_objective

ROOT = Path(__file__).parents[3]


def a_run(*, sent: int = 1000, good: int = 999, invalid_because: str | None = None) -> RunResult:
    """Ten seconds; latencies of 1 to 100 ms, as many of each."""
    return RunResult(
        generator="locust",
        scenario="steady",
        protocol="rest",
        url="http://127.0.0.1:8080",
        model="digits",
        command=("penstock", "loadtest"),
        started_at="2026-01-01T00:00:00+00:00",
        seconds=10,
        sent=sent,
        good=good,
        statuses={"200": good, "503": sent - good},
        latency=Latencies.of(place / 1000 for place in range(1, 101) if sent).encoded(),
        invalid_because=invalid_because,
    )


@pytest.mark.parametrize(
    ("objective", "is_held"),
    [
        (Objective(), True),
        (Objective(p50_milliseconds=51, p95_milliseconds=96, p99_milliseconds=100), True),
        (Objective(p50_milliseconds=49), False),
        (Objective(p95_milliseconds=94), False),
        (Objective(p99_milliseconds=98), False),
        (Objective(errors_percent=0.1), True),
        (Objective(errors_percent=0.09), False),
        (Objective(goodput_per_second=99.9), True),
        (Objective(goodput_per_second=100), False),
    ],
)
def test_a_bound_is_held_up_to_itself(objective: Objective, *, is_held: bool) -> None:
    assert judge(a_run(), objective, "steady").met is is_held


def test_the_reasons_tell_every_bound_with_what_was_measured() -> None:
    verdict = judge(a_run(), Objective(p99_milliseconds=50, errors_percent=1, goodput_per_second=200), "steady")
    assert verdict.reasons == (
        "MISSED  p99: 99.01 ms, wanted at most 50 ms",
        "held    errors: 0.1 %, wanted at most 1 %",
        "MISSED  goodput: 99.9 /s, wanted at least 200 /s",
    )


def test_a_run_without_answers_holds_no_bound() -> None:
    verdict = judge(a_run(sent=0, good=0), Objective(p50_milliseconds=1000, errors_percent=100), "steady")
    assert not verdict.met
    assert verdict.reasons[0] == "MISSED  p50: none was measured, wanted at most 1000 ms"
    assert [reason.split()[0] for reason in verdict.reasons] == ["MISSED", "MISSED"]


def test_an_invalid_run_holds_nothing_and_says_why() -> None:
    verdict = judge(a_run(invalid_because="the generator fell behind"), Objective(errors_percent=1), "steady")
    assert not verdict.met
    assert verdict.reasons[0] == "MISSED  the run is invalid: the generator fell behind"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "p98_milliseconds = 1",
            "mine.toml: p98_milliseconds: Extra inputs are not permitted; an objective may have p50",
        ),
        ("p99_milliseconds = 0", "mine.toml: p99_milliseconds: Input should be greater than 0"),
        ("errors_percent = nan", "mine.toml: errors_percent: Input should be a finite number"),
        ("p99", "mine.toml: "),
    ],
)
def test_what_is_no_objective_is_refused_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_objective(text, "mine.toml")


def test_the_shipped_objectives_can_be_read() -> None:
    files = sorted((ROOT / "loadtests" / "slo").glob("*.toml"))
    assert [file.stem for file in files] == ["default", "spike"]
    for file in files:
        objective = parse_objective(file.read_text(), file.name)
        assert None not in objective.model_dump().values()
