"""A gateway's own work in virtual time."""

from functools import partial

import pytest

from loadtests.simulation.arrivals import Arrival, poisson, requests
from loadtests.simulation.gateways import Calls, Place, Site, simulate_site
from loadtests.simulation.outcome import Outcome
from serving.batching.admission import QueueLimits
from serving.batching.policy import BatchingCore

LIMITS = QueueLimits(max_rows=8192, max_bytes=1 << 28)
CALL, OWN, WIRE = 1e-3, 1e-4, 2e-4


def run(arrivals: list[Arrival], site: Site, place: Place = "event_loop", *, slots: int = 1, rows: int = 1) -> Outcome:
    core = partial(BatchingCore, max_batch_rows=rows, slots=slots, limits=LIMITS)
    return simulate_site(site, core, arrivals, Calls(lambda _: CALL, lambda _: place), seed=1)


@pytest.mark.parametrize("place", ["event_loop", "same_core", "elsewhere"])
def test_a_request_by_itself_takes_its_reading_its_call_its_answer_and_the_wire(place: Place) -> None:
    outcome = run([Arrival(1.0, 10.0)], Site(OWN, WIRE), place)
    assert outcome.latencies.tolist() == pytest.approx([OWN + CALL + WIRE])


def test_calls_in_the_loop_hold_up_reading_and_calls_elsewhere_do_not() -> None:
    """Two requests, the second while the first one's call runs; batches of one, two of them may be in flight."""
    arrivals = [Arrival(1.0, 10.0), Arrival(1.0 + CALL / 2, 10.0)]
    site = Site(OWN, devices=2)
    in_loop = run(arrivals, site, "event_loop", slots=2).latencies
    elsewhere = run(arrivals, site, "elsewhere", slots=2).latencies
    assert elsewhere.tolist() == pytest.approx([OWN + CALL, OWN + CALL])
    assert in_loop[1] == pytest.approx((OWN + CALL) * 2 - CALL / 2)


def test_a_call_beside_the_loop_on_its_one_core_stands_still_while_the_loop_reads() -> None:
    arrivals = [Arrival(1.0, 10.0), Arrival(1.0 + CALL / 2, 10.0)]
    shared = run(arrivals, Site(OWN), "same_core").latencies
    assert shared[0] == pytest.approx(OWN + CALL + OWN / 2)


def test_the_gateways_own_work_is_what_saturates_before_a_quick_model() -> None:
    """10,000 a second at 0.1 ms each fill the core: at 1.1 times that the queue grows, at 0.8 it does not."""
    quick = Calls(lambda _: 1e-6, lambda _: "event_loop")
    core = partial(BatchingCore, max_batch_rows=64, slots=1, limits=LIMITS)
    calm, over = (
        simulate_site(Site(OWN), core, requests(poisson(load / OWN, 1), 3000, 10.0), quick, seed=1)
        for load in (0.8, 1.1)
    )
    assert calm.latency_seconds(0.5) < 5 * OWN
    assert over.latency_seconds(0.5) > 50 * OWN


def test_batches_share_the_devices_of_a_site() -> None:
    """Four requests at once before two devices: two rounds of calls."""
    arrivals = [Arrival(1.0, 10.0)] * 4
    outcome = run(arrivals, Site(1e-9, gateways=2, devices=2), "elsewhere", slots=4)
    assert max(outcome.latencies) == pytest.approx(2 * CALL, rel=1e-3)


def test_every_request_ends_once_whatever_the_load() -> None:
    for place in ("event_loop", "same_core", "elsewhere"):
        outcome = run(requests(poisson(1200.0, 2), 500, 0.01), Site(OWN, gateways=2), place, slots=2)
        assert outcome.lost == 0


@pytest.mark.parametrize("site", [Site(OWN, gateways=0), Site(OWN, devices=0)])
def test_a_site_of_nothing_is_refused(site: Site) -> None:
    with pytest.raises(ValueError, match="at least one"):
        run([Arrival(1.0, 1.0)], site)
