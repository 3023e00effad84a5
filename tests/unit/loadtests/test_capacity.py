"""What the planner predicts and recommends."""

import pytest

from loadtests.capacity import (
    Choice,
    Objective,
    Unreachable,
    as_measured,
    capacity_per_second,
    predicted,
    recommended,
)
from loadtests.measurement import CallTime, Measurement

NUMBER = 1_500
"""Of requests, where no p99 is held to a figure."""


def measurement(
    *, backend: str = "embedded", first_ms: float = 2.0, row_ms: float = 0.1, gateway_us: float = 100.0
) -> Measurement:
    """S(b) = first + row * (b - 1), without noise."""
    seconds = {rows: (first_ms + row_ms * (rows - 1)) / 1e3 for rows in (1, 8, 64)}
    return Measurement(
        model="m",
        backend="tfserving" if backend == "tfserving" else "embedded",
        gateway_cores=1,
        max_batch_rows=64,
        in_flight_batches=2,
        gateway_seconds=gateway_us / 1e6,
        wire_seconds=1e-4,
        calls=tuple(CallTime(rows=rows, mean_seconds=each, p95_seconds=each) for rows, each in seconds.items()),
    )


def test_hardly_any_load_takes_what_a_request_takes_by_itself() -> None:
    found = predicted(measurement(), as_measured(measurement()), 1.0, number=200)
    assert found.p50_seconds == pytest.approx(2e-3 + 1e-4 + 1e-4, rel=0.001)
    assert found.mean_batch_rows == pytest.approx(1.0, abs=0.02)


def test_latency_and_batches_grow_with_the_rate() -> None:
    found = [predicted(measurement(), as_measured(measurement()), rate, number=NUMBER) for rate in (50, 400, 1500)]
    assert found[0].p99_seconds < found[1].p99_seconds < found[2].p99_seconds
    assert found[0].mean_batch_rows < found[1].mean_batch_rows < found[2].mean_batch_rows


def test_the_capacity_counts_the_gateways_work_on_the_models_core() -> None:
    call = (2.0 + 0.1 * 63) / 64 / 1e3
    on_one_core = capacity_per_second(measurement(), Choice(64, 2))
    elsewhere = capacity_per_second(measurement(backend="tfserving"), Choice(64, 2, 1, 1))
    assert on_one_core == pytest.approx(1 / (call + 1e-4))
    assert elsewhere == pytest.approx(min(1 / call, 1e4))


def test_embedded_replicas_are_as_many_as_the_core_needs_and_one_fewer_is_not_enough() -> None:
    measured, objective = measurement(), Objective(8_000.0, 0.02)
    plan = recommended(measured, objective, number=NUMBER)
    assert plan.choice.model_servers is None
    assert plan.predicted.meets(objective)
    assert plan.gateway_share <= 1
    fewer = Choice(plan.choice.batch_rows, measured.in_flight_batches, plan.choice.gateways - 1)
    assert not predicted(measured, fewer, objective.rate_per_second, number=NUMBER).meets(objective)


def test_the_batch_is_one_whose_time_fits_twice_into_the_objective() -> None:
    """Rule 2: S(B) = 2 + 0.1 (B - 1) ms, so B = 31 is the last with 2 S(B) <= 10 ms, whatever is played."""
    assert recommended(measurement(), Objective(100.0, 0.010), number=200).choice.batch_rows == 31


def test_a_remote_model_is_given_servers_for_its_calls_and_gateways_for_the_rest() -> None:
    quick_gateway = recommended(
        measurement(backend="tfserving", row_ms=0.5, gateway_us=20), Objective(3_000.0, 0.1), number=NUMBER
    )
    assert (quick_gateway.choice.gateways, quick_gateway.choice.model_servers) == (1, 2)
    slow_gateway = recommended(
        measurement(backend="tfserving", row_ms=0.01, gateway_us=500), Objective(3_000.0, 0.1), number=NUMBER
    )
    assert slow_gateway.choice.gateways == 2
    assert slow_gateway.choice.model_servers == 1


def test_an_objective_below_what_one_request_takes_is_told_so() -> None:
    with pytest.raises(Unreachable, match="by itself"):
        recommended(measurement(), Objective(10.0, 0.001))


def test_an_objective_that_no_replicas_reach_ends() -> None:
    """A request by itself takes 2.2 ms on average, but its p99 is twice that: replicas do not help."""
    noisy = measurement().model_copy(update={"calls": (CallTime(rows=1, mean_seconds=2e-3, p95_seconds=4e-3),)})
    with pytest.raises(Unreachable, match="not enough"):
        recommended(noisy, Objective(50.0, 0.0024), number=300)
