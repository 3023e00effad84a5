"""Tables of what was measured, in Markdown, as the docs have them. Pure."""

from collections.abc import Mapping, Sequence

from loadtests.bench.samples import Sample, Spread, spread, spread_of
from loadtests.bench.targets import Figure, Measured

WORDS = {"wall": "", "processor": " *"}
FOOTNOTE = "\\* a second of the server's own processor time: the client in Python is no faster than the server"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, the others to the right."""
    rule = ["---", *("---:" for _ in head[1:])]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *rows))


def rows_table(rows: Mapping[str, Measured], titles: Mapping[str, str]) -> str:
    """One line for each row that was measured: medians over the turns, with the least and the most of the rate."""
    head = ["server and form", "requests/s", "least to most", "rows/s", "p50 ms", "p99 ms", "of the core"]
    lines = [[titles[name], *_cells(measured)] for name, measured in rows.items()]
    table = markdown_table(head, lines)
    return f"{table}\n{FOOTNOTE}\n" if any(row.clock == "processor" for row in rows.values()) else table


def _cells(measured: Measured) -> list[str]:
    rate = spread(measured.rates)
    return [
        f"{rate.median:,.0f}{WORDS[measured.clock]}",
        f"{rate.least:,.0f} to {rate.most:,.0f}",
        f"{rate.median * measured.rows:,.0f}",
        digits(_median(measured.samples, "p50_ms")),
        digits(_median(measured.samples, "p99_ms")),
        f"{_median(measured.samples, 'core_share'):.0%}",
    ]


def _median(samples: Sequence[Sample], name: str) -> float:
    return spread_of(samples, lambda sample: float(getattr(sample, name))).median


def figures_table(figures: Sequence[Figure], titles: Mapping[str, str]) -> str:
    """One line for each target that could be judged."""
    head = ["figure", "measured", "least to most", "by processor time", "aim", "reached", "moonshot"]
    return markdown_table(head, [_figure_cells(figure, titles) for figure in figures])


def _figure_cells(figure: Figure, titles: Mapping[str, str]) -> list[str]:
    target, value = figure.target, figure.value
    beside = f" ({titles[figure.beside]})" if figure.beside in titles and "best" in target.what else ""
    aim = f"{'at most' if target.at_most else 'at least'} {number(target.bound, target.unit)}"
    reached = "yes" if figure.reached else "no" if figure.p99_is_no_higher else "no: a higher p99"
    moonshot = "" if target.moonshot is None else number(target.moonshot, target.unit)
    if figure.moonshot_reached:
        moonshot += ", reached"
    by_processor = "" if figure.by_processor is None else number(figure.by_processor.median, target.unit)
    told = [number(value.median, target.unit), _range(value, target.unit), by_processor]
    return [target.what + beside, *told, aim, reached, moonshot]


def _range(value: Spread, unit: str) -> str:
    return f"{number(value.least, unit)} to {number(value.most, unit)}"


def number(value: float, unit: str) -> str:
    """`1.85x`, `45,000 rows/s`, `0.21 ms`, `93 %`."""
    return f"{digits(value)}x" if unit == "x" else f"{digits(value)} {unit}"


def digits(value: float) -> str:
    """Three that count, and all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def left_out_table(reasons: Mapping[str, str]) -> str:
    return markdown_table(
        ["left out", "because"], [[name, " ".join(reason.split())] for name, reason in reasons.items()]
    )
