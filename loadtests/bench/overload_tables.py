"""An overload in Markdown."""

from collections.abc import Mapping, Sequence

from loadtests.bench.overload_course import Round, Swept
from loadtests.bench.tables import markdown_table


def sweep_table(swept: Sequence[Swept]) -> str:
    head = ["offered, requests/s", "good, requests/s", "p50 ms", "generator kept up"]
    rows = [
        [
            f"{load.offered_per_second:,.0f}",
            f"{load.goodput_per_second:,.0f}",
            f"{load.median_seconds * 1e3:.3g}",
            "yes" if load.is_valid else "no",
        ]
        for load in swept
    ]
    return markdown_table(head, rows)


def rounds_table(rounds: Sequence[Round], good_per_second: float) -> str:
    """`good_per_second` are offered during the overload."""
    head = [f"overload at {good_per_second:,.0f}/s", "goodput", "median rejection", "recovery", "memory gained"]
    rows = [_cells(place, found) for place, found in enumerate(rounds, 1)]
    return markdown_table([*head, "answers", "to hostile requests", "late"], rows)


def _cells(place: int, found: Round) -> list[str]:
    late = f"{found.run.late_share:.1%}" + ("" if found.run.is_valid else ": does not count")
    times = [f"{found.rejection_ms:.3g} ms", f"{found.recovery_seconds:.1f} s", f"{found.grown_megabytes:.1f} MB"]
    answers = [_counted(found.statuses), _counted(found.hostile_statuses)]
    return [f"round {place}", f"{found.goodput_percent:.0f} % of the peak", *times, *answers, late]


def _counted(statuses: Mapping[int, int]) -> str:
    return ", ".join(f"{count:,} x {status or 'none'}" for status, count in statuses.items()) or "-"
