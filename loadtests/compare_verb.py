"""`penstock bench compare A.json B.json`: what became slower from the first run to the second, beyond chance.

The files are those of a benchmark that leaves rows of samples (`penstock bench`, `penstock bench peers`), or the
run.json of two load tests. Exit code 1 when a figure is worse and its whole interval is beyond the threshold, 2 when
the files cannot be compared.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtests.bench.tables import digits
from loadtests.compare import (
    Compared,
    Comparison,
    Figure,
    NotComparable,
    Verdict,
    bench_figures,
    compare,
    compare_runs,
    differences,
)
from loadtests.run_result import RunResult

WORSE, NOT_COMPARABLE = 1, 2
COLOURS: Mapping[Verdict, str] = MappingProxyType(
    {"worse": "bold red", "better": "green", "same": "", "unknown": "dim"}
)
UNEQUAL_FACTS = frozenset({"load before the run"})
"""Facts that differ from run to run anyway."""


def compare_files(argv: Sequence[str]) -> int:
    arguments = _arguments(argv)
    try:
        comparison = compared(arguments.first, arguments.second, arguments.seed)
    except (OSError, NotComparable) as error:
        Console(stderr=True).print(f"penstock bench compare: {error}", markup=False, highlight=False, soft_wrap=True)
        return NOT_COMPARABLE
    threshold = arguments.threshold / 100
    _tell(Console(), comparison, threshold)
    return WORSE if comparison.worse(threshold) else 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="penstock bench compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path, metavar="A.json", help="the run to compare with")
    parser.add_argument("second", type=Path, metavar="B.json", help="the run that may be slower")
    parser.add_argument(
        "--threshold", type=float, default=5.0, help="percent that do not matter (default: %(default)g)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the resampling (default: %(default)s)")
    return parser.parse_args(argv)


def compared(first: Path, second: Path, seed: int) -> Comparison:
    """Raises NotComparable, and OSError for a file that cannot be read."""
    ours, theirs = _read(first), _read(second)
    are_runs = ["generator" in each for each in (ours, theirs)]
    if all(are_runs):
        return compare_runs(_run(first), _run(second), seed)
    if any(are_runs):
        raise NotComparable("one file is a load test's run, the other a benchmark's")
    found = compare(_bench(first, ours), _bench(second, theirs), seed)
    return Comparison(found.figures, found.only_one_has, differences(_facts(ours), _facts(theirs)))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise NotComparable(f"{path} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise NotComparable(f"{path} is no JSON object")
    return found


def _run(path: Path) -> RunResult:
    try:
        return RunResult.read(path)
    except ValueError as error:
        raise NotComparable(str(error)) from error


def _bench(path: Path, read: Mapping[str, Any]) -> list[Figure]:
    rows = read.get("rows")
    if not isinstance(rows, dict) or not rows:
        raise NotComparable(f"{path} has no rows of samples; its benchmark cannot be compared")
    try:
        return bench_figures(rows)
    except NotComparable as error:
        raise NotComparable(f"{path}: {error}") from error


def _facts(read: Mapping[str, Any]) -> dict[str, str]:
    parts = [part for part in (read.get("machine"), read.get("versions")) if isinstance(part, dict)]
    return {name: str(value) for part in parts for name, value in part.items() if name not in UNEQUAL_FACTS}


def _tell(console: Console, comparison: Comparison, threshold: float) -> None:
    table = Table("figure", box=None)
    for head in ("first", "second", "worse by", "95 % interval", ""):
        table.add_column(head, justify="right")
    for figure in comparison.figures:
        verdict = figure.verdict(threshold)
        table.add_row(*_cells(figure), verdict, style=COLOURS[verdict])
    console.print(table)
    for name in comparison.only_one_has:
        console.print(f"only in one file: {name}", style="yellow", highlight=False, soft_wrap=True)
    for difference in comparison.differences:
        console.print(f"not the same: {difference}", style="yellow", highlight=False, soft_wrap=True)
    worse = len(comparison.worse(threshold))
    told = f"{worse} of {len(comparison.figures)} figures worse by more than {threshold:.0%}, beyond chance"
    console.print(told, style="bold red" if worse else "", highlight=False, soft_wrap=True)


def _cells(figure: Compared) -> list[str]:
    interval = "too few samples"
    if figure.low is not None and figure.high is not None:
        interval = f"{figure.low:.3f} to {figure.high:.3f}"
    return [
        f"{figure.name}, {figure.unit}",
        digits(figure.first),
        digits(figure.second),
        f"{figure.factor:.3f}x",
        interval,
    ]
