"""`penstock loadtest report`: the page of a run that is over, or of two runs over each other."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtests.report.comparison import Named
from loadtests.report.page import write_comparison, write_report
from loadtests.run_result import RunResult

FAILED = 1


def run(argv: Sequence[str]) -> int:
    """Writes the page and prints its path; 1 when a file is no run's result or cannot be read or written."""
    arguments = _arguments(argv)
    first, second = arguments.run, arguments.other
    path = arguments.output or _beside(first, second)
    try:
        if second is None:
            write_report(RunResult.read(first), path)
        else:
            names = names_of(first, second)
            runs = Named(names[0], RunResult.read(first)), Named(names[1], RunResult.read(second))
            write_comparison(*runs, path)
    except (ValueError, OSError) as wrong:
        print(f"penstock loadtest report: {wrong}", file=sys.stderr)
        return FAILED
    print(path)
    return 0


def names_of(first: Path, second: Path) -> tuple[str, str]:
    """What tells two runs apart: the files' names, or their folders' where both files are called the same."""
    if first.stem != second.stem:
        return first.stem, second.stem
    folders = first.resolve().parent.name, second.resolve().parent.name
    return folders if folders[0] != folders[1] else (str(first), str(second))


def _beside(first: Path, second: Path | None) -> Path:
    return first.with_suffix(".html") if second is None else first.with_name("comparison.html")


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="penstock loadtest report", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN.json", help="what a load test left")
    parser.add_argument("other", type=Path, nargs="?", metavar="OTHER.json", help="a second run, drawn over the first")
    told = "default: beside RUN.json, as RUN.html or comparison.html"
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.html", help=told)
    return parser.parse_args(argv)
