"""The metrics page: Prometheus's own, made so that requests come between its families."""

import asyncio

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from serving.rest.health_routes import exposition


def registry_of_three() -> CollectorRegistry:
    registry = CollectorRegistry()
    for name in "ab":
        Counter(name, "Things.", ("kind",), registry=registry).labels('with "quotes"').inc()
    Histogram("c", "Sizes.", registry=registry).observe(0.3)
    return registry


def test_the_page_is_what_the_client_library_would_make() -> None:
    registry = registry_of_three()
    assert asyncio.run(exposition(registry)) == generate_latest(registry)


def test_others_get_their_turn_after_every_family() -> None:
    registry, turns = registry_of_three(), 0

    async def scrape_beside_others() -> None:
        nonlocal turns
        page = asyncio.create_task(exposition(registry))
        while not page.done():
            turns += 1
            await asyncio.sleep(0)

    asyncio.run(scrape_beside_others())
    assert turns > len(list(registry.collect()))
