import json
import math
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from serving.observability.version_cells import (
    ERRORS,
    LATENCY,
    LATENCY_AT,
    NO_SCORE_KIND,
    REFUSED,
    REQUESTS,
    SCORE_BOUNDS,
    SCORES_AT,
    SIZE,
    VALUE_KIND,
)
from serving.traffic.figures import VersionFigures, figures_document, figures_from, figures_of


def cells(counts: Mapping[int, float]) -> list[float]:
    return [float(counts.get(at, 0)) for at in range(SIZE)]


ONE = {
    VALUE_KIND: cells({REQUESTS: 5, ERRORS: 1, REFUSED: 1, LATENCY_AT + 3: 3, SCORES_AT + 2: 3}),
    NO_SCORE_KIND: cells({REQUESTS: 1, LATENCY_AT + len(LATENCY): 1}),
}


def test_figures_are_those_of_all_signatures_of_a_version() -> None:
    figures = figures_of(ONE)
    assert (figures.requests, figures.errors, figures.refused, figures.answered) == (6, 1, 1, 4)
    assert sum(figures.latency) == 4
    assert {kind: sum(counts) for kind, counts in figures.scores.items()} == {VALUE_KIND: 3}


def test_quantiles_are_the_bounds_they_lie_under() -> None:
    figures = figures_of(ONE)
    assert figures.latency_seconds(0.5) == LATENCY[3]
    assert figures.latency_seconds(0.99) == math.inf
    assert VersionFigures().latency_seconds(0.5) is None


def test_what_came_since_is_the_difference() -> None:
    figures = figures_of(ONE)
    assert figures.since(VersionFigures()) == figures
    nothing = figures.since(figures)
    assert (nothing.requests, nothing.answered, sum(nothing.latency)) == (0, 0, 0)
    assert not any(nothing.scores[VALUE_KIND])


@given(st.dictionaries(st.integers(0, SCORES_AT + len(SCORE_BOUNDS[VALUE_KIND]) + 1), st.integers(1, 10**9)))
def test_the_document_says_all_there_is(counts: Mapping[int, float]) -> None:
    figures = figures_of({VALUE_KIND: cells(counts)})
    assert figures_from(json.loads(json.dumps(figures_document(figures)))) == figures


def test_bounds_rise() -> None:
    for bounds in (LATENCY, *SCORE_BOUNDS.values()):
        assert list(bounds) == sorted(set(bounds))
    assert LATENCY[0] < 1e-4
