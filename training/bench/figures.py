"""What the shipped jobs reach on the full data, over several seeds of the fit; the rows of the test split stay.

usage: python -m training.bench.figures DATA [JOB ...]      DATA: the folder with the files that FIGURES names
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from serving.contract.manifest import Manifest, parse_manifest
from serving.contract.model_directory import model_paths


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table: `metric` of `job` on the rows of `file`, and the bound that we set ourselves."""

    job: str
    file: str | None
    metric: str
    target: str
    seeds: int = 3


FIGURES = (
    Figure("mnist", "mnist_10k.npz", "accuracy", ">= 0.95"),
    Figure("mnist_cnn", "mnist_10k.npz", "accuracy", ">= 0.983"),
    Figure("auto_mpg", "auto_mpg.csv", "mae", "<= 2.1", seeds=5),
    Figure("california_housing", "california_housing.csv.gz", "mae", "<= 33,000"),
    Figure("sms_spam", "sms_spam.tsv", "f1", ">= 0.93"),
    Figure("sms_spam", "sms_spam.tsv", "pr_auc", ""),
    Figure("diamonds", "diamonds.csv.gz", "mae", "<= 290"),
    Figure("digits_cnn", None, "accuracy", ">= 0.985"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One trained version: its metrics by name, and the seconds from the command to its end."""

    metrics: dict[str, float]
    seconds: float


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench-training")
    parser.add_argument("data", type=Path)
    parser.add_argument("jobs", nargs="*", help="these jobs alone")
    arguments = parser.parse_args(argv)
    table = Table("job", "figure", "mean", "least", "most", "baseline", "target", "seconds a run")
    for file, figures in _by_run(arguments.jobs):
        runs = list(_runs(figures[0], arguments.data / file if file else None))
        for figure in figures:
            table.add_row(*_row(figure, runs))
    Console(width=120).print(table)
    return 0


def _by_run(jobs: Sequence[str]) -> Iterator[tuple[str | None, list[Figure]]]:
    wanted = [figure for figure in FIGURES if not jobs or figure.job in jobs]
    for name in dict.fromkeys(figure.job for figure in wanted):
        figures = [figure for figure in wanted if figure.job == name]
        yield figures[0].file, figures


def _runs(figure: Figure, path: Path | None) -> Iterator[Run]:
    for seed in range(1, figure.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            given = [] if path is None else ["--set", f"data.path={path}"]
            command = ["train", figure.job, "--models", folder, "--set", f"fit.seed={seed}", *given]
            began = time.perf_counter()
            subprocess.run([sys.executable, "-m", "penstock_cli", *command], check=True, stdout=subprocess.DEVNULL)
            seconds = time.perf_counter() - began
            version = model_paths(Path(folder), figure.job).version(1)
            manifest = parse_manifest(version.manifest.read_bytes())
            run = Run(_metrics(manifest), seconds)
        print(json.dumps({"job": figure.job, "seed": seed, "seconds": round(seconds, 1), **run.metrics}), flush=True)
        yield run


def _metrics(manifest: Manifest) -> dict[str, float]:
    baseline = {f"baseline {name}": value for name, value in manifest.metrics.baseline.items()}
    return {**manifest.metrics.test, **baseline}


def _row(figure: Figure, runs: Sequence[Run]) -> tuple[str, ...]:
    values = [run.metrics[figure.metric] for run in runs]
    baseline = runs[0].metrics.get(f"baseline {figure.metric}")
    seconds = statistics.mean(run.seconds for run in runs)
    told = (statistics.mean(values), min(values), max(values))
    return (
        figure.job,
        figure.metric,
        *(f"{value:,.4g}" if value < 1000 else f"{value:,.0f}" for value in told),
        "-" if baseline is None else f"{baseline:,.4g}",
        figure.target,
        f"{seconds:.0f}",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
