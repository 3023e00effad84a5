"""The parts of a run's page, each whole with what a run has and saying why where it lacks something. Pure."""

import shlex
from collections.abc import Mapping
from types import MappingProxyType

from loadtests.latencies import Latencies
from loadtests.report.distribution import named_latencies, percentile_chart, percentile_figures
from loadtests.report.over_time import interval_figures, latency_chart, rate_chart, span_told
from loadtests.report.panels import Figures, bullets, missing, panel, panels, paragraph
from loadtests.report.scales import tail_of
from loadtests.report.server import GAUGES, gauge_chart, gauge_figures, is_known
from loadtests.report.words import NOTHING, counted, digits, duration, share
from loadtests.run_result import NO_ANSWER_STATUS, RunResult
from training.report.markup import Html, element, joined, text

LOOPS: Mapping[str, str] = MappingProxyType({"open_loop": "open loop", "locust": "Locust, a closed loop"})
PROTOCOLS: Mapping[str, str] = MappingProxyType({"rest": "REST", "grpc": "gRPC", "mixed": "REST and gRPC"})
PERCENTILE_TOLD = "Each mark to the right has ten times fewer requests above it than the one before."
CLOSED_LOOP = (
    "A user waits for its answer before it asks again, so a server that stalls is asked less, and what would have "
    "waited was never sent: these percentiles are the least they can have been. An open loop counts from when a "
    "request was due."
)


def banners(result: RunResult) -> Html:
    """What must be known before any figure: that the run is invalid, and how it stands to its objective."""
    found = []
    if result.invalid_because is not None:
        told = (
            text("Invalid run"),
            text(result.invalid_because or "no reason given"),
            text("The figures below are the generator's as much as the server's: judge nothing by them."),
        )
        found.append(_banner("alarm invalid", *told))
    if result.verdict is not None:
        met = result.verdict.met
        head = text(f"Objective {result.verdict.objective}: {'met' if met else 'missed'}")
        found.append(_banner("calm" if met else "alarm", head, bullets(result.verdict.reasons)))
    return joined(*found)


def _banner(look: str, head: Html, *told: Html) -> Html:
    return element("div", element("strong", head), *(element("div", part) for part in told), class_=f"banner {look}")


def opening(result: RunResult) -> Html:
    """What was run against what, and the run in a sentence."""
    how = f"{LOOPS[result.generator]} over {PROTOCOLS[result.protocol]} against {result.url}"
    return joined(
        element("h1", text(f"{result.model}: {result.scenario}")),
        paragraph(f"{how}, from {result.started_at}, for {span_told(result)}.", "quiet"),
        paragraph(_sentence(result)),
        tiles(result),
    )


def _sentence(result: RunResult) -> str:
    if not result.sent:
        return "No request was sent."
    latencies = result.latencies
    told = f"{share(result.good / result.sent)} of {counted(result.sent, 'request')} were answered as they should be."
    if not latencies.count:
        return f"{told} None had an answer at all."
    p50, p99 = duration(latencies.percentile_seconds(50)), duration(latencies.percentile_seconds(99))
    return f"{told} Half of the answers took at most {p50}, 99 of 100 at most {p99}."


def tiles(result: RunResult) -> Html:
    """The figures that are asked for first."""
    latencies = result.latencies
    offered = result.offered_per_second
    sent = result.sent / result.seconds if result.seconds else 0.0
    shown = [
        ("good a second", digits(result.goodput_per_second), f"of {digits(sent)} sent"),
        ("p50", duration(latencies.percentile_seconds(50)), "half within"),
        ("p99", duration(latencies.percentile_seconds(99)), "99 % within"),
        ("p99.9", *_p999(latencies)),
        ("slowest", duration(latencies.max_seconds), f"of {latencies.count:,}"),
        ("failed", share(result.error_rate) if result.sent else NOTHING, f"{result.failed:,} of {result.sent:,}"),
    ]
    if offered is not None:
        shown.insert(0, ("offered a second", digits(offered), "as asked for"))
    made = (
        element("div", element("span", text(name)), element("b", text(value)), element("span", text(note)))
        for name, value, note in shown
    )
    return element("div", *made, class_="tiles")


def _p999(latencies: Latencies) -> tuple[str, str]:
    if latencies.count < tail_of(99.9):
        return NOTHING, "too few answers for it"
    return duration(latencies.percentile_seconds(99.9)), "99.9 % within"


