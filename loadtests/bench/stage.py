"""What benchmarks begin and end with: the cores taken and doubted, the folder made; the report written and told."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from loadtests.bench.machine import doubts, machine_facts
from loadtests.bench.processes import Cores, take_cores
from loadtests.bench.results import Report, write_report


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a benchmark runs, and the folder for what it finds; `facts` are of the machine before the run."""

    console: Console
    cores: Cores
    facts: Mapping[str, str]
    output: Path

    def tell(self, report: Report, name: str, *pictures: Path) -> None:
        """Writes the report under `name`; `pictures` were written beside it."""
        written = [*write_report(report, self.output, name), *pictures]
        self.console.print(report.markdown(), markup=False, highlight=False, soft_wrap=True)
        self.console.print(f"written: {', '.join(map(str, written))}", highlight=False, soft_wrap=True)


def take_stage(output: Path) -> Stage:
    """From now on this process stays on the generator's core (`take_cores`)."""
    console, cores = Console(), take_cores()
    facts = machine_facts(cores)
    for warning in doubts(cores):
        console.print(warning, style="yellow")
    output.mkdir(parents=True, exist_ok=True)
    return Stage(console, cores, facts, output)
