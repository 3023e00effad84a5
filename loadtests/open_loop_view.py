"""What a person sees of an open-loop run: a line that moves while it goes, and the figures at its end. Pure."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from loadtests.latencies import Latencies
from loadtests.open_loop import Progress
from loadtests.run_result import NO_ANSWER_STATUS, RunResult

BLOCKS = "▁▂▃▄▅▆▇█"
SHOWN_SECONDS = 40
PERCENTS = (50.0, 90.0, 99.0, 99.9)
NO_ANSWER_WORDS = "no answer"


class LiveLine:
    """Told how far each process is, about once a second; says so in one line, the last seconds' p99 as a curve."""

    def __init__(self, total: int, seconds: float) -> None:
        self._total, self._seconds = total, seconds
        self._p99s: deque[float] = deque(maxlen=SHOWN_SECONDS)

    def text(self, progress: Sequence[Progress]) -> str:
        latencies = np.concatenate([np.asarray(each.latencies, np.float64) for each in progress])
        at = max(each.at_seconds for each in progress)
        ended, waiting = sum(each.ended for each in progress), sum(each.waiting for each in progress)
        told = "no answer in the last second"
        if len(latencies):
            p50, p99 = np.percentile(latencies, (50, 99))
            self._p99s.append(float(p99))
            told = f"p50 {duration(p50)}  p99 {duration(p99)}  {curve(self._p99s)}"
        else:
            self._p99s.append(float("nan"))
        return (
            f"{at:3.0f} of {self._seconds:.0f} s  {ended:,} of {self._total:,} answered  {len(latencies):,}/s  "
            f"{waiting:,} open  {told}"
        )


def curve(values: Sequence[float]) -> str:
    """Blocks on a logarithmic scale from the least to the greatest; a gap for NaN."""
    logs = np.log10(np.maximum(np.array(values), 1e-6))
    known = logs[~np.isnan(logs)]
    if not len(known):
        return " " * len(logs)
    low, span = known.min(), max(float(known.max() - known.min()), 0.3)
    return "".join(" " if np.isnan(log) else BLOCKS[int((log - low) / span * (len(BLOCKS) - 1))] for log in logs)


def duration(seconds: float) -> str:
    """Three digits that count: `870 us`, `1.23 ms`, `4.5 s`; a dash for NaN."""
    if np.isnan(seconds):
        return "-"
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}" if seconds * factor < 1000 else f"{seconds * factor:,.0f} {unit}"
    return f"{seconds * 1e6:.3g} us"


def summary(result: RunResult) -> str:
    """The figures of a run, one line each."""
    latency = result.latencies
    statuses = {NO_ANSWER_WORDS if name == NO_ANSWER_STATUS else name: n for name, n in result.statuses.items()}
    rate = result.sent / result.seconds if result.seconds else 0.0
    lines = [
        f"{result.model} over {result.protocol}, {result.scenario}: {result.sent:,} requests, {rate:,.1f} a second",
        "latency     " + _percentiles(latency) + "  from the moment a request was due",
    ]
    if result.latency_from_sent is not None:
        lines.append("from sent   " + _percentiles(Latencies.decoded(result.latency_from_sent)))
    lines += [
        f"good        {result.good:,} ({1 - result.error_rate:.3%}), {result.goodput_per_second:,.1f} a second",
        "statuses    " + ", ".join(f"{name}: {count:,}" for name, count in sorted(statuses.items())),
    ]
    lines += [f"            {reason}: {count:,}" for reason, count in result.errors.items()]
    if result.waited_for_connection:
        waited = f"waited      {result.waited_for_connection:,} for a free connection, as part of their latency"
        lines.append(f"{waited}; more --connections would send them at once")
    if result.lateness is not None:
        lateness = Latencies.decoded(result.lateness)
        lines.append(f"lateness    p99 {duration(lateness.percentile_seconds(99))} of the generator itself")
    if result.invalid_because:
        lines.append(f"INVALID     {result.invalid_because}")
    return "\n".join(lines)


def _percentiles(latency: Latencies) -> str:
    parts = [f"p{percent:g} {duration(latency.percentile_seconds(percent))}" for percent in PERCENTS]
    return "  ".join([*parts, f"max {duration(latency.max_seconds)}"])
