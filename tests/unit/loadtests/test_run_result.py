"""The file of a run, and the histograms in it."""

from pathlib import Path

import numpy as np
import pytest

from loadtests.latencies import Latencies
from loadtests.run_result import RunResult


def run_of(latencies: Latencies, *, sent: int = 10, good: int = 9) -> RunResult:
    return RunResult(
        generator="open_loop",
        scenario="steady",
        protocol="rest",
        url="http://127.0.0.1:8080",
        model="digits",
        command=("penstock", "loadtest"),
        started_at="2026-01-01T00:00:00+00:00",
        seconds=2.0,
        sent=sent,
        good=good,
        statuses={"200": good, "503": sent - good},
        latency=latencies.encoded(),
    )


def test_percentiles_are_right_to_three_digits() -> None:
    seconds = np.random.default_rng(1).lognormal(-6, 1.5, 20_000)
    found = Latencies.of(seconds)
    for percent in (50, 90, 99, 99.5):
        assert found.percentile_seconds(percent) == pytest.approx(
            np.percentile(seconds, percent, method="inverted_cdf"), rel=2e-3
        )
    assert found.count == len(seconds)
    assert found.mean_seconds == pytest.approx(seconds.mean(), rel=2e-3)


def test_histograms_of_two_processes_add_up_to_that_of_one() -> None:
    seconds = np.random.default_rng(2).lognormal(-6, 1, 4_000)
    first, second = Latencies.of(seconds[:1_000]), Latencies.of(seconds[1_000:])
    first.merge(Latencies.decoded(second.encoded()))
    assert first.count == len(seconds)
    assert first.percentile_seconds(99) == Latencies.of(seconds).percentile_seconds(99)


def test_what_had_no_answer_has_no_latency() -> None:
    found = Latencies.of([0.001, float("nan"), 0.003])
    assert found.count == 2
    assert np.isnan(Latencies().percentile_seconds(50))


def test_a_latency_beyond_the_range_counts_at_its_end() -> None:
    found = Latencies.of([1e-9, 1e6])
    assert found.count == 2
    assert found.max_seconds == pytest.approx(3600, rel=1e-3)


def test_a_result_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    result = run_of(Latencies.of([0.001] * 9))
    result.write(tmp_path / "run.json")
    read = RunResult.read(tmp_path / "run.json")
    assert read == result
    assert read.latencies.count == 9
    assert (read.failed, read.error_rate, read.goodput_per_second) == (1, 0.1, 4.5)


@pytest.mark.parametrize(("text", "place"), [("{}", "generator"), ("[]", "the file"), ("not json", "the file")])
def test_a_file_that_is_no_result_is_refused_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ValueError, match=rf"run\.json is no result of a load test: {place}"):
        RunResult.read(tmp_path / "run.json")


def test_what_is_no_histogram_is_refused() -> None:
    with pytest.raises(ValueError, match="HdrHistogram"):
        Latencies.decoded("AAAA")
