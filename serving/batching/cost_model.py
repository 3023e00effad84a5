"""Rule 3: what a backend call of b rows takes, S(b) = t0 + a*b, learned from the calls themselves.

Pure. One model per queue. Calls are kept apart by buckets of rows; each bucket forgets with a half-life of a minute,
and one odd call moves nothing much.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

HALF_LIFE_SECONDS = 60.0
BINS_PER_OCTAVE = 8
"""A bin of the histogram spans 9 %; its own mean is kept, so that constant times are learned exactly."""
OUTLIER = 4.0
"""What took longer than this many medians counts as that many: a pause of the machine is no property of the model."""
EACH_CALL, THEN_EVERY_CALLS = 16, 16
"""The first calls are taken in one by one, later ones by the dozen: a fit costs some 30 us."""
LEAST_WEIGHT = 0.01
"""Buckets whose calls have faded to this are forgotten: after some seven half-lives without a call."""
STEEPNESS_UNSEEN = 0.25
"""Sizes past the largest seen cost at least this share of growth in proportion: an optimist's batches pile up."""
LEAST_SECONDS = 1e-9
"""No call is quicker; a clock that stood still says so."""
HALF_LIVES_COUNTED = 40.0
"""Weights double with every half-life; after so many, all are scaled back, long before a float overflows."""


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """Calls of `most_rows` rows or fewer (down to the bucket before): their mean and 95th percentile."""

    most_rows: int
    mean_rows: float
    mean_seconds: float
    p95_seconds: float
    calls: int


@dataclass(frozen=True, slots=True)
class Line:
    """S(b) = fixed_seconds + row_seconds * b."""

    fixed_seconds: float
    row_seconds: float


class _Bucket:
    """Durations of the calls of one bucket: a histogram of weights that grow with time, so that the past fades."""

    __slots__ = ("bins", "calls", "rows", "weight")

    def __init__(self) -> None:
        self.bins: dict[int, list[float]] = {}  # its weight, and the weighted sum of its seconds
        self.calls, self.rows, self.weight = 0, 0.0, 0.0

    def add(self, seconds: float, rows: int, weight: float) -> None:
        if self.calls == 1:  # the first call of a size may have compiled a graph or filled caches
            self.bins.clear()
            self.rows = self.weight = 0.0
        self.calls += 1
        self.rows += weight * rows
        self.weight += weight
        entry = self.bins.setdefault(int(BINS_PER_OCTAVE * log2(seconds)), [0.0, 0.0])
        entry[0] += weight
        entry[1] += weight * seconds

    def scale(self, factor: float) -> None:
        self.rows *= factor
        self.weight *= factor
        for entry in self.bins.values():
            entry[0] *= factor
            entry[1] *= factor

    def facts(self, most_rows: int) -> BucketFacts:
        means = [(entry[1] / entry[0], entry[0]) for _, entry in sorted(self.bins.items()) if entry[0]]
        cap = OUTLIER * _quantile(means, 0.5)
        mean = sum(min(seconds, cap) * weight for seconds, weight in means) / sum(weight for _, weight in means)
        return BucketFacts(most_rows, self.rows / self.weight, mean, _quantile(means, 0.95), self.calls)


