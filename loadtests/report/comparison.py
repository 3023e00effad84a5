"""Two runs over each other: the same pictures with a line of each, their figures and what differs around them. Pure."""

import math
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtests.report.chart import Chart, Line, drawn, values_of
from loadtests.report.distribution import LISTED, percentile_chart
from loadtests.report.over_time import Stretch, drawable, stretch_line, time_axis
from loadtests.report.panels import Figures, bullets, missing, panel, panels, paragraph
from loadtests.report.scales import Told, linear_scale, tail_of, value_scale
from loadtests.report.sections import LOOPS, PERCENTILE_TOLD, PROTOCOLS
from loadtests.report.server import GAUGES, Gauge, is_known
from loadtests.report.words import NOTHING, digits, duration, share
from loadtests.run_result import RunResult
from training.report.markup import Html, element, joined, text

ALIKE = 0.01
"""Part by which offered rates may differ and still be the same load."""
SOLID, DASHED = "p50", "p99 other"


@dataclass(frozen=True, slots=True)
class Named:
    """A run, and what it is called on the page."""

    name: str
    result: RunResult


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of a run (NaN for none) and how it is told."""

    name: str
    value: Callable[[RunResult], float]
    told: Told


def _percentile(percent: float) -> Measure:
    def value(result: RunResult) -> float:
        found = result.latencies
        return found.percentile_seconds(percent) if tail_of(percent) <= found.count else math.nan

    return Measure(f"p{percent:g}", value, duration)


MEASURES = (
    Measure("good answers a second", lambda result: result.goodput_per_second, digits),
    Measure("failed", lambda result: result.error_rate, share),
    *map(_percentile, LISTED),
    Measure("slowest", lambda result: result.latencies.max_seconds, duration),
    Measure("mean", lambda result: result.latencies.mean_seconds, duration),
)


def heading(first: Named, second: Named) -> Html:
    """Which is which, and what stands against judging one by the other."""
    alarms = [
        element("div", element("strong", text(f"{run.name} is invalid")), text(why), class_="banner alarm")
        for run in (first, second)
        if (why := run.result.invalid_because) is not None
    ]
    doubts = differences(first.result, second.result)
    rows = tuple((run.name, *_described(run.result)) for run in (first, second))
    header = ("run", "model", "scenario", "load", "started", "commit")
    return joined(
        *alarms,
        element("h1", text(f"{first.name} and {second.name}")),
        Figures(header, rows).drawn(),
        *([element("div", text("Not the same load or machine:"), bullets(doubts), class_="missing")] if doubts else []),
        paragraph("One run of each: a small difference may be chance."),
    )


def _described(result: RunResult) -> tuple[str, ...]:
    load = f"{LOOPS[result.generator]}, {PROTOCOLS[result.protocol]}"
    return result.model, result.scenario, load, result.started_at, result.environment.get("commit", NOTHING)


def differences(first: RunResult, second: RunResult) -> list[str]:
    """What besides the server differs, so that the figures cannot be laid to it alone."""
    pairs = [
        ("generator", LOOPS[first.generator], LOOPS[second.generator]),
        ("protocol", PROTOCOLS[first.protocol], PROTOCOLS[second.protocol]),
        ("model", first.model, second.model),
        ("scenario", first.scenario, second.scenario),
        *(
            (name, first.environment.get(name, NOTHING), second.environment.get(name, NOTHING))
            for name in ("processor", "cores", "memory")
        ),
    ]
    found = [f"{name}: {one} and {other}" for name, one, other in pairs if one != other]
    rates = first.offered_per_second or math.nan, second.offered_per_second or math.nan
    if abs(rates[0] - rates[1]) > ALIKE * max(rates):
        found.append(f"offered a second: {digits(rates[0])} and {digits(rates[1])}")
    return found


def figures(first: Named, second: Named) -> Html:
    """Both runs' figures, and the second's as a part of the first's."""
    rows = []
    for measure in MEASURES:
        one, other = measure.value(first.result), measure.value(second.result)
        if math.isnan(one) and math.isnan(other):
            continue
        told = tuple(NOTHING if math.isnan(value) else measure.told(value) for value in (one, other))
        rows.append((measure.name, *told, f"{other / one:.2f}" if one > 0 and not math.isnan(other) else NOTHING))
    return Figures(("", first.name, second.name, "the latter of the former"), tuple(rows)).drawn()


