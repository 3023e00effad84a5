"""The metrics page: Prometheus's own, made so that requests come between its families."""

import asyncio
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from serving.rest.health_routes import PIECE_SAMPLES, exposition

VERSIONS = 100


def registry_of_three() -> CollectorRegistry:
    registry = CollectorRegistry()
    for name in "ab":
        Counter(name, "Things.", ("kind",), registry=registry).labels('with "quotes"').inc()
    Histogram("c", "Sizes.", registry=registry).observe(0.3)
    return registry


class ManyVersions(Collector):
    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily("c", "Sizes.", labels=["version"])
        for version in range(VERSIONS):
            family.add_metric([str(version)], [("0.5", 1.0), ("1.0", 2.0), ("+Inf", 3.0)], 4.0)
        yield family


def page_and_turns(registry: CollectorRegistry) -> tuple[bytes, int]:
    """The page, and how often somebody else had a turn while it was made."""

    async def beside_others() -> tuple[bytes, int]:
        made, turns = asyncio.create_task(exposition(registry)), 0
        while not made.done():
            turns += 1
            await asyncio.sleep(0)
        return made.result(), turns

    return asyncio.run(beside_others())


def test_a_histogram_of_many_versions_is_made_in_pieces_and_looks_the_same() -> None:
    registry = CollectorRegistry()
    registry.register(ManyVersions())
    page, turns = page_and_turns(registry)
    assert page == generate_latest(registry)
    assert turns > 5 * VERSIONS / PIECE_SAMPLES


def test_the_page_is_what_the_client_library_would_make_and_others_get_their_turn_after_every_family() -> None:
    registry = registry_of_three()
    page, turns = page_and_turns(registry)
    assert page == generate_latest(registry)
    assert turns > len(list(registry.collect()))
