import json
from pathlib import Path

from loadtests.bench.chart import draw_rates
from loadtests.bench.results import Report, write_report
from loadtests.bench.samples import Sample
from loadtests.bench.targets import Measured, Ratio, Target, figures

ROWS = {
    "quick": Measured((Sample(100, 1.0, 0.5, 1.0, 2.0), Sample(120, 1.0, 0.5, 1.0, 2.0))),
    "many": Measured((Sample(10, 1.0, 0.5, 1.0, 2.0), Sample(12, 1.0, 0.5, 1.0, 2.0)), rows=64),
}
TITLES = {"quick": "gateway, quick", "many": "gateway, many rows"}
FIGURES = figures(ROWS, {}, [Target("quick by many", Ratio("quick", ("many",)), 9)])
REPORT = Report(
    "A run",
    "How.",
    {"cores": "2"},
    {"python": "3.11"},
    ROWS,
    TITLES,
    FIGURES,
    {"peer": "absent"},
    ["| own |\n"],
    {"n": 1},
)


def test_a_report_is_written_as_tables_and_with_every_sample(tmp_path: Path) -> None:
    markdown, machine_readable = write_report(REPORT, tmp_path, "run")
    text, found = markdown.read_text(), json.loads(machine_readable.read_text())
    for told in ("# A run", "How.", "| own |", "gateway, quick", "quick by many", "| peer | absent |", "| cores | 2 |"):
        assert told in text
    assert [sample["requests"] for sample in found["rows"]["quick"]["samples"]] == [100, 120]
    assert found["figures"][0]["reached"] is True
    assert (found["n"], found["machine"], found["left_out"]) == (1, {"cores": "2"}, {"peer": "absent"})


def test_the_chart_is_a_picture_whether_or_not_requests_had_many_rows(tmp_path: Path) -> None:
    for rows in (ROWS, {"quick": ROWS["quick"]}):
        path = tmp_path / f"{len(rows)}.png"
        draw_rates(rows, TITLES, "A run", path)
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
