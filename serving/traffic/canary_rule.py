"""The one rule by which a version on trial is worse than the one that it is compared with.

Pure. Worse is a version of which one of these is so, and chance does not explain it:

* errors: the share of its requests that failed is over the other's by more than ERROR_MARGIN;
* refusals: the same of requests whose input it refused, where each request is split by itself;
* latency: its 95th percentile is over LATENCY_RATIO times the other's and LATENCY_FLOOR_SECONDS above it;
* scores: their population stability index against the other's is over PSI_LIMIT, the usual bound for a major shift
  (Siddiqi, Credit Risk Scorecards, 2006), where each request is split by itself;
* classes: over CLASSES_MOVED of a classifier's answers name another class than the other's would (the total variation
  of the two spreads), where each request is split by itself.

Shares are tested by Fisher's exact test. The index, (1/n + 1/m) times a chi-squared variable of bins - 1 when nothing
differs (Yurdakul 2018), must be over that variable's bound, too; so must Pearson's statistic of both rows of
classes, those that are too rare for it put together (Cochran 1954).

A trial is looked at each time its version has had LOOK_GROWTH times as many requests; the k-th look spends 6 / (pi k)^2
of the trial's chance of a false alarm, so that all looks together, however long it lasts, spend no more than all of it
(Bonferroni; the idea of spending is Lan and DeMets', 1983). Beside the whole trial each stretch of it is looked at in
the same way, so that a version which goes bad late is found as soon; whole and stretches have half the chance each, and
the stretches spend theirs as looks do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite, log, pi
from typing import NamedTuple

from serving.observability.version_cells import LATENCY
from serving.traffic.chance import chi_squared_bound, more_by_chance
from serving.traffic.figures import Since, VersionFigures

ALPHA = 0.005
"""Of identical versions, at most one trial in two hundred ends with the one on trial rolled back."""
CRITERIA = 5
FIRST_LOOK_REQUESTS, LOOK_GROWTH = 20, 1.25
STRETCH_REQUESTS = 2000
STRUCK_POLLS = 3
"""The requests of one batch fail together. Failures count once they have come between so many pairs of polls."""
ENOUGH_REQUESTS = 100
"""Of either version, before latencies and scores are compared: a tail of five in a hundred has no less."""
ERROR_MARGIN = 0.002
LATENCY_SHARE, LATENCY_RATIO, LATENCY_FLOOR_SECONDS = 0.95, 1.5, 0.002
PSI_LIMIT, PSI_BINS = 0.25, 10
CLASSES_MOVED, RARE_CLASS_ANSWERS = 0.1, 5.0


class Share(NamedTuple):
    many: float
    of: float

    @property
    def value(self) -> float:
        return self.many / self.of if self.of else 0.0

    def __str__(self) -> str:
        return f"{self.many:.0f} of {self.of:.0f}"


class Outcome(StrEnum):
    """WATCHING until there is enough to compare."""

    WATCHING = "watching"
    FINE = "fine"
    WORSE = "worse"


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    reason: str


def look_number(requests: float) -> int:
    """Which look a trial is at whose version has had so many requests; 0 before the first."""
    if requests < FIRST_LOOK_REQUESTS:
        return 0
    return 1 + int(log(requests / FIRST_LOOK_REQUESTS) / log(LOOK_GROWTH))


def spent(number: int) -> float:
    """The share that the number-th of endlessly many tests may spend; all of them together spend 1."""
    return 6 / (pi * number) ** 2


def judge(control: VersionFigures, trial: VersionFigures, chance: float, *, by_request: bool) -> Verdict:
    """Both over the same time; `chance` is that of calling the one worse when the two are the same. `by_request`: who
    asks decides nothing of where a request goes; where callers stick to a version, some refusals and scores are theirs
    and not the version's.
    """
    if min(trial.requests, control.requests) < FIRST_LOOK_REQUESTS:
        had = f"{trial.requests:.0f} requests, the other {control.requests:.0f}"
        return Verdict(Outcome.WATCHING, f"it has had {had}; {FIRST_LOOK_REQUESTS} are needed of each")
    each = chance / CRITERIA
    failed = Share(trial.errors, trial.requests), Share(control.errors, control.requests)
    worse = [_more(*failed, "of its requests failed", each)]
    if by_request:
        refused = Share(trial.refused, trial.requests), Share(control.refused, control.requests)
        worse.append(_more(*refused, "of its requests are refused", each))
    enough = min(trial.answered, control.answered) >= ENOUGH_REQUESTS
    if enough:
        worse.append(_slower(trial.latency, control.latency, each))
        if by_request:
            worse.extend(_shifted(trial.scores, control.scores, kind, each) for kind in trial.scores)
            worse.append(_moved(trial.classes, control.classes, each))
    if reasons := [reason for reason in worse if reason]:
        return Verdict(Outcome.WORSE, "; ".join(reasons))
    compared = f"{trial.requests:.0f} requests against {control.requests:.0f}"
    return Verdict(Outcome.FINE if enough else Outcome.WATCHING, f"nothing worse so far, {compared}")


def _more(own: Share, usual: Share, what: str, chance: float) -> str:
    if own.value <= usual.value + ERROR_MARGIN or more_by_chance(*own, *usual) >= chance:
        return ""
    return f"{own.value:.2%} {what} against {usual.value:.2%} ({own}, {usual})"


def _slower(latency: Sequence[float], control: Sequence[float], chance: float) -> str:
    """Slow is an answer that surely took more than the limit: one in a bin that begins at it or above."""
    usual, own = _quantile(control), _quantile(latency)
    limit = max(LATENCY_RATIO * usual, usual + LATENCY_FLOOR_SECONDS)
    if not isfinite(limit):
        return ""
    slow, usually = Share(_from(latency, limit), sum(latency)), Share(_from(control, limit), sum(control))
    if slow.value <= 1 - LATENCY_SHARE or more_by_chance(*slow, *usually) >= chance:
        return ""
    return f"p95 {own * 1e3:.3g} ms against {usual * 1e3:.3g} ms ({slow.of:.0f} and {usually.of:.0f} answers)"


def _quantile(counts: Sequence[float]) -> float:
    return VersionFigures(latency=tuple(counts)).latency_seconds(LATENCY_SHARE) or 0.0


def _from(counts: Sequence[float], limit: float) -> float:
    lower = (0.0, *LATENCY)
    return sum(count for bound, count in zip(lower, counts, strict=True) if bound >= limit)


def _shifted(
    scores: Mapping[str, Sequence[float]], control: Mapping[str, Sequence[float]], kind: str, chance: float
) -> str:
    if kind not in control:
        return ""
    ours, theirs = scores[kind], control[kind]
    scored, control_scored = sum(ours), sum(theirs)
    if min(scored, control_scored) < ENOUGH_REQUESTS:
        return ""
    pairs = _binned(ours, theirs)
    if len(pairs) < 2:
        return ""
    index = stability_index(pairs)
    noise = (1 / scored + 1 / control_scored) * chi_squared_bound(len(pairs) - 1, chance)
    if index <= max(PSI_LIMIT, noise):
        return ""
    return f"scores ({kind}) are spread otherwise: stability index {index:.2f}, over {max(PSI_LIMIT, noise):.2f}"


def _moved(ours: Sequence[float], theirs: Sequence[float], chance: float) -> str:
    of, control_of = sum(ours), sum(theirs)
    if min(of, control_of) < ENOUGH_REQUESTS:
        return ""
    pairs = _common(ours, theirs)
    if len(pairs) < 2:
        return ""
    variation = sum(abs(own / of - other / control_of) for own, other in pairs) / 2
    if variation <= CLASSES_MOVED or homogeneity(pairs) <= chi_squared_bound(len(pairs) - 1, chance):
        return ""
    return f"classes are answered otherwise: {variation:.0%} of {of:.0f} answers moved, against {control_of:.0f}"


def _common(ours: Sequence[float], theirs: Sequence[float]) -> list[tuple[float, float]]:
    """Every class of which both sides should have RARE_CLASS_ANSWERS, and one for all that are rarer."""
    of, control_of = sum(ours), sum(theirs)
    least = RARE_CLASS_ANSWERS * (of + control_of) / min(of, control_of)
    pairs = [pair for pair in zip(ours, theirs, strict=True) if sum(pair) >= least]
    rest = (of - sum(own for own, _ in pairs), control_of - sum(other for _, other in pairs))
    return [*pairs, rest] if sum(rest) >= least else pairs


def homogeneity(pairs: Sequence[tuple[float, float]]) -> float:
    """Pearson's statistic of two rows of counts, chi-squared with len(pairs) - 1 degrees when both are of one kind."""
    of, control_of = (sum(pair[side] for pair in pairs) for side in (0, 1))
    statistic = 0.0
    for own, other in pairs:
        expected, usual = (own + other) * of / (of + control_of), (own + other) * control_of / (of + control_of)
        statistic += (own - expected) ** 2 / expected + (other - usual) ** 2 / usual
    return statistic


