"""How long figures of versions that have gone are shown."""

from prometheus_client.core import CounterMetricFamily

from serving.observability.departed import SHOWN_SECONDS, Departed, ShownFigures
from serving.observability.families import REQUEST, summed
from serving.observability.metrics import RequestMetrics

FIRST, SECOND = ("digits", "1"), ("digits", "2")


def counted() -> RequestMetrics:
    """Requests of two versions, and one that named no model there is."""
    metrics = RequestMetrics()
    for version in ("1", "2"):
        metrics.request_finished(("digits", version, "serving_default", "http", 200), 0.01)
    metrics.request_finished(("_unknown", "", "", "http", 404), 0.01)
    metrics.request_rejected("digits", "InvalidInput")
    return metrics


def versions(departed: Departed, metrics: RequestMetrics, there: set[tuple[str, str]], now: float) -> set[str]:
    return {labels[1] for labels in departed.without(summed(metrics.ledger.read()), there, now)[REQUEST]}


def test_a_version_that_went_is_shown_for_three_minutes_more_and_again_when_it_is_back() -> None:
    departed, metrics = Departed(), counted()
    assert versions(departed, metrics, {FIRST, SECOND}, 0.0) == {"1", "2", ""}
    assert versions(departed, metrics, {SECOND}, SHOWN_SECONDS - 1.0) == {"1", "2", ""}
    assert versions(departed, metrics, {SECOND}, SHOWN_SECONDS) == {"2", ""}
    assert versions(departed, metrics, {FIRST}, SHOWN_SECONDS + 1.0) == {"1", "2", ""}


def test_what_a_worker_before_counted_of_versions_that_were_gone_is_shown_as_long_as_any() -> None:
    departed, metrics = Departed(), counted()
    assert versions(departed, metrics, set(), 50.0) == {"1", "2", ""}
    assert versions(departed, metrics, set(), 50.0 + SHOWN_SECONDS) == {""}


def test_a_scrape_leaves_them_out_and_what_is_of_no_version_stays() -> None:
    now = [0.0]
    figures = ShownFigures(counted().ledger, lambda: {SECOND}, lambda: now[0])
    assert answered(figures) == {"1", "2", ""}
    now[0] = SHOWN_SECONDS
    assert answered(figures) == {"2", ""}
    assert any(sample.name == "penstock_rejected_total" for family in figures.collect() for sample in family.samples)


def answered(figures: ShownFigures) -> set[str]:
    families = [family for family in figures.collect() if isinstance(family, CounterMetricFamily)]
    return {
        sample.labels["model_version"]
        for family in families
        if family.name == "penstock_requests"
        for sample in family.samples
    }
