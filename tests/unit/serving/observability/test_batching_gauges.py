"""The batcher's metrics, from a core that has been at work."""

from collections.abc import Callable

from serving.batching.policy import BatchingCore
from serving.errors import BackendUnavailable
from serving.observability.batching_gauges import batching_gauges, shed_totals
from serving.observability.metrics import Gauges
from tests.unit.serving.batching.cores import answered_after, new_core, submission
from tests.unit.serving.observability.exposition import Scrape

MODEL = {"model_name", "model_version", "signature"}
LABELS = {
    "penstock_batch_limit_rows": MODEL,
    "penstock_batch_fixed_seconds": MODEL,
    "penstock_batch_row_seconds": MODEL,
    "penstock_backend_prediction_error": MODEL,
    "penstock_latency_prediction_error": MODEL,
    "penstock_breaker_open": MODEL,
}


def scrape(core: BatchingCore, now: float = 100.0) -> Scrape:
    return Scrape(Gauges(lambda: batching_gauges(core.explain(now))))


def value(core: BatchingCore, name: str) -> float:
    (found,) = (sample.value for sample in scrape(core).samples if sample.name == name)
    return found


def busy(seconds: Callable[[int], float] = lambda rows: 0.5 + 0.25 * rows) -> BatchingCore:
    """A core whose calls of 1 to 4 rows took as long as `seconds` says, over and over."""
    core = new_core()
    for number in range(12):
        answered_after(core, submission(number, 1 + number % 4), seconds, now=2.0 * number)
    return core


def test_names_and_labels_are_those_of_the_page() -> None:
    assert scrape(busy()).labels() == LABELS


def test_what_a_rule_ended_is_told_by_model_and_rule() -> None:
    core = busy()
    for number in (98, 99):
        core.submit(submission(number, deadline_seconds=0.0), 100.0)
    (key, number), *others = shed_totals(core.explain(100.0)).items()
    assert (key[-1], number, others) == ("expired", 2, [])


def test_what_a_rule_ended_stays_counted_when_one_of_two_queues_is_forgotten_until_both_are() -> None:
    core = busy()
    answered_after(core, submission(50, allowed_batch_rows=(4,)), lambda _: 1.0, now=90.0)
    told = []
    for forgotten_before in (0.0, 60.0, 100.0):
        for number, allowed in ((97, ()), (98, (4,)), (99, (4,))):
            core.submit(submission(number, deadline_seconds=0.0, allowed_batch_rows=allowed), 100.0)
        core.forget(lambda _: False, forgotten_before)
        facts = core.explain(100.0)
        told.append((len(facts.queues), list(shed_totals(facts).values())))
    assert told == [(2, [3]), (1, [6]), (0, [])]


def test_what_was_learned_is_shown() -> None:
    core = busy()
    assert round(value(core, "penstock_batch_fixed_seconds"), 6) == 0.5
    assert round(value(core, "penstock_batch_row_seconds"), 6) == 0.25
    assert value(core, "penstock_batch_limit_rows") == 4
    assert value(core, "penstock_backend_prediction_error") < 0.5


def test_a_breaker_that_is_open_shows() -> None:
    core = busy()
    core.submit(submission(50), 50.0)
    core.fill_slots(50.0)
    assert value(core, "penstock_breaker_open") == 0.0
    core.batch_failed(12, BackendUnavailable("nobody answers"), 50.0)
    assert value(core, "penstock_breaker_open") == 1.0