class CostModel:
    """Learns S(b) and answers for any b. `sizes` (rising) are the buckets' upper ends."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = tuple(sizes)
        self._buckets: dict[int, _Bucket] = {}
        self._known: dict[int, float] = {}  # answers since the last fit: asked several times a batch
        self._levels: list[float] = []
        self._spreads: list[float] = []
        self._started_seconds = 0.0
        self.calls, self._calls_at_fit = 0, 0
        self._largest: BucketFacts | None = None
        self._steepness_unseen = 0.0
        self.line: Line | None = None
        self.buckets: tuple[BucketFacts, ...] = ()

    def observe(self, rows: int, seconds: float, now: float) -> bool:
        """A call of so many rows took so long. True when what is known changed by it."""
        if not self.calls:
            self._started_seconds = now
        half_lives = (now - self._started_seconds) / HALF_LIFE_SECONDS
        if half_lives > HALF_LIVES_COUNTED:
            for old in self._buckets.values():
                old.scale(0.5**half_lives)
            self._started_seconds, half_lives = now, 0.0
        weight = 2.0**half_lives
        bucket = self._buckets.get(index := self._index(rows))
        if bucket is None:
            bucket = self._buckets[index] = _Bucket()
        bucket.add(max(seconds, LEAST_SECONDS), rows, weight)
        self.calls += 1
        since = self.calls - self._calls_at_fit
        if self.calls > EACH_CALL and bucket.calls > 2 and since < THEN_EVERY_CALLS:
            return False
        self._fit(weight)
        return True

    @property
    def seen_rows(self) -> int:
        """Sizes up to here are known from calls; 0 while nothing is."""
        return 0 if self._largest is None else self._largest.most_rows

    def seconds(self, rows: int) -> float | None:
        """The mean time of a call of `rows` rows; None while nothing is known."""
        known = self._known.get(rows)
        if known is None and self.line is not None:
            known = self._known[rows] = self._mean(rows, self.line)
        return known

    def p95_seconds(self, rows: int) -> float | None:
        """What 19 of 20 calls of `rows` rows stay under; None while nothing is known."""
        line = self.line
        return None if line is None else self._mean(rows, line) * self._spreads[self._index(rows)]

    def _mean(self, rows: int, line: Line) -> float:
        largest = self._largest
        if largest is not None and rows > largest.most_rows:
            return largest.mean_seconds + self._steepness_unseen * (rows - largest.mean_rows)
        return max(0.0, self._levels[self._index(rows)] + line.row_seconds * rows)

    def _index(self, rows: int) -> int:
        return min(bisect_left(self._sizes, rows), len(self._sizes) - 1)

    def _fit(self, weight_now: float) -> None:
        self._calls_at_fit = self.calls
        self._known.clear()
        faded = [index for index, bucket in self._buckets.items() if bucket.weight < LEAST_WEIGHT * weight_now]
        for index in faded:
            del self._buckets[index]
        facts = {index: self._buckets[index].facts(self._sizes[index]) for index in sorted(self._buckets)}
        self.buckets = tuple(facts.values())
        self.line = line = fitted(self.buckets)
        self._largest = largest = self.buckets[-1]
        proportional = largest.mean_seconds / largest.mean_rows
        alone = len(self.buckets) == 1
        self._steepness_unseen = proportional if alone else max(line.row_seconds, STEEPNESS_UNSEEN * proportional)
        nearest = [min(facts, key=lambda known: abs(known - index)) for index in range(len(self._sizes))]
        self._levels = [
            facts[index].mean_seconds - line.row_seconds * facts[index].mean_rows
            if index in facts
            else line.fixed_seconds
            for index in range(len(self._sizes))
        ]
        self._spreads = [facts[near].p95_seconds / facts[near].mean_seconds for near in nearest]


def fitted(buckets: Sequence[BucketFacts]) -> Line:
    """The line through the buckets' means: the median of the slopes between any two of them (Theil and Sen), so that
    one spoilt bucket among several does not bend it. Neither part is negative.
    """
    slopes = [
        ((right.mean_seconds - left.mean_seconds) / distance, distance)
        for number, left in enumerate(buckets)
        for right in buckets[number + 1 :]
        if (distance := right.mean_rows - left.mean_rows) > 0
    ]
    row_seconds = max(0.0, _quantile(sorted(slopes), 0.5)) if slopes else 0.0
    rests = sorted((bucket.mean_seconds - row_seconds * bucket.mean_rows, 1.0) for bucket in buckets)
    return Line(max(0.0, _quantile(rests, 0.5)), row_seconds)


def buckets_of(most_rows: int, allowed_rows: Sequence[int]) -> tuple[int, ...]:
    """Upper ends of the buckets: the sizes a model allows, else powers of two up to `most_rows`."""
    if allowed_rows:
        return tuple(allowed_rows)
    powers = [1 << power for power in range(most_rows.bit_length()) if 1 << power < most_rows]
    return (*powers, most_rows)


def _quantile(sorted_weighted: Sequence[tuple[float, float]], share: float) -> float:
    """The least value that `share` of the weight does not exceed."""
    goal = share * sum(weight for _, weight in sorted_weighted)
    for value, weight in sorted_weighted:
        goal -= weight
        if goal <= 0:
            return value
    return sorted_weighted[-1][0]
