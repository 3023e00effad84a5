"""What a gateway's metrics page says of a model's versions, as the figures that versions are compared by.

The page counts every request of every version, in buckets coarser than the rule's: each answer is taken to have been as
quick as its bucket allows, or as slow, whichever the caller wants.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping

from prometheus_client.parser import text_string_to_metric_families

from serving.observability.version_cells import LATENCY
from serving.traffic.figures import VersionFigures

REFUSED_CODES = frozenset({"INVALID_ARGUMENT", "NOT_FOUND", "OUT_OF_RANGE", "FAILED_PRECONDITION", "CANCELLED"})
"""Of gRPC; of REST all that begin with a 4: the request was wrong, or its caller has gone."""
ANSWERED_CODES = frozenset({"200", "OK"})


class _Counted:
    def __init__(self) -> None:
        self.requests = self.errors = self.refused = 0.0
        self.buckets: dict[float, float] = {}


def figures_in(page: str, model: str, *, as_quick: bool) -> Mapping[int, VersionFigures]:
    """By version. `as_quick`: an answer counts as the quickest of its bucket, else as the slowest."""
    counted: dict[int, _Counted] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = sample.labels
            if labels.get("model_name") != model or not labels.get("model_version", "").isdigit():
                continue
            into = counted.setdefault(int(labels["model_version"]), _Counted())
            if sample.name == "penstock_requests_total":
                _count(into, labels["code"], sample.value)
            elif sample.name == "penstock_request_duration_seconds_bucket":
                bound = float(labels["le"])
                into.buckets[bound] = into.buckets.get(bound, 0.0) + sample.value
    return {version: _figures(found, as_quick=as_quick) for version, found in counted.items()}


def _count(into: _Counted, code: str, value: float) -> None:
    into.requests += value
    if code.startswith("4") or code in REFUSED_CODES:
        into.refused += value
    elif code not in ANSWERED_CODES:
        into.errors += value


def _figures(counted: _Counted, *, as_quick: bool) -> VersionFigures:
    cells = [0.0] * (len(LATENCY) + 1)
    lower, below = 0.0, 0.0
    place: Callable[[float], int] = _bin_from if as_quick else _bin_to
    for bound, so_far in sorted(counted.buckets.items()):
        cells[place(lower if as_quick else bound)] += so_far - below
        lower, below = bound, so_far
    return VersionFigures(counted.requests, counted.errors, counted.refused, tuple(cells))


def _bin_from(seconds: float) -> int:
    """The bin that begins at the latest before."""
    return bisect_right(LATENCY, seconds)


def _bin_to(seconds: float) -> int:
    """The bin that ends at the soonest after; the last but one for no bound, so that a quantile there is a number."""
    return min(bisect_left(LATENCY, seconds), len(LATENCY) - 1)
