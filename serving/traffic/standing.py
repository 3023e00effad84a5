"""How each model stands, put together for the metrics, and how soon after its training a version went live."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from serving.catalog import CatalogView, ModelEntry
from serving.model_settings import NO_SETTINGS, ModelSettings
from serving.observability.metrics import RequestMetrics
from serving.observability.model_standing import ModelStanding, OnTrial
from serving.traffic.watcher import CanaryWatcher


def standings(view: CatalogView, settings: Mapping[str, ModelSettings], watcher: CanaryWatcher) -> list[ModelStanding]:
    """Of every model that the directory or the backend has."""
    return [
        _standing(model, entry, view, settings.get(model, NO_SETTINGS), watcher) for model, entry in view.models.items()
    ]


def _standing(
    model: str, entry: ModelEntry, view: CatalogView, settings: ModelSettings, watcher: CanaryWatcher
) -> ModelStanding:
    trial = watcher.on_trial(model)
    return ModelStanding(
        model,
        _created(entry),
        watcher.spreads.shares(view, model),
        settings.objective_seconds,
        settings.freshness_bound_seconds,
        OnTrial(trial[0], trial[1].value) if trial else None,
    )


def _created(entry: ModelEntry) -> dict[int, datetime | None]:
    return {
        version: servable.manifest.created_at if servable.manifest else None
        for version, servable in entry.servables.items()
    }


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Arrivals:
    """Counts, once, each version that goes live here and was made since this process began. What is older was live
    before, at a process before this one, and says nothing of how soon a version comes.
    """

    metrics: RequestMetrics
    now: Callable[[], datetime] = _now
    _began: datetime = field(init=False)
    _seen: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._began = self.now()

    def look(self, view: CatalogView) -> None:
        """At a catalog that was renewed just now."""
        for model, entry in view.models.items():
            for version, created in _created(entry).items():
                if (model, version) not in self._seen:
                    self._seen.add((model, version))
                    if created is not None and created >= self._began:
                        seconds = max(0.0, (self.now() - created).total_seconds())  # another machine's clock made it
                        self.metrics.version_arrived(model, str(version), seconds)
