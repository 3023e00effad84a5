"""Rule 3: what a backend call of b rows takes, S(b) = t0 + a*b, learned from the calls themselves.

Pure. One model per queue. Two things are learned apart, for they change at different speeds: how calls of different
sizes compare, in buckets of rows that forget with a half-life of a minute; and how much longer than that all calls
take just now, whatever their size, in some five calls. Who shares a core with a storm of refusals is slowed down by
it at once; sizes that nobody calls meanwhile are so too, and nothing has to call them to learn that it is over.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from serving.batching.durations import Durations, quantile

HALF_LIFE_SECONDS = 60.0
SLOWDOWN_WEIGHT = 0.2
"""Of the newest call in what is known of the slowdown."""
SURPRISE = 2.0
"""A call that took more than so many times what was to be expected counts as that: one pause of the machine is no
slowdown, several are.
"""
EACH_CALL, THEN_EVERY_CALLS, THEN_EVERY_SECONDS = 16, 16, 0.1
"""The first calls are taken in one by one, later ones by the dozen and over so long: a fit costs up to 200 us."""
NEWS = 0.05
"""The slowdown is news once it has changed by this share since it last was."""
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
    """Durations of the calls of one bucket, and their rows."""

    __slots__ = ("calls", "durations", "rows")

    def __init__(self) -> None:
        self.durations = Durations()
        self.calls, self.rows = 0, 0.0

    def add(self, seconds: float, rows: int, weight: float) -> None:
        if self.calls == 1:  # the first call of a size may have compiled a graph or filled caches
            self.durations.clear()
            self.rows = 0.0
        self.calls += 1
        self.rows += weight * rows
        self.durations.add(seconds, weight)

    def scale(self, factor: float) -> None:
        self.rows *= factor
        self.durations.scale(factor)

    def facts(self, most_rows: int) -> BucketFacts:
        mean, p95 = self.durations.mean_and_p95()
        return BucketFacts(most_rows, self.rows / self.durations.weight, mean, p95, self.calls)


class CostModel:
    """Learns S(b) and answers for any b. `sizes` (rising) are the buckets' upper ends.

    `slowdown` is what calls take now, of what their sizes took when they were learned; `spread` the p95 of what a call
    takes, of what was predicted, whatever its size: sizes are not told apart by it, or one odd call of a size would
    make batches of that size look worse than others for a minute.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = tuple(sizes)
        self._buckets: dict[int, _Bucket] = {}
        self._surprises = Durations()  # observed, of predicted
        self._known: dict[int, float] = {}  # answers since the last fit: asked several times a batch
        self._levels: list[float] = []
        self._unseen: dict[int, tuple[BucketFacts, BucketFacts]] = {}
        self._line: Line | None = None
        self._facts: tuple[BucketFacts, ...] = ()
        self._started_seconds = self._fitted_seconds = 0.0
        self.calls, self._calls_at_fit, self._slowdown_told = 0, 0, 1.0
        self._largest: BucketFacts | None = None
        self._steepness_unseen = 0.0
        self.slowdown = self.spread = 1.0

    def observe(self, rows: int, seconds: float, now: float) -> bool:
        """A call of so many rows took so long. True when what is known changed by it."""
        seconds, weight = max(seconds, LEAST_SECONDS), self._weight(now)
        bucket = self._buckets.get(index := self._index(rows))
        if bucket is None:
            bucket = self._buckets[index] = _Bucket()
        elif bucket.calls > 1:
            self._compare(rows, seconds, weight)
        bucket.add(seconds / self.slowdown, rows, weight)
        self.calls += 1
        since = self.calls - self._calls_at_fit
        is_due = since >= THEN_EVERY_CALLS and now - self._fitted_seconds >= THEN_EVERY_SECONDS
        if self.calls <= EACH_CALL or bucket.calls <= 2 or is_due:
            self._fit(weight, now)
            return True
        return self._is_news()

    def outlasted(self, rows: int, seconds: float) -> bool:
        """A call of so many rows was given up after so long. True when what is known changed by it."""
        known = self._base(rows)
        if known is None or seconds <= known * self.slowdown:
            return False
        self._slow_down(seconds / known)
        return self._is_news()

    @property
    def seen_rows(self) -> int:
        """Sizes up to here are known from calls; 0 while nothing is."""
        return 0 if self._largest is None else self._largest.most_rows

    @property
    def line(self) -> Line | None:
        """What calls take now; None while nothing is known."""
        line, factor = self._line, self.slowdown
        return None if line is None else Line(line.fixed_seconds * factor, line.row_seconds * factor)

    @property
    def buckets(self) -> tuple[BucketFacts, ...]:
        """What calls take now, by their sizes."""
        factor = self.slowdown
        return tuple(
            replace(facts, mean_seconds=facts.mean_seconds * factor, p95_seconds=facts.p95_seconds * factor)
            for facts in self._facts
        )

    def seconds(self, rows: int) -> float | None:
        """The mean time of a call of `rows` rows; None while nothing is known."""
        base = self._base(rows)
        return None if base is None else base * self.slowdown

    def p95_seconds(self, rows: int) -> float | None:
        """What 19 of 20 calls of `rows` rows stay under; None while nothing is known."""
        mean = self.seconds(rows)
        return None if mean is None else mean * self.spread

    def _compare(self, rows: int, seconds: float, weight: float) -> None:
        """What a call of a size that is known says of the slowdown."""
        base = self._base(rows)
        if not base:
            return
        self._surprises.add(seconds / (base * self.slowdown), weight)
        self._slow_down(seconds / base)

    def _slow_down(self, ratio: float) -> None:
        self.slowdown += SLOWDOWN_WEIGHT * (min(ratio, SURPRISE * self.slowdown) - self.slowdown)

    def _is_news(self) -> bool:
        if abs(self.slowdown - self._slowdown_told) < NEWS * self._slowdown_told:
            return False
        self._slowdown_told = self.slowdown
        return True

    def _weight(self, now: float) -> float:
        """Of a call that ends now."""
        if not self.calls:
            self._started_seconds = now
        half_lives = (now - self._started_seconds) / HALF_LIFE_SECONDS
        if half_lives > HALF_LIVES_COUNTED:
            faded = 0.5**half_lives
            for bucket in self._buckets.values():
                bucket.scale(faded)
            self._surprises.scale(faded)
            self._started_seconds, half_lives = now, 0.0
        return float(2.0**half_lives)

    def _base(self, rows: int) -> float | None:
        """The time of a call without the slowdown."""
        known = self._known.get(rows)
        if known is None and self._line is not None:
            known = self._known[rows] = self._mean(rows, self._line)
        return known

    def _mean(self, rows: int, line: Line) -> float:
        largest = self._largest
        if largest is not None and rows > largest.most_rows:
            return largest.mean_seconds + self._steepness_unseen * (rows - largest.mean_rows)
        index = self._index(rows)
        seconds = max(0.0, self._levels[index] + line.row_seconds * rows)
        around = self._unseen.get(index)
        return seconds if around is None else min(seconds, _between(*around, rows))

    def _index(self, rows: int) -> int:
        return min(bisect_left(self._sizes, rows), len(self._sizes) - 1)

    def _fit(self, weight_now: float, now: float) -> None:
        self._calls_at_fit, self._fitted_seconds, self._slowdown_told = self.calls, now, self.slowdown
        self._known.clear()
        faded = [index for index, one in self._buckets.items() if one.durations.weight < LEAST_WEIGHT * weight_now]
        for index in faded:
            del self._buckets[index]
        facts = {index: self._buckets[index].facts(self._sizes[index]) for index in sorted(self._buckets)}
        self._facts = tuple(facts.values())
        self._line = line = fitted(self._facts)
        self._largest = largest = self._facts[-1]
        proportional = largest.mean_seconds / largest.mean_rows
        alone = len(self._facts) == 1
        self._steepness_unseen = proportional if alone else max(line.row_seconds, STEEPNESS_UNSEEN * proportional)
        self._levels = [
            facts[index].mean_seconds - line.row_seconds * facts[index].mean_rows
            if index in facts
            else line.fixed_seconds
            for index in range(len(self._sizes))
        ]
        self._unseen = {index: between for index in range(len(self._sizes)) if (between := _around(index, facts))}
        if self._surprises.weight:
            self.spread = max(1.0, self._surprises.mean_and_p95()[1])


