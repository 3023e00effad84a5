"""What the metrics learn of each model from its catalog entry, and which versions count as come while we ran."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serving.backends.in_memory import InMemoryBackend
from serving.catalog import Catalog
from serving.contract.manifest import Manifest
from serving.model_settings import ModelSettings
from serving.model_store.labels import set_label
from serving.observability.ledger import private_ledger
from serving.observability.metrics import RequestMetrics
from serving.observability.model_standing import ModelStanding
from serving.traffic.spreads import Spreads
from serving.traffic.standing import Arrivals, standings
from serving.traffic.watcher import CanaryWatcher
from tests.unit.serving.gateway_parts import LIVE, doubled
from tests.unit.serving.observability.exposition import Scrape

NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)
BEFORE, AFTER = NOON - timedelta(hours=1), NOON + timedelta(seconds=5)


async def catalog_of(models: Path) -> Catalog:
    backend = InMemoryBackend(LIVE, doubled)
    catalog = Catalog(models, backend, 1.0)
    await backend.start(catalog.renew)
    return catalog


@pytest.fixture
def catalog(
    tmp_path: Path, write_version: Callable[[Manifest], None], manifest_with: Callable[..., Manifest]
) -> Catalog:
    """Version 1 of `doubles` was made before noon and is stable, version 2 after it."""
    for version, made in ((1, BEFORE), (2, AFTER)):
        write_version(manifest_with(version=version, created_at=made))
    set_label(tmp_path / "models", "doubles", "stable", 1, by="test", reason="", now=NOON)
    return asyncio.run(catalog_of(tmp_path / "models"))


def test_a_model_stands_as_its_catalog_entry_and_its_settings_say(catalog: Catalog, tmp_path: Path) -> None:
    watcher = CanaryWatcher(tmp_path / "models", catalog, Spreads(), private_ledger())
    settings = {"doubles": ModelSettings(objective_seconds=0.02, freshness_bound_seconds=3600)}
    expected = ModelStanding("doubles", {1: BEFORE, 2: AFTER}, {1: 1.0}, 0.02, 3600)
    assert standings(catalog.view, settings, watcher) == [expected]


def test_a_version_made_while_the_gateway_runs_is_counted_once_and_one_from_before_is_not(catalog: Catalog) -> None:
    metrics, now = RequestMetrics(), [NOON]
    arrivals = Arrivals(metrics, lambda: now[0])
    for _ in range(2):
        now[0] += timedelta(seconds=15)
        arrivals.look(catalog.view)
    samples = [s for s in Scrape(metrics).samples if s.name == "penstock_model_created_to_live_seconds"]
    assert [(s.labels["model_version"], s.value) for s in samples] == [("2", 10.0)]


def test_over_several_workers_the_mean_is_told(catalog: Catalog) -> None:
    metrics = RequestMetrics()
    for seconds in (15, 25):
        moments = iter([NOON, NOON + timedelta(seconds=seconds)])
        Arrivals(metrics, lambda moments=moments: next(moments)).look(catalog.view)  # type: ignore[misc]
    assert Scrape(metrics).value("penstock_model_created_to_live_seconds") == 15.0


def test_a_clock_that_is_behind_the_trainings_makes_no_negative_time(catalog: Catalog) -> None:
    metrics = RequestMetrics()
    Arrivals(metrics, lambda: NOON).look(catalog.view)
    assert Scrape(metrics).value("penstock_model_created_to_live_seconds") == 0.0
