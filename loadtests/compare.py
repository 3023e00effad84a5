"""Two runs of one benchmark, figure by figure: is the second worse, beyond what chance explains. Pure.

What is resampled is what was repeated: the turns of a benchmark's row, the seconds of a run of load. Seconds that
follow each other are alike (a queue lasts), so they are drawn in blocks: the circular block bootstrap (Politis and
Romano, 1992), with the percentile interval of Efron and Tibshirani (An Introduction to the Bootstrap, chapter 13).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from loadtests.run_result import Interval, RunResult

RESAMPLES = 4_000
COVERED = 0.95
"""Of the interval."""
LEAST_SAMPLES = 3
"""With fewer the bootstrap has next to nothing to draw from, so no interval is told and nothing is judged."""
BLOCK_SECONDS = 5
"""Neighbouring seconds that are drawn together."""

Verdict: TypeAlias = Literal["worse", "better", "same", "unknown"]
Floats: TypeAlias = NDArray[np.float64]


class NotComparable(ValueError):
    """Two files that have nothing to compare; the message says why."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one run: a sample for each repetition, `block` neighbours of which are alike."""

    name: str
    unit: str
    samples: tuple[float, ...]
    more_is_better: bool = False
    block: int = 1


@dataclass(frozen=True, slots=True)
class Compared:
    """Medians of the first and the second run, and by which factor the second is worse (below 1: better), with the
    ends of its interval; None for the ends where there were too few samples.
    """

    name: str
    unit: str
    first: float
    second: float
    factor: float
    low: float | None
    high: float | None

    def verdict(self, threshold: float) -> Verdict:
        """Worse when the whole interval is beyond `1 + threshold`, better when it is so the other way."""
        if self.low is None or self.high is None:
            return "unknown"
        if self.low > 1 + threshold:
            return "worse"
        return "better" if self.high < 1 / (1 + threshold) else "same"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`only_one_has` are names of figures, `differences` what else is not equal and may explain a change."""

    figures: tuple[Compared, ...]
    only_one_has: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()

    def worse(self, threshold: float) -> list[Compared]:
        return [figure for figure in self.figures if figure.verdict(threshold) == "worse"]


def compare(first: Sequence[Figure], second: Sequence[Figure], seed: int) -> Comparison:
    """Raises NotComparable when no figure is in both."""
    ours, theirs = ({figure.name: figure for figure in figures} for figures in (first, second))
    both = [name for name in ours if name in theirs]
    if not both:
        raise NotComparable("the files have no figure in common")
    random = np.random.default_rng(seed)
    found = tuple(_compared(ours[name], theirs[name], random) for name in both)
    return Comparison(found, tuple(sorted(ours.keys() ^ theirs.keys())))


def _compared(first: Figure, second: Figure, random: np.random.Generator) -> Compared:
    medians = [float(np.median(figure.samples)) for figure in (first, second)]
    low = high = None
    if min(len(first.samples), len(second.samples)) >= LEAST_SAMPLES:
        factors = _factor(_resampled(first, random), _resampled(second, random), more_is_better=first.more_is_better)
        tail = (1 - COVERED) / 2
        low, high = (float(end) for end in np.quantile(factors, [tail, 1 - tail]))
    factor = _factor(np.array(medians[:1]), np.array(medians[1:]), more_is_better=first.more_is_better)
    return Compared(first.name, first.unit, medians[0], medians[1], float(factor[0]), low, high)


def _factor(first: Floats, second: Floats, *, more_is_better: bool) -> Floats:
    """By which the second is worse; 1 where both are 0, infinite where only the better one of them is."""
    worse, better = (first, second) if more_is_better else (second, first)
    with np.errstate(divide="ignore", invalid="ignore"):
        factors: Floats = np.where(worse == better, 1.0, worse / better)
    return factors


def _resampled(figure: Figure, random: np.random.Generator) -> Floats:
    """Medians of RESAMPLES draws with replacement, each as long as the samples."""
    samples = np.array(figure.samples)
    block = min(figure.block, max(1, len(samples) // LEAST_SAMPLES))
    blocks = -(-len(samples) // block)
    starts = random.integers(len(samples), size=(RESAMPLES, blocks, 1))
    places = (starts + np.arange(block)).reshape(RESAMPLES, -1)[:, : len(samples)] % len(samples)
    medians: Floats = np.median(samples[places], axis=1)
    return medians


def bench_figures(rows: Mapping[str, Mapping[str, object]]) -> list[Figure]:
    """Of the `rows` of a benchmark's JSON. Raises NotComparable for rows that are no such."""
    try:
        return [figure for name, row in rows.items() for figure in _row_figures(name, row)]
    except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError) as wrong:
        raise NotComparable("no rows of samples as a benchmark leaves them") from wrong


def _row_figures(name: str, row: Mapping[str, object]) -> list[Figure]:
    samples = row["samples"]
    if not isinstance(samples, list) or not samples:
        raise TypeError(name)
    clock = "cpu_seconds" if row["clock"] == "processor" else "seconds"
    rates = tuple(float(sample["requests"]) / float(sample[clock]) for sample in samples)
    times = {part: tuple(float(sample[f"{part}_ms"]) for sample in samples) for part in ("p50", "p99")}
    return [
        Figure(f"{name}: rate", "requests/s", rates, more_is_better=True),
        *(Figure(f"{name}: {part}", "ms", values) for part, values in times.items()),
    ]


def run_figures(run: RunResult) -> list[Figure]:
    """By the seconds of the run, but for the last, which may be a part of one."""
    whole = run.intervals[:-1]
    parts = {
        "p50": [interval.p50_seconds for interval in whole],
        "p90": [interval.p90_seconds for interval in whole],
        "p99": [interval.p99_seconds for interval in whole],
    }
    figures = [Figure("goodput", "requests/s", _rates(whole), more_is_better=True, block=BLOCK_SECONDS)]
    for name, seconds in parts.items():
        told = tuple(value * 1e3 for value in seconds if value is not None)
        figures.append(Figure(name, "ms", told, block=BLOCK_SECONDS))
    return [figure for figure in figures if figure.samples]


def _rates(whole: Sequence[Interval]) -> tuple[float, ...]:
    return tuple(float(interval.good) for interval in whole)


def compare_runs(first: RunResult, second: RunResult, seed: int) -> Comparison:
    """Raises NotComparable for runs of another scenario, protocol, model, generator or rate, and for invalid ones."""
    for name in ("generator", "scenario", "protocol", "model", "offered_per_second"):
        ours, theirs = getattr(first, name), getattr(second, name)
        if ours != theirs:
            raise NotComparable(f"{name} is {ours} in the first file and {theirs} in the second")
    for place, run in (("first", first), ("second", second)):
        if run.invalid_because is not None:
            raise NotComparable(f"the {place} run is invalid: {run.invalid_because}")
    found = compare(run_figures(first), run_figures(second), seed)
    return Comparison(found.figures, found.only_one_has, differences(first.environment, second.environment))


def differences(first: Mapping[str, str], second: Mapping[str, str]) -> tuple[str, ...]:
    """What two descriptions of machine and versions do not agree about."""
    names = [name for name in {**first, **second} if first.get(name) != second.get(name)]
    return tuple(f"{name}: {first.get(name, 'not told')} and {second.get(name, 'not told')}" for name in names)