def over_time(result: RunResult) -> Html:
    if not result.intervals:
        return missing("Nothing over time: the run has no intervals, so only its totals are known.")
    figures = interval_figures(result)
    return panels(panel(rate_chart(result), figures), panel(latency_chart(result), figures))


def latency(result: RunResult) -> Html:
    named = named_latencies(result)
    if not result.latencies.count:
        return missing("No latency: no request was answered.")
    figures = percentile_figures(named)
    made = panel(percentile_chart(named, PERCENTILE_TOLD), figures)
    beside = element("div", element("h3", text("Percentiles")), figures.drawn(), *_loop_notes(result))
    return panels(made, beside)


def _loop_notes(result: RunResult) -> list[Html]:
    if result.generator == "locust":
        return [missing(CLOSED_LOOP)]
    if result.latency_from_sent is None:
        return [missing("The times from when requests were sent were not kept.")]
    told = "Between the two lines lies what a request waited for a free connection, or the generator was late."
    return [paragraph(told, "quiet")]


def answers(result: RunResult) -> Html:
    """Every request by status, and what was wrong with those that failed."""
    if not result.statuses:
        return missing("No request was sent, so there is no status.")
    rows = tuple(
        (_status(status), f"{count:,}", share(count / max(1, result.sent)))
        for status, count in sorted(result.statuses.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    parts = [Figures(("status", "requests", "of all"), rows).drawn()]
    if result.errors:
        wrong = sorted(result.errors.items(), key=lambda pair: (-pair[1], pair[0]))
        listed = Figures(("error", "requests"), tuple((name, f"{count:,}") for name, count in wrong))
        parts += [element("h3", text("Errors")), listed.drawn()]
    elif result.failed:
        parts.append(missing("What was wrong with the failed ones was not kept; their status is above."))
    else:
        parts.append(paragraph("No request failed."))
    return joined(*parts)


def _status(status: str) -> str:
    return "no answer" if status == NO_ANSWER_STATUS else status


def server(result: RunResult) -> Html:
    """Its gauges as pictures; one sentence for those it did not tell."""
    if not result.server:
        return missing("The server was not watched: its processor time, memory, queue and batches are not known.")
    known = [gauge for gauge in GAUGES if is_known(gauge, result)]
    made = [panel(gauge_chart(gauge, result), gauge_figures(gauge, result)) for gauge in known]
    reasons: dict[str, list[str]] = {}
    for gauge in GAUGES:
        if gauge not in known:
            reasons.setdefault(gauge.why_missing, []).append(gauge.title.lower())
    return joined(panels(*made), *(missing(f"Not known: {', '.join(names)}. {why}") for why, names in reasons.items()))


def generator(result: RunResult) -> Html:
    """Whether it kept up: how late requests were sent."""
    if result.lateness is None:
        return missing("No lateness: it was not kept, so nothing shows that the generator kept up.")
    lateness = Latencies.decoded(result.lateness)
    if not lateness.count:
        return missing("No lateness: nothing was due.")
    kept = "It did not keep up." if result.invalid_because is not None else "It kept up."
    percents = (50.0, 90.0, 99.0, 99.9)
    rows = tuple((f"{percent:g} %", duration(lateness.percentile_seconds(percent))) for percent in percents)
    rows += (("latest", duration(lateness.max_seconds)),)
    told = f"{kept} How long after it was due each of {counted(lateness.count, 'request')} was sent:"
    if result.generator == "locust":
        timers = counted(lateness.count, "timer")
        told = f"{kept} How late its process served {timers}: so much of a latency may be its own."
    parts = [paragraph(told), Figures(("within", "late"), rows).drawn()]
    if result.waited_for_connection:
        waited = counted(result.waited_for_connection, "request")
        parts.append(
            paragraph(f"{waited} waited for a free connection: that is the server's slowness, so it is latency.")
        )
    return joined(*parts)


def environment(result: RunResult) -> Html:
    command = joined(element("h3", text("Command")), element("pre", text(shlex.join(result.command))))
    if not result.environment:
        return joined(missing("Where it ran was not kept: its figures cannot be compared with others."), command)
    return joined(Figures(("", ""), tuple(result.environment.items())).drawn(), command)