def latency(first: Named, second: Named) -> Html:
    named = [(run.name, run.result.latencies) for run in (first, second)]
    if not any(latencies.count for _, latencies in named):
        return missing("No latency: no request was answered in either run.")
    return panels(
        element(
            "figure", element("h3", text("By percentile")), drawn(_styled(percentile_chart(named, PERCENTILE_TOLD)))
        ),
        _over_time("p99", "99 % within, over time", (first, second), lambda stretch: stretch.p99_seconds, duration),
    )


def _styled(chart: Chart) -> Chart:
    """As the other pictures of this page: the second run's lines are dashed."""
    lines = tuple(Line(line.name, look, line.points) for line, look in zip(chart.lines, (SOLID, DASHED), strict=False))
    return Chart(chart.name, chart.title, chart.told, chart.x, chart.x_title, chart.y, lines, chart.hints)


def rates(first: Named, second: Named) -> Html:
    def good(stretch: Stretch) -> float | None:
        return stretch.rate(stretch.good)

    def failed(stretch: Stretch) -> float | None:
        return stretch.rate(stretch.failed)

    return panels(
        _over_time("good", "Good answers a second", (first, second), good, digits),
        _over_time("failed", "Failed a second", (first, second), failed, digits),
    )


def _over_time(
    name: str, title: str, runs: tuple[Named, Named], value: Callable[[Stretch], float | None], told: Told
) -> Html:
    pairs = zip(runs, (SOLID, DASHED), strict=True)
    lines = [stretch_line(run.name, look, drawable(run.result), value) for run, look in pairs]
    return _panel(name, title, lines, told)


def server(first: Named, second: Named) -> Html:
    """The gauges that both told."""
    known = [gauge for gauge in GAUGES if is_known(gauge, first.result) and is_known(gauge, second.result)]
    if not known:
        return missing("The server was not watched in both runs.")
    return panels(*(_gauge(gauge, first, second) for gauge in known))


def _gauge(gauge: Gauge, first: Named, second: Named) -> Html:
    pairs = ((first, SOLID), (second, DASHED))
    lines = [Line(run.name, look, gauge.points(run.result)) for run, look in pairs]
    return _panel(gauge.name, gauge.title, lines, gauge.told)


def _panel(name: str, title: str, lines: Sequence[Line], told: Told) -> Html:
    ends = [line.points[-1][0] for line in lines if line.points]
    x, x_title = time_axis(max(ends, default=0.0))
    values = values_of(lines)
    y = value_scale(values, told) if told is duration else linear_scale(max(values, default=0.0), told)
    seen = "A logarithmic axis." if y.is_logarithmic else "The axis begins at 0."
    chart = Chart(name, title, seen, x, x_title, y, tuple(lines))
    rows = tuple(_summary(line, told) for line in lines)
    return panel(chart, Figures(("run", "least", "mean", "most"), rows))


def _summary(line: Line, told: Told) -> tuple[str, ...]:
    values = values_of([line])
    if not values:
        return line.name, NOTHING, NOTHING, NOTHING
    return line.name, told(min(values)), told(sum(values) / len(values)), told(max(values))


def environment(first: Named, second: Named) -> Html:
    """Facts that differ, side by side; how many are the same; both commands."""
    one, other = first.result.environment, second.result.environment
    names = list(dict.fromkeys([*one, *other]))
    rows = tuple(
        (name, one.get(name, NOTHING), other.get(name, NOTHING)) for name in names if one.get(name) != other.get(name)
    )
    same = f"{len(names) - len(rows)} of {len(names)} facts are the same in both."
    table = [Figures(("", first.name, second.name), rows).drawn()] if rows else []
    commands = [
        joined(element("h3", text(f"Command of {run.name}")), element("pre", text(shlex.join(run.result.command))))
        for run in (first, second)
    ]
    return joined(*table, paragraph(same), *commands)
