"""What several replicas say of their versions, as one answer.

Pure. A version is AVAILABLE when one replica that answers has it so and its signatures are known; calls go to such
replicas only.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import TypeAlias

from serving.backend_protocol import VersionState, VersionStatus
from serving.contract.tensors import Signature

# ModelVersionStatus.State of tensorflow_serving/apis/get_model_status.proto.
STATES: Mapping[int, VersionState] = MappingProxyType(
    {
        10: VersionState.START,
        20: VersionState.LOADING,
        30: VersionState.AVAILABLE,
        40: VersionState.UNLOADING,
        50: VersionState.END,
    }
)
_CLOSEST_TO_TRAFFIC = (
    VersionState.AVAILABLE,
    VersionState.LOADING,
    VersionState.START,
    VersionState.UNLOADING,
    VersionState.END,
)


@dataclass(frozen=True, slots=True)
class Reported:
    """One version as one replica has it; `error` is the server's message when it could not be loaded."""

    state: VersionState
    error: str = ""


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of an AVAILABLE version beyond that: its signatures, or why it cannot be served after so many
    `attempts`, and when to try again.
    """

    signatures: Mapping[str, Signature]
    error: str = ""
    attempts: int = 0
    retry_at_seconds: float = inf


Report: TypeAlias = Mapping[str, Mapping[int, Reported]]
Statuses: TypeAlias = Mapping[str, Mapping[int, VersionStatus]]
Key: TypeAlias = tuple[str, int]


def best_reports(reports: Iterable[Report]) -> dict[str, dict[int, Reported]]:
    """For every version the report that is closest to traffic; among failures one that says why."""
    best: dict[str, dict[int, Reported]] = {}
    for report in reports:
        for model, versions in report.items():
            known = best.setdefault(model, {})
            for version, reported in versions.items():
                if version not in known or _rank(reported) < _rank(known[version]):
                    known[version] = reported
    return best


def _rank(reported: Reported) -> tuple[int, bool]:
    return _CLOSEST_TO_TRAFFIC.index(reported.state), not reported.error


NOTHING: Statuses = MappingProxyType({})


def merged_statuses(
    reports: Iterable[Report],
    learned: Mapping[Key, Learned],
    *,
    before: Statuses = NOTHING,
    asked: Collection[Key] = (),
) -> dict[str, dict[int, VersionStatus]]:
    """Every model and version that a replica reports; LOADING while an AVAILABLE one's signatures are being asked.

    A version that has left stays as it was `before` while those of a version that has come in its place may be `asked`:
    without either, requests for the model would be refused for the milliseconds in between.
    """
    merged = {
        model: {version: _status(reported, learned.get((model, version))) for version, reported in versions.items()}
        for model, versions in best_reports(reports).items()
    }
    for model in {model for model, _ in asked} & merged.keys() & before.keys():
        now = merged[model]
        for version, status in before[model].items():
            if _takes_calls(status) and not (version in now and _takes_calls(now[version])):
                now[version] = status
    return merged


def _takes_calls(status: VersionStatus) -> bool:
    return status.state is VersionState.AVAILABLE


def _status(reported: Reported, learned: Learned | None) -> VersionStatus:
    if reported.state is not VersionState.AVAILABLE:
        return VersionStatus(reported.state, {}, error=reported.error)
    if learned is None:
        return VersionStatus(VersionState.LOADING, {})
    if learned.error:
        return VersionStatus(VersionState.END, {}, error=learned.error)
    return VersionStatus(VersionState.AVAILABLE, learned.signatures)


def is_settled(report: Report) -> bool:
    """Whether a replica has versions and none of them is about to change."""
    resting = (VersionState.AVAILABLE, VersionState.END)
    return bool(report) and all(r.state in resting for versions in report.values() for r in versions.values())


def available(reports: Iterable[Report]) -> set[Key]:
    """What at least one replica has AVAILABLE."""
    return {
        (model, version)
        for report in reports
        for model, versions in report.items()
        for version, reported in versions.items()
        if reported.state is VersionState.AVAILABLE
    }


def out_of_reach(before: Statuses, reason: str) -> dict[str, dict[int, VersionStatus]]:
    """What is known when no replica answers: the same versions, and why none of them can be asked."""
    return {
        model: {
            version: VersionStatus(VersionState.END, {}, error=status.error or reason)
            for version, status in versions.items()
        }
        for model, versions in before.items()
    }
