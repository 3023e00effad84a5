"""What is known of one version's requests: how many, what became of them, how long they took, how they scored.

Pure. Read from the cells that all workers count in, or from the document that `GET /v2/models/{model}/stats` shows.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from serving.observability.version_cells import (
    CLASS_BINS,
    CLASSES_AT,
    ERRORS,
    LATENCY,
    LATENCY_AT,
    PROBABILITY_KIND,
    REFUSED,
    REQUESTS,
    SCORE_BOUNDS,
    score_cells,
)

_NO_LATENCY = (0.0,) * (len(LATENCY) + 1)


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """Counts. `errors` failed through no fault of their input, `refused` had a wrong one. `latency` has a count for
    each of LATENCY and one for what is longer: decoding, waiting and computing of answered requests. `scores` has, by
    kind of score, the counts of its SCORE_BOUNDS, of what is larger and of NaN. `classes` has how often a classifier
    found each class the likeliest, by its number modulo CLASS_BINS; empty for what is none.
    """

    requests: float = 0.0
    errors: float = 0.0
    refused: float = 0.0
    latency: tuple[float, ...] = _NO_LATENCY
    scores: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    classes: tuple[float, ...] = ()

    @property
    def answered(self) -> float:
        return self.requests - self.errors - self.refused

    def since(self, before: "VersionFigures") -> "VersionFigures":
        """What was counted after `before`, which was read earlier."""
        return VersionFigures(
            self.requests - before.requests,
            self.errors - before.errors,
            self.refused - before.refused,
            _minus(self.latency, before.latency),
            {
                kind: _minus(counts, before.scores[kind]) if kind in before.scores else counts
                for kind, counts in self.scores.items()
            },
            _minus(self.classes, before.classes) if before.classes else self.classes,
        )

    def latency_seconds(self, share: float) -> float | None:
        """The bound under which that share of the answers lies, a quarter above the truth at most; None without any."""
        total = sum(self.latency)
        if not total:
            return None
        reached = next(at for at, count in enumerate(accumulate(self.latency)) if count >= share * total)
        return LATENCY[reached] if reached < len(LATENCY) else math.inf


class Since:
    """What was counted after `before`. Where it falls, a gateway has begun anew, or given up the figures of a version
    that was away for long: all that there is then was counted after.
    """

    def __init__(self, before: VersionFigures) -> None:
        self._before = self._last = before

    def read(self, now: VersionFigures) -> VersionFigures:
        if now.requests < self._last.requests:
            self._before = VersionFigures()
        self._last = now
        return now.since(self._before)


def figures_of(records: Mapping[str, Sequence[float]]) -> VersionFigures:
    """Of one version, its summed cells by kind of score."""
    scores = {kind: score_cells(kind, cells) for kind, cells in records.items() if SCORE_BOUNDS[kind]}
    return VersionFigures(
        sum(cells[REQUESTS] for cells in records.values()),
        sum(cells[ERRORS] for cells in records.values()),
        sum(cells[REFUSED] for cells in records.values()),
        tuple(map(sum, zip(_NO_LATENCY, *map(_latency, records.values()), strict=True))),
        {kind: counts for kind, counts in scores.items() if any(counts)},
        _classes(records.get(PROBABILITY_KIND, ())),
    )


def _classes(cells: Sequence[float]) -> tuple[float, ...]:
    counts = tuple(cells[CLASSES_AT : CLASSES_AT + CLASS_BINS])
    return counts if any(counts) else ()


def _latency(cells: Sequence[float]) -> Sequence[float]:
    return cells[LATENCY_AT : LATENCY_AT + len(_NO_LATENCY)]


def figures_document(figures: VersionFigures) -> dict[str, Any]:
    """For JSON: counts by the upper bound of their bin, `+Inf` for what is over them all."""
    quantiles = {f"p{round(share * 100)}": figures.latency_seconds(share) for share in (0.5, 0.95, 0.99)}
    return {
        "requests": int(figures.requests),
        "errors": int(figures.errors),
        "refused": int(figures.refused),
        "latency_seconds": {
            **{name: None if value is None or math.isinf(value) else value for name, value in quantiles.items()},
            "counts": _by_bound(LATENCY, figures.latency),
        },
        "scores": {
            kind: {"counts": _by_bound(SCORE_BOUNDS[kind], counts[:-1]), "nan": int(counts[-1])}
            for kind, counts in figures.scores.items()
        },
        "classes": {str(number): int(count) for number, count in enumerate(figures.classes) if count},
    }


def figures_from(document: Mapping[str, Any]) -> VersionFigures:
    """The figures of such a document. Raises KeyError for what is none."""
    return VersionFigures(
        document["requests"],
        document["errors"],
        document["refused"],
        _counts(LATENCY, document["latency_seconds"]["counts"]),
        {
            kind: (*_counts(SCORE_BOUNDS[kind], scores["counts"]), scores["nan"])
            for kind, scores in document["scores"].items()
        },
        tuple(document["classes"].get(str(number), 0) for number in range(CLASS_BINS)) if document["classes"] else (),
    )


def _by_bound(bounds: Sequence[float], counts: Sequence[float]) -> dict[str, int]:
    names = [*map(repr, bounds), "+Inf"]
    return {name: int(count) for name, count in zip(names, counts, strict=True) if count}


def _counts(bounds: Sequence[float], named: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(named.get(name, 0) for name in (*map(repr, bounds), "+Inf"))


def _minus(after: Sequence[float], before: Sequence[float]) -> tuple[float, ...]:
    return tuple(a - b for a, b in zip(after, before, strict=True))
