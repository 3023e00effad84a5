"""What a person sees meanwhile: a bar over all turns, and the medians so far. Nothing on what is no terminal."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from loadtests.bench.samples import Sample, spread_of
from loadtests.bench.side_by_side import Tell


@contextmanager
def shown_progress(console: Console, titles: Mapping[str, str], turns: int) -> Iterator[Tell]:
    """`turns` is how many there will be at most; `titles` are the rows by name, in the table's order."""
    if not console.is_terminal:
        yield lambda _turn, _row, _sample: None
        return
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    task = bar.add_task("starting", total=turns)
    samples: dict[str, list[Sample]] = {}
    with Live(bar, console=console, refresh_per_second=4, transient=True) as live:

        def tell(turn: int, row: str, sample: Sample) -> None:
            samples.setdefault(row, []).append(sample)
            bar.update(task, advance=1, description=f"round {turn}, {titles[row]}")
            live.update(Group(_medians(samples, titles), bar))

        yield tell


def _medians(samples: Mapping[str, list[Sample]], titles: Mapping[str, str]) -> Table:
    table = Table("server and form", "turns", "requests/s", "p50 ms", "p99 ms")
    for name in (name for name in titles if name in samples):
        found = samples[name]
        rate, p50, p99 = (
            spread_of(found, figure).median
            for figure in (lambda s: s.per_second, lambda s: s.p50_ms, lambda s: s.p99_ms)
        )
        table.add_row(titles[name], str(len(found)), f"{rate:,.0f}", f"{p50:.3g}", f"{p99:.3g}")
    return table
