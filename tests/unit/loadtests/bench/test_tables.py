import pytest

from loadtests.bench.samples import Sample
from loadtests.bench.tables import FOOTNOTE, figures_table, left_out_table, markdown_table, number, rows_table
from loadtests.bench.targets import Measured, Ratio, Target, figures

QUICK = Measured(tuple(Sample(rate, 1.0, 1.0, 1.234, 5.0) for rate in (1000, 2000, 4000)))
MANY = Measured(QUICK.samples, rows=64)
BY_PROCESSOR = Measured(QUICK.samples, clock="processor")
TITLES = {"quick": "the quick one", "many": "many rows", "grpc": "by gRPC"}


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]


def test_a_table_has_its_head_a_rule_and_its_rows() -> None:
    assert markdown_table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |\n"


def test_a_row_has_medians_and_its_spread() -> None:
    table = cells(rows_table({"quick": QUICK, "many": MANY}, TITLES))
    assert table[2] == ["the quick one", "2,000", "1,000 to 4,000", "2,000", "1.23", "5", "100%"]
    assert table[3][:4] == ["many rows", "2,000", "1,000 to 4,000", "128,000"]


def test_rates_by_the_processors_clock_are_marked_and_explained() -> None:
    assert cells(rows_table({"grpc": BY_PROCESSOR}, TITLES))[2][1] == "2,000 *"
    assert FOOTNOTE in rows_table({"grpc": BY_PROCESSOR}, TITLES)
    assert FOOTNOTE not in rows_table({"quick": QUICK}, TITLES)


def test_a_figure_stands_beside_its_aim() -> None:
    rows = {"quick": QUICK, "many": Measured(tuple(Sample(500, 1.0, 1.0, 1.0, 1.0) for _ in range(3)))}
    targets = [
        Target("by the best of them", Ratio("quick", ("many",)), 3, 3.5),
        Target("by many", Ratio("quick", ("many",), at_no_higher_p99=True), 3, 8),
        Target("by itself", Ratio("quick", ("quick",)), 2),
    ]
    table = cells(figures_table(figures(rows, {}, targets), TITLES))
    assert table[2] == [
        "by the best of them (many rows)",
        "4x",
        "2x to 8x",
        "4x",
        "at least 3x",
        "yes",
        "3.5x, reached",
    ]
    assert table[3] == ["by many", "4x", "2x to 8x", "4x", "at least 3x", "no: a higher p99", "8x"]
    assert table[4] == ["by itself", "1x", "1x to 1x", "1x", "at least 2x", "no", ""]


def test_a_reason_takes_one_line() -> None:
    assert cells(left_out_table({"peer": "it ended:\n  a\n  b"}))[2] == ["peer", "it ended: a b"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.854, "x", "1.85x"),
        (45000.4, "rows/s", "45,000 rows/s"),
        (0.2105, "ms", "0.21 ms"),
        (93.4, "%", "93.4 %"),
        (1330.0, "ms", "1,330 ms"),
    ],
)
def test_numbers_have_three_digits_and_their_unit(value: float, unit: str, text: str) -> None:
    assert number(value, unit) == text