def _binned(ours: Sequence[float], theirs: Sequence[float]) -> list[tuple[float, float]]:
    """Neighbouring bins put together until each has a PSI_BINS-th of all, so that none is there by chance."""
    wanted = (sum(ours) + sum(theirs)) / PSI_BINS
    pairs: list[tuple[float, float]] = []
    held = (0.0, 0.0)
    for pair in zip(ours, theirs, strict=True):
        held = (held[0] + pair[0], held[1] + pair[1])
        if sum(held) >= wanted:
            pairs.append(held)
            held = (0.0, 0.0)
    if pairs and sum(held):
        pairs[-1] = (pairs[-1][0] + held[0], pairs[-1][1] + held[1])
    return pairs


def stability_index(pairs: Sequence[tuple[float, float]]) -> float:
    """The sum of (p - q) ln(p / q) over bins; half a count is added to each, so that an empty one is no infinity."""
    ours, theirs = (sum(pair[side] + 0.5 for pair in pairs) for side in (0, 1))
    index = 0.0
    for own, other in pairs:
        p, q = (own + 0.5) / ours, (other + 0.5) / theirs
        index += (p - q) * log(p / q)
    return index


class _Stretch:
    """Requests from some moment on, and the looks taken at them."""

    def __init__(self, control: VersionFigures, trial: VersionFigures) -> None:
        self._control, self._trial, self._look = Since(control), Since(trial), 0
        self._failures, self._struck_polls = 0.0, 0
        self.requests = 0.0

    def seen(
        self, control: VersionFigures, trial: VersionFigures, chance: float, *, by_request: bool
    ) -> Verdict | None:
        """None where there is nothing new to look at."""
        own, usual = self._trial.read(trial), self._control.read(control)
        if own.requests < self.requests:
            self._look = 0  # counted anew, and looked at anew
        self._struck_polls += own.errors + own.refused > self._failures
        self._failures = own.errors + own.refused
        self.requests, look = own.requests, look_number(own.requests)
        if look and look <= self._look:
            return None
        self._look = look
        if self._struck_polls < STRUCK_POLLS:
            own = replace(own, errors=0.0, refused=0.0)
        return judge(usual, own, chance * spent(max(1, look)), by_request=by_request)


