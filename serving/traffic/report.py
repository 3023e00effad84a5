"""The section `traffic` of `GET /v2/models/{model}/stats`: each version's figures, the shadow and the watch."""

from typing import Any

from serving.catalog import ModelEntry
from serving.contract.agreement import DEFAULT_SIGNATURE
from serving.contract.model_directory import CANARY
from serving.observability.families import SHADOW, Sums, summed
from serving.traffic.canary_rule import Verdict
from serving.traffic.figures import figures_document
from serving.traffic.shadows import RESULTS, mismatch
from serving.traffic.watcher import CanaryWatcher, version_figures


def traffic_of(watcher: CanaryWatcher, model: str) -> dict[str, Any]:
    """Raises UnknownModel."""
    entry = watcher.catalog.view.entry(model)
    return traffic_document(entry, model, summed(watcher.ledger.read()), watcher.verdict(model))


def traffic_document(entry: ModelEntry, model: str, sums: Sums, verdict: Verdict | None) -> dict[str, Any]:
    """Counts of all workers since the gateway started, of the times when the traffic was split or mirrored."""
    return {
        "split": entry.traffic.split,
        "sticky_by": entry.traffic.sticky_by,
        "versions": {
            str(version): figures_document(figures) for version, figures in sorted(version_figures(sums, model).items())
        },
        "shadow": _shadow(entry, model, sums),
        "watch": {CANARY: {"verdict": verdict.outcome.value, "reason": verdict.reason}} if verdict else {},
    }


def _shadow(entry: ModelEntry, model: str, sums: Sums) -> dict[str, Any] | None:
    """None without one. `reason` says why nothing is mirrored, empty where something is."""
    shadow = entry.traffic.shadow
    if shadow is None:
        return None
    version = entry.labels.get(shadow.label)
    results = {result: int(sums[SHADOW].get((model, str(version), result), (0.0,))[0]) for result in RESULTS}
    return {
        "label": shadow.label,
        "fraction": shadow.fraction,
        "version": version,
        "compared": results["same"] + results["different"],
        **results,
        "reason": _why_not(entry, shadow.label, version),
    }


def _why_not(entry: ModelEntry, label: str, version: int | None) -> str:
    if version is None:
        return f"the model has no label {label}"
    other = entry.servables.get(version)
    if other is None:
        return f"version {version} is not live"
    answering = _answering(entry)
    if not answering - {version}:
        return f"no other version than {version} answers"
    faults = [
        fault
        for number in sorted(answering - {version})
        if number in entry.servables and (fault := mismatch(entry.servables[number], other, DEFAULT_SIGNATURE))
    ]
    return "; ".join(faults)


def _answering(entry: ModelEntry) -> set[int]:
    """The versions behind requests that name none."""
    split = {entry.labels[label] for label in entry.traffic.split if entry.labels.get(label) in entry.servables}
    usual = entry.answering_version()
    return split or ({usual} if usual is not None else set())
