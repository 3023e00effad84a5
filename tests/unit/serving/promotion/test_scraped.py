"""The figures of versions out of the page that the gateway's own metrics make."""

from prometheus_client import CollectorRegistry, generate_latest

from serving.observability.metrics import RequestMetrics
from serving.promotion.scraped import figures_in
from serving.traffic.figures import VersionFigures

SECONDS = 0.0015  # between the buckets of 1 ms and 2.5 ms


def page() -> str:
    metrics, registry = RequestMetrics(), CollectorRegistry()
    registry.register(metrics)
    for version, protocol, code, times in (
        ("1", "rest_v1", "200", 8),
        ("1", "grpc_tfs", "OK", 1),
        ("2", "rest_v1", "200", 4),
        ("2", "rest_v1", "400", 1),
        ("2", "grpc_tfs", "INVALID_ARGUMENT", 1),
        ("2", "rest_v2", "503", 1),
        ("2", "grpc_v2", "INTERNAL", 1),
        ("", "rest_v1", "404", 1),
    ):
        for _ in range(times):
            metrics.request_finished(("m", version, "serving_default", protocol, code), SECONDS)
    metrics.request_finished(("other", "1", "serving_default", "rest_v1", "200"), SECONDS)
    return generate_latest(registry).decode()


def test_each_versions_outcomes_are_counted() -> None:
    figures = figures_in(page(), "m", as_quick=True)
    assert {version: (f.requests, f.errors, f.refused) for version, f in figures.items()} == {
        1: (9, 0, 0),
        2: (8, 2, 2),
    }


def test_answers_count_as_the_quickest_of_their_bucket_or_as_the_slowest() -> None:
    def bound(figures: VersionFigures) -> float:
        found = figures.latency_seconds(0.95)
        assert found is not None
        return found

    quick = bound(figures_in(page(), "m", as_quick=True)[1])
    slow = bound(figures_in(page(), "m", as_quick=False)[1])
    assert 0.001 <= quick < 0.0013
    assert 0.0025 <= slow < 0.0032
