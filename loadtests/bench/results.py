"""What a run leaves behind in its output folder: the tables in Markdown, everything in JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from loadtests.bench.tables import figures_table, left_out_table, markdown_table, rows_table
from loadtests.bench.targets import Figure, Measured


@dataclass(frozen=True, slots=True)
class Report:
    """One run, told: `method` says how in words, the rest is what was found. Titles are the rows' names in words.

    `tables` are a benchmark's own, in Markdown; `details` is what they were made from, for JSON.
    """

    title: str
    method: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    rows: Mapping[str, Measured] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    tables: Sequence[str] = ()
    details: Mapping[str, object] = field(default_factory=dict)

    def markdown(self) -> str:
        parts = [f"# {self.title}\n", self.method, *self.tables]
        if self.rows:
            parts.append(rows_table(self.rows, self.titles))
        if self.figures:
            parts.append(figures_table(self.figures, self.titles))
        if self.left_out:
            parts.append(left_out_table(self.left_out))
        facts = {**self.machine, **self.versions}
        parts.append(markdown_table(["measured on", ""], [[name, value] for name, value in facts.items()]))
        return "\n".join(parts)

    def json(self) -> str:
        """Every sample as it was measured."""
        found: dict[str, Any] = {
            "title": self.title,
            "method": self.method,
            "machine": dict(self.machine),
            "versions": dict(self.versions),
            "rows": {name: {"title": self.titles[name], **asdict(row)} for name, row in self.rows.items()},
            "figures": [
                {**asdict(figure), "reached": figure.reached, "moonshot_reached": figure.moonshot_reached}
                for figure in self.figures
            ],
            "left_out": dict(self.left_out),
            **self.details,
        }
        return json.dumps(found, indent=2) + "\n"


def write_report(report: Report, folder: Path, name: str) -> tuple[Path, Path]:
    """The paths of the Markdown and of the JSON."""
    markdown, machine_readable = folder / f"{name}.md", folder / f"{name}.json"
    markdown.write_text(report.markdown())
    machine_readable.write_text(report.json())
    return markdown, machine_readable
