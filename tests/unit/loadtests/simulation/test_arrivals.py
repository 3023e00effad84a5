"""Streams of requests: their rates, their order, and how uneven they are."""

from collections.abc import Callable, Iterator
from itertools import islice
from statistics import mean, variance

import pytest

from loadtests.simulation.arrivals import Arrival, bursty, clumped, constant, poisson, requests, together

RATE, NUMBER = 50.0, 20_000
STREAMS: dict[str, Callable[[int], Iterator[float]]] = {
    "constant": lambda _: constant(RATE),
    "poisson": lambda seed: poisson(RATE, seed),
    "bursty": lambda seed: bursty(RATE, seed, spell_seconds=0.5),
    "clumped": lambda seed: clumped(RATE, seed, mean_size=4.0),
}


@pytest.mark.parametrize("name", STREAMS)
def test_stream_has_its_rate_and_order(name: str) -> None:
    times = list(islice(STREAMS[name](1), NUMBER))
    assert times == sorted(times)
    assert NUMBER / times[-1] == pytest.approx(RATE, rel=0.1)


@pytest.mark.parametrize("name", ["poisson", "bursty", "clumped"])
def test_same_seed_same_stream(name: str) -> None:
    first, again, other = (list(islice(STREAMS[name](seed), 100)) for seed in (1, 1, 2))
    assert first == again != other


def test_counts_per_second_are_as_uneven_as_the_kind_says() -> None:
    """Variance over mean: 0 for clockwork, 1 for Poisson, more for the other two."""
    unevenness = {name: dispersion(list(islice(new(1), NUMBER))) for name, new in STREAMS.items()}
    assert unevenness["constant"] < 0.1
    assert unevenness["poisson"] == pytest.approx(1.0, abs=0.3)
    assert unevenness["bursty"] > 3.0
    assert unevenness["clumped"] > 3.0


def dispersion(times: list[float]) -> float:
    counts = [0] * (int(times[-1]) + 1)
    for time in times:
        counts[int(time)] += 1
    return variance(counts[:-1]) / mean(counts[:-1])


def test_clumps_come_at_one_instant() -> None:
    times = list(islice(clumped(RATE, 1, mean_size=4.0), NUMBER))
    assert NUMBER / len(set(times)) == pytest.approx(4.0, rel=0.1)


def test_streams_together_keep_the_order_of_time() -> None:
    one, two = (requests(constant(rate), 5, 1.0, tenant=name) for rate, name in ((1.0, "a"), (2.0, "b")))
    mixed = together(one, two)
    assert [arrival.at_seconds for arrival in mixed] == sorted(a.at_seconds for a in one + two)
    assert {arrival.tenant for arrival in mixed} == {"a", "b"}


def test_deadline_is_arrival_and_patience() -> None:
    assert Arrival(3.0, 0.5).deadline_seconds == 3.5
