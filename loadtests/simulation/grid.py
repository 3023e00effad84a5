"""Every policy on every device at every load, as rows of figures; beside them what the oracles could do.

Pure. Figures are means over the seeds; times are seconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

from loadtests.simulation.acceptance import Kind, NewPolicy, Traffic
from loadtests.simulation.device import Case
from loadtests.simulation.ours import our_core
from loadtests.simulation.outcome import Outcome
from loadtests.simulation.policies import BoundedWindow, FanOut, FixedWindow, ShrinkToTheOldest

LOADS = (0.1, 0.3, 0.6, 0.8, 0.9, 1.0, 1.1, 1.3, 1.6, 2.0)
STABLE_LOAD = 0.9
"""Past it the mean latency of those that answer everybody says only how long the run was."""
OURS, ORACLE = "ours", "oracle"
POLICIES: dict[str, NewPolicy] = {
    OURS: our_core,
    "window of 1 ms": lambda case: FixedWindow(case.max_batch_rows, window_seconds=1e-3),
    "window of 5 ms": lambda case: FixedWindow(case.max_batch_rows, window_seconds=5e-3),
    "window of 1 ms, 10 batches queued at most": lambda case: BoundedWindow(case.max_batch_rows, window_seconds=1e-3),
    "batch shrunk to save the oldest": lambda case: ShrinkToTheOldest(case.max_batch_rows, device=case.device),
    "a call per request, no bound": lambda case: FanOut(case.max_batch_rows),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """None stands for what a run had nothing to say about."""

    case: str
    kind: Kind
    load: float
    policy: str
    goodput: float | None
    mean_seconds: float | None
    p50_seconds: float | None = None
    p99_seconds: float | None = None
    refused: float | None = None
    refusal_p50_seconds: float | None = None
    mean_batch_rows: float | None = None


def figures(case: Case, kind: Kind, load: float, seeds: Sequence[int], number: int) -> Iterator[Figures]:
    """The oracle's first, then every policy's."""
    traffic = [Traffic(case, kind, load, seed, number) for seed in seeds]
    best_mean = mean(one.best_mean_seconds() for one in traffic) if load <= STABLE_LOAD else None
    yield Figures(case.name, kind, load, ORACLE, mean(one.best_goodput() for one in traffic), best_mean)
    for policy, new in POLICIES.items():
        yield _of(case, kind, load, policy, [one.outcome(new) for one in traffic])


def _of(case: Case, kind: Kind, load: float, policy: str, outcomes: Sequence[Outcome]) -> Figures:
    answered = [outcome for outcome in outcomes if len(outcome.latencies)]
    refusing = [outcome for outcome in outcomes if outcome.refused]
    return Figures(
        case.name,
        kind,
        load,
        policy,
        mean(outcome.goodput for outcome in outcomes),
        _mean(outcome.mean_seconds for outcome in answered),
        _mean(outcome.latency_seconds(0.50) for outcome in answered),
        _mean(outcome.latency_seconds(0.99) for outcome in answered),
        mean(outcome.refused / len(outcome.arrivals) for outcome in outcomes),
        _mean(outcome.refusal_seconds(0.50) for outcome in refusing),
        mean(outcome.mean_batch_rows for outcome in outcomes),
    )


def _mean(values: Iterator[float]) -> float | None:
    numbers = list(values)
    return mean(numbers) if numbers else None