class Trial:
    """A version watched against another: figures go in, `verdict` is the last that was found."""

    def __init__(self, control: VersionFigures, trial: VersionFigures, *, by_request: bool) -> None:
        self._by_request = by_request
        self._whole, self._stretch, self._stretches = _Stretch(control, trial), _Stretch(control, trial), 1
        self.verdict = Verdict(Outcome.WATCHING, "it has just begun")

    def seen(self, control: VersionFigures, trial: VersionFigures) -> Verdict:
        """The verdict by the figures of this moment, looked at as seldom as the rule has it; worse stays so."""
        if self.verdict.outcome is Outcome.WORSE:
            return self.verdict
        whole = self._whole.seen(control, trial, ALPHA / 2, by_request=self._by_request)
        chance = ALPHA / 2 * spent(self._stretches)
        lately = self._stretch.seen(control, trial, chance, by_request=self._by_request)
        if lately and lately.outcome is Outcome.WORSE:
            self.verdict = Verdict(Outcome.WORSE, f"lately {lately.reason}")
        if whole and (whole.outcome is Outcome.WORSE or self.verdict.outcome is not Outcome.WORSE):
            self.verdict = whole
        if self._stretch.requests >= STRETCH_REQUESTS:
            self._stretch, self._stretches = _Stretch(control, trial), self._stretches + 1
        return self.verdict