def _around(index: int, facts: Mapping[int, BucketFacts]) -> tuple[BucketFacts, BucketFacts] | None:
    """The nearest known buckets below and above one that is not known; None where there are not both."""
    below = [known for known in facts if known < index]
    above = [known for known in facts if known > index]
    if index in facts or not below or not above:
        return None
    return facts[max(below)], facts[min(above)]


def _between(below: BucketFacts, above: BucketFacts, rows: int) -> float:
    """The time on the straight line between two buckets. A size in between that looks dearer than that, by a line
    through all of them, would not be chosen, and so not be known better ever.
    """
    share = (rows - below.mean_rows) / (above.mean_rows - below.mean_rows)
    return below.mean_seconds + share * (above.mean_seconds - below.mean_seconds)


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
    row_seconds = max(0.0, quantile(sorted(slopes), 0.5)) if slopes else 0.0
    rests = sorted((bucket.mean_seconds - row_seconds * bucket.mean_rows, 1.0) for bucket in buckets)
    return Line(max(0.0, quantile(rests, 0.5)), row_seconds)


def buckets_of(most_rows: int, allowed_rows: Sequence[int]) -> tuple[int, ...]:
    """Upper ends of the buckets: the sizes a model allows, else powers of two up to `most_rows`."""
    if allowed_rows:
        return tuple(allowed_rows)
    powers = [1 << power for power in range(most_rows.bit_length()) if 1 << power < most_rows]
    return (*powers, most_rows)
