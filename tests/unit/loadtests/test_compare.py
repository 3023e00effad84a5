"""Which change between two runs counts as one."""

import numpy as np
import pytest

from loadtests.compare import Figure, NotComparable, bench_figures, compare, compare_runs, run_figures
from loadtests.latencies import Latencies
from loadtests.run_result import Interval, RunResult

STEADY = (1.00, 1.01, 0.99, 1.02, 0.98)
NOISY = (0.5, 1.0, 2.0, 0.7, 1.4)


def times(samples: tuple[float, ...], factor: float) -> tuple[float, ...]:
    return tuple(factor * sample for sample in samples)


def run(*, p99_seconds: float = 0.01, model: str = "digits", invalid_because: str | None = None) -> RunResult:
    """Thirty whole seconds of 100 good answers, a p99 that wanders by a tenth, and a part of a second at the end."""
    intervals = [
        Interval(at_seconds=at, sent=100, good=100, failed=0, p99_seconds=p99_seconds * (1 + 0.1 * (at % 3 - 1)))
        for at in range(30)
    ]
    part = Interval(at_seconds=30, sent=3, good=3, failed=0, p99_seconds=9.0)
    return RunResult(
        generator="open_loop",
        scenario="steady",
        protocol="rest",
        url="http://127.0.0.1:8080",
        model=model,
        command=("penstock",),
        started_at="2026-01-01T00:00:00Z",
        seconds=30.2,
        offered_per_second=100.0,
        sent=3003,
        good=3003,
        statuses={"200": 3003},
        latency=Latencies.of([0.001]).encoded(),
        invalid_because=invalid_because,
        intervals=(*intervals, part),
        environment={"cores": "2"},
    )


@pytest.mark.parametrize(
    ("more_is_better", "factor", "verdict"),
    [
        (False, 1.2, "worse"),
        (False, 0.8, "better"),
        (True, 1.2, "better"),
        (True, 0.8, "worse"),
        (False, 1.02, "same"),
    ],
)
def test_a_change_of_steady_samples_is_found_and_its_direction_known(
    *, more_is_better: bool, factor: float, verdict: str
) -> None:
    first = Figure("f", "ms", STEADY, more_is_better)
    (found,) = compare([first], [Figure("f", "ms", times(STEADY, factor), more_is_better)], seed=1).figures
    assert found.verdict(0.05) == verdict
    assert found.factor == pytest.approx(1 / factor if more_is_better else factor)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.factor <= found.high


def test_the_same_change_among_noise_is_no_verdict() -> None:
    found = compare([Figure("f", "ms", NOISY)], [Figure("f", "ms", times(NOISY, 1.2))], seed=1)
    assert found.figures[0].verdict(0.05) == "same"
    assert found.worse(0.05) == []


def test_two_samples_are_told_and_not_judged() -> None:
    (found,) = compare([Figure("f", "ms", (1.0, 1.0))], [Figure("f", "ms", (9.0, 9.0))], seed=1).figures
    assert (found.factor, found.low, found.verdict(0.05)) == (9.0, None, "unknown")


def test_the_seed_decides_the_interval() -> None:
    def ends(seed: int) -> tuple[float | None, float | None]:
        found = compare([Figure("f", "ms", NOISY)], [Figure("f", "ms", times(NOISY, 1.1))], seed).figures[0]
        return found.low, found.high

    assert ends(3) == ends(3)


def test_an_interval_misses_the_truth_about_as_seldom_as_it_says() -> None:
    """Of forty pairs that differ by chance alone about two may miss 1."""
    random = np.random.default_rng(1)
    missed = 0
    for seed in range(40):
        ours, theirs = (tuple(random.normal(10, 1, 20).tolist()) for _ in range(2))
        (found,) = compare([Figure("f", "ms", ours)], [Figure("f", "ms", theirs)], seed).figures
        missed += found.verdict(0.0) != "same"
    assert missed <= 6


def test_neighbours_that_are_alike_widen_the_interval() -> None:
    waves = tuple(1.0 + 0.5 * (place // 5 % 2) for place in range(40))
    alone, blocks = (
        compare([Figure("f", "ms", waves, block=block)], [Figure("f", "ms", waves, block=block)], seed=1).figures[0]
        for block in (1, 5)
    )
    assert alone.low is not None
    assert blocks.low is not None
    assert blocks.low <= alone.low


def test_rows_of_a_benchmark_become_rates_and_times() -> None:
    sample = {"requests": 100, "seconds": 2.0, "cpu_seconds": 1.0, "p50_ms": 3.0, "p99_ms": 4.0}
    found = {
        figure.name: figure
        for figure in bench_figures(
            {"json": {"clock": "wall", "samples": [sample]}, "grpc": {"clock": "processor", "samples": [sample]}}
        )
    }
    assert found["json: rate"].samples == (50.0,)
    assert found["grpc: rate"].samples == (100.0,)
    assert found["json: rate"].more_is_better
    assert not found["json: p99"].more_is_better
    assert found["json: p99"].samples == (4.0,)


@pytest.mark.parametrize("row", [{}, {"clock": "wall", "samples": []}, {"clock": "wall", "samples": [{"requests": 1}]}])
def test_rows_of_another_shape_are_refused(row: dict[str, object]) -> None:
    with pytest.raises(NotComparable):
        bench_figures({"json": row})


def test_no_common_figure_is_refused_and_others_are_named() -> None:
    with pytest.raises(NotComparable):
        compare([Figure("a", "ms", STEADY)], [Figure("b", "ms", STEADY)], seed=1)
    found = compare([Figure("a", "ms", STEADY), Figure("b", "ms", STEADY)], [Figure("b", "ms", STEADY)], seed=1)
    assert found.only_one_has == ("a",)


def test_the_part_of_a_second_at_a_runs_end_does_not_count() -> None:
    figures = {figure.name: figure for figure in run_figures(run())}
    assert set(figures) == {"goodput", "p99"}
    assert figures["goodput"].samples == (100.0,) * 30
    assert max(figures["p99"].samples) == pytest.approx(11)


def test_a_run_that_became_slower_is_told_by_its_seconds() -> None:
    found = compare_runs(run(), run(p99_seconds=0.015), seed=1)
    assert [figure.name for figure in found.worse(0.05)] == ["p99"]
    assert compare_runs(run(), run(), seed=1).worse(0.05) == []


@pytest.mark.parametrize(("other", "told"), [(run(model="iris"), "model is"), (run(invalid_because="late"), "invalid")])
def test_runs_of_something_else_and_invalid_ones_are_refused(other: RunResult, told: str) -> None:
    with pytest.raises(NotComparable, match=told):
        compare_runs(run(), other, seed=1)
