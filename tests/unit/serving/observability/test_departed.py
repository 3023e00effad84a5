"""How long figures of versions that have gone are shown."""

from prometheus_client.core import CounterMetricFamily

from serving.observability.departed import SHOWN_SECONDS, Departed, ShownFigures
from serving.observability.metrics import RequestMetrics

FIRST, SECOND = ("digits", "1"), ("digits", "2")
BOTH = {FIRST, SECOND}


def counted() -> RequestMetrics:
    """Requests of two versions, and one that named no model there is."""
    metrics = RequestMetrics()
    for version in ("1", "2"):
        metrics.request_finished(("digits", version, "serving_default", "http", 200), 0.01)
    metrics.request_finished(("_unknown", "", "", "http", 404), 0.01)
    metrics.request_rejected("digits", "InvalidInput")
    return metrics


def test_a_version_that_went_is_gone_after_a_while_and_not_when_it_is_back() -> None:
    departed = Departed(10.0)
    assert departed.gone(BOTH, BOTH, 0.0) == set()
    assert departed.gone(BOTH, {SECOND}, 9.0) == set()
    assert departed.gone(BOTH, {SECOND}, 10.0) == {FIRST}
    assert departed.gone(BOTH, {FIRST}, 11.0) == set()


def test_one_that_was_never_seen_there_is_there_when_its_figures_come() -> None:
    departed = Departed(10.0)
    assert departed.gone([FIRST], set(), 50.0) == set()
    assert departed.gone(BOTH, set(), 59.0) == set()
    assert departed.gone(BOTH, set(), 60.0) == {FIRST}
    assert departed.gone([SECOND], set(), 61.0) == set()
    assert departed.gone(BOTH, set(), 69.0) == {SECOND}


def test_what_is_of_no_version_is_never_gone() -> None:
    departed = Departed(10.0)
    assert [departed.gone([("_unknown", "")], set(), now) for now in (0.0, 10.0)] == [set(), set()]


def test_a_scrape_leaves_them_out_and_what_is_of_no_version_stays() -> None:
    now = [0.0]
    figures = ShownFigures(counted().ledger, lambda: {SECOND}, lambda: now[0])
    assert answered(figures) == {"1", "2", ""}
    now[0] = SHOWN_SECONDS
    assert answered(figures) == {"2", ""}
    assert any(sample.name == "penstock_rejected_total" for family in figures.collect() for sample in family.samples)


def test_one_that_is_back_within_the_hour_is_shown_with_all_its_requests() -> None:
    now, there = [0.0], {SECOND}
    metrics = counted()
    figures = ShownFigures(metrics.ledger, lambda: there, lambda: now[0])
    assert answered(figures) == {"1", "2", ""}
    now[0] = SHOWN_SECONDS
    assert answered(figures) == {"2", ""}
    there.add(FIRST)
    metrics.request_finished(("digits", "1", "serving_default", "http", 200), 0.01)
    assert requests(figures)["1"] == 2


def answered(figures: ShownFigures) -> set[str]:
    return set(requests(figures))


def requests(figures: ShownFigures) -> dict[str, float]:
    families = [family for family in figures.collect() if isinstance(family, CounterMetricFamily)]
    return {
        sample.labels["model_version"]: sample.value
        for family in families
        if family.name == "penstock_requests"
        for sample in family.samples
        if sample.name == "penstock_requests_total"
    }
