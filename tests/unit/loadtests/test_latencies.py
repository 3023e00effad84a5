"""What a histogram of latencies tells of all that it counted."""

import math

import numpy as np
import pytest

from loadtests.latencies import Latencies

SECONDS = np.random.default_rng(3).lognormal(-6, 2, 3_000)


@pytest.fixture(params=["as it was filled", "as it was written down"])
def latencies(request: pytest.FixtureRequest) -> Latencies:
    found = Latencies.of(SECONDS)
    return found if request.param == "as it was filled" else Latencies.decoded(found.encoded())


def test_each_latency_is_recorded_to_three_digits(latencies: Latencies) -> None:
    values, counts = latencies.recorded()
    assert counts.sum() == len(SECONDS)
    assert (counts > 0).all()
    assert (np.diff(values) > 0).all()
    np.testing.assert_allclose(np.repeat(values, counts), np.sort(SECONDS), rtol=1e-3, atol=1e-6)


def test_the_mean_is_right_to_three_digits(latencies: Latencies) -> None:
    assert latencies.mean_seconds == pytest.approx(SECONDS.mean(), rel=1e-3)


def test_percentiles_are_among_what_was_recorded(latencies: Latencies) -> None:
    values, counts = latencies.recorded()
    reached = values[np.searchsorted(np.cumsum(counts), [0.5 * len(SECONDS), 0.99 * len(SECONDS)])]
    assert [latencies.percentile_seconds(percent) for percent in (50, 99)] == reached.tolist()


def test_of_nothing_nothing_is_recorded_and_there_is_no_mean() -> None:
    assert [found.tolist() for found in Latencies().recorded()] == [[], []]
    assert math.isnan(Latencies().mean_seconds)
