"""Two versions under simulated traffic, and how a trial of the one against the other ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from serving.observability.version_cells import CLASS_BINS, LATENCY, PROBABILITY, PROBABILITY_KIND
from serving.traffic.canary_rule import Outcome, Trial, Verdict
from serving.traffic.figures import VersionFigures

Draw = Callable[[np.random.Generator, int], "np.ndarray[tuple[int], np.dtype[np.float64]]"]


def usual_latency(rng: np.random.Generator, count: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return rng.lognormal(np.log(1e-3), 0.8, count)


def usual_score(rng: np.random.Generator, count: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return 1 - rng.beta(0.3, 5, count)


@dataclass(frozen=True)
class Manner:
    """How a version answers: shares of errors and of refused inputs, seconds, and its highest probabilities."""

    errors: float = 0.01
    refused: float = 0.0
    latency: Draw = usual_latency
    score: Draw = usual_score
    classes: tuple[float, ...] = (0.4, 0.3, 0.2, 0.09, 0.01)


@dataclass
class Version:
    requests: int = 0
    errors: int = 0
    refused: int = 0
    latency: "np.ndarray[tuple[int], np.dtype[np.float64]]" = field(default_factory=lambda: np.zeros(len(LATENCY) + 1))
    scores: "np.ndarray[tuple[int], np.dtype[np.float64]]" = field(
        default_factory=lambda: np.zeros(len(PROBABILITY) + 2)
    )

    classes: "np.ndarray[tuple[int], np.dtype[np.float64]]" = field(default_factory=lambda: np.zeros(CLASS_BINS))

    def asked(self, rng: np.random.Generator, count: int, manner: Manner) -> None:
        failed, refused = rng.binomial(count, manner.errors), 0
        refused = rng.binomial(count - failed, manner.refused)
        answered = count - failed - refused
        self.requests, self.errors, self.refused = self.requests + count, self.errors + failed, self.refused + refused
        self.latency += _binned(LATENCY, manner.latency(rng, answered), len(self.latency))
        self.scores += _binned(PROBABILITY, manner.score(rng, answered), len(self.scores))
        self.classes[: len(manner.classes)] += rng.multinomial(answered, manner.classes)

    def figures(self) -> VersionFigures:
        scores = {PROBABILITY_KIND: tuple(self.scores)}
        return VersionFigures(
            self.requests, self.errors, self.refused, tuple(self.latency), scores, tuple(self.classes)
        )


def _binned(
    bounds: Sequence[float], values: "np.ndarray[tuple[int], np.dtype[np.float64]]", size: int
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.bincount(np.searchsorted(bounds, values), minlength=size).astype(np.float64)


@dataclass(frozen=True)
class Ended:
    verdict: Verdict
    requests: int
    """Of the version on trial."""


def watch(
    rng: np.random.Generator,
    canary: Manner,
    *,
    usual: Manner = Manner(),
    share: float = 0.1,
    polls: int = 200,
    late: int = 0,
    by_request: bool = True,
) -> Ended:
    """A hundred requests between two polls; the canary is as `canary` says from poll number `late` on."""
    control, tried = Version(), Version()
    trial = Trial(control.figures(), tried.figures(), by_request=by_request)
    verdict = trial.verdict
    for poll in range(polls):
        own = int(rng.binomial(100, share))
        control.asked(rng, 100 - own, usual)
        tried.asked(rng, own, canary if poll >= late else usual)
        verdict = trial.seen(control.figures(), tried.figures())
        if verdict.outcome is Outcome.WORSE:
            break
    return Ended(verdict, tried.requests)
