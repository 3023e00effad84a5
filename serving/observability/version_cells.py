"""The cells that count what comes of one version's requests: outcomes, latency, and how its scores are spread.

Pure. Finer than the histograms of the metrics: two versions are told apart by these (serving/traffic/canary_rule.py).
"""

from collections.abc import Sequence

LATENCY: tuple[float, ...] = tuple(round(0.00002 * 10 ** (step / 10), 9) for step in range(64))
"""Bounds in seconds, ten to a decade: from 20 us to 40 s, so that a quantile is known to a quarter of itself."""


def _probabilities() -> tuple[float, ...]:
    """Even steps of 0.05, and from 0.5 to 0.9999 eight to a decade of what is left to 1: a sure classifier lives there.
    Nearer to 1 a step would be no more than what float32 and the size of a batch change in one and the same answer.
    """
    even = {step / 20 for step in range(1, 20)}
    near = {1 - 10 ** (-step / 8) for step in range(3, 33)}
    return tuple(sorted(round(bound, 9) for bound in even | near))


def _values() -> tuple[float, ...]:
    """Eight to a decade of size, from a millionth to a billion, on both sides of zero."""
    sizes = [10 ** (step / 8) for step in range(-48, 73)]
    return (*(-size for size in reversed(sizes)), 0.0, *sizes)


PROBABILITY: tuple[float, ...] = _probabilities()
"""Bounds for a classifier's highest probability."""
VALUE: tuple[float, ...] = _values()
"""Bounds for a regressor's value, whatever its unit."""

REQUESTS, ERRORS, REFUSED = range(3)
"""Requests in all; of them those that failed, and those whose input was refused."""
LATENCY_AT = 3
SCORES_AT = LATENCY_AT + len(LATENCY) + 1
PROBABILITY_KIND, VALUE_KIND, NO_SCORE_KIND = "probability", "value", ""
SCORE_BOUNDS = {PROBABILITY_KIND: PROBABILITY, VALUE_KIND: VALUE, NO_SCORE_KIND: ()}
"""By kind of score; past the last bound there is one cell more for what is larger, and one for what is no number."""
CLASSES_AT, CLASS_BINS = SCORES_AT + len(PROBABILITY) + 2, 64
"""Behind a classifier's scores: how often each class was the likeliest, by its number modulo CLASS_BINS."""
SIZE = max(SCORES_AT + max(map(len, SCORE_BOUNDS.values())) + 2, CLASSES_AT + CLASS_BINS)


def score_cells(kind: str, cells: Sequence[float]) -> tuple[float, ...]:
    """The counts of scores among a version's cells; empty where it has none."""
    bounds = SCORE_BOUNDS[kind]
    return tuple(cells[SCORES_AT : SCORES_AT + len(bounds) + 2]) if bounds else ()
