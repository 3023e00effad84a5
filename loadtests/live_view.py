"""A run as it goes, on the terminal: users, rate, percentiles, errors and the time left."""

import math
from collections import deque
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from loadtests.locust_process import Told

BARS = "▁▂▃▄▅▆▇█"
HISTORY_SECONDS = 44
"""As many bars as the panel has room for."""


class LiveView:
    """What rich's `Live` shows; `tell` it what is new."""

    def __init__(self, title: str, seconds: float) -> None:
        self._title, self._seconds = title, seconds
        self._last: Told | None = None
        self._rates: deque[float] = deque(maxlen=HISTORY_SECONDS)
        self._p99s: deque[float] = deque(maxlen=HISTORY_SECONDS)

    def tell(self, told: Told) -> None:
        self._last = told
        self._rates.append(told.per_second)
        self._p99s.append(told.p99_seconds)

    def __rich__(self) -> RenderableType:
        told = self._last
        if told is None:
            return Panel(Text("starting ..."), title=self._title, title_align="left", width=90)
        passed = min(told.elapsed_seconds, self._seconds)
        left = Text(f"{clock(self._seconds - passed)} left of {clock(self._seconds)}", style="dim")
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(total=self._seconds, completed=passed, width=56), left)
        return Panel(Group(bar, self._figures(told)), title=self._title, title_align="left", width=90)

    def _figures(self, told: Told) -> Table:
        table = Table.grid(padding=(0, 2))
        share = f" ({told.failed / told.sent:.2%})" if told.failed else ""
        errors = Text(f"{told.failed:,}{share}", style="bold red" if told.failed else "green")
        table.add_row("users", f"{told.users:,}", "sent", f"{told.sent:,}")
        table.add_row("rate", f"{told.per_second:,.0f}/s", "errors", errors)
        table.add_row("p50", milliseconds(told.p50_seconds), "rate", sparkline(self._rates))
        table.add_row("p95", milliseconds(told.p95_seconds), "p99", sparkline(self._p99s))
        table.add_row("p99", milliseconds(told.p99_seconds))
        return table


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    whole = max(0, math.ceil(seconds))
    return f"{whole // 60}:{whole % 60:02}"


def milliseconds(seconds: float) -> str:
    return "-" if math.isnan(seconds) else f"{seconds * 1e3:,.2f} ms"


def sparkline(values: Iterable[float]) -> str:
    """A bar for each value, from 0 to the highest; a gap where there was none."""
    known = list(values)
    highest = max((value for value in known if not math.isnan(value)), default=0.0)
    return "".join(_bar(value, highest) for value in known)


def _bar(value: float, highest: float) -> str:
    if math.isnan(value):
        return " "
    return BARS[round(value / highest * (len(BARS) - 1))] if highest else BARS[0]
