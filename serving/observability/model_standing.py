"""What the scrape tells of each model: the versions that take traffic, their shares and ages, and its bounds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.metrics_core import Metric

from serving.observability.cells import Key
from serving.observability.families import gauge

VERDICTS = ("watching", "fine", "worse")
_VERSION = ("model_name", "model_version")


@dataclass(frozen=True, slots=True)
class OnTrial:
    """A canary that is compared with stable; `verdict` is one of VERDICTS."""

    version: int
    verdict: str


@dataclass(frozen=True, slots=True)
class ModelStanding:
    """One model at the moment of a scrape.

    `created` has the versions that take traffic and when each was made, None where no manifest says so; `shares` what
    part of the requests that name neither version nor label a version gets. Bounds are None where none is set.
    """

    model: str
    created: Mapping[int, datetime | None]
    shares: Mapping[int, float]
    objective_seconds: float | None = None
    freshness_bound_seconds: float | None = None
    on_trial: OnTrial | None = None


def standing_gauges(standings: Iterable[ModelStanding]) -> list[Metric]:
    found = list(standings)
    live: dict[Key, float] = {(each.model,): float(len(each.created)) for each in found}
    created: dict[Key, float] = {
        (each.model, str(version)): moment.timestamp()
        for each in found
        for version, moment in each.created.items()
        if moment is not None
    }
    shares: dict[Key, float] = {
        (each.model, str(version)): each.shares.get(version, 0.0) for each in found for version in each.created
    }
    bounds: dict[Key, float] = {
        (each.model,): each.freshness_bound_seconds for each in found if each.freshness_bound_seconds is not None
    }
    objectives: dict[Key, float] = {
        (each.model,): each.objective_seconds for each in found if each.objective_seconds is not None
    }
    model = ("model_name",)
    verdict = (*_VERSION, "verdict")
    return [
        gauge("penstock_model_live_versions", "Versions that take traffic.", model, live),
        gauge("penstock_model_traffic_share", "Of requests that name no version, what it is to get.", _VERSION, shares),
        gauge("penstock_model_created_timestamp_seconds", "When a live version was made.", _VERSION, created),
        gauge("penstock_model_freshness_bound_seconds", "How old the answering version may be.", model, bounds),
        gauge("penstock_model_objective_seconds", "The latency to keep to.", model, objectives),
        gauge("penstock_canary_verdict", "1 for what is found of the canary.", verdict, dict(_verdicts(found))),
    ]


def _verdicts(standings: Iterable[ModelStanding]) -> Iterator[tuple[Key, float]]:
    for each in standings:
        if each.on_trial:
            for verdict in VERDICTS:
                yield (each.model, str(each.on_trial.version), verdict), float(verdict == each.on_trial.verdict)
