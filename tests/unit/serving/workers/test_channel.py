"""What one end writes the other reads."""

from pathlib import Path

from serving.model_settings import ModelSettings
from serving.observability.ledger import SharedFiles
from serving.settings import Settings
from serving.workers.channel import Order, Report, read_order, read_report


def test_an_order_arrives_as_it_was_given() -> None:
    settings = Settings(
        models=Path("/srv/models"), required_models=("a", "b"), workers=3, model={"a": ModelSettings(lengths=(8, 16))}
    )
    order = Order(2, settings, SharedFiles((7, 8, 9), 6))
    line = order.line()
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert read_order(line) == order


def test_a_report_arrives_as_it_was_given_in_one_line() -> None:
    for report in (Report(ready="Penstock serves\ndigits"), Report(failed="cannot listen on ::1:80")):
        assert report.line().count(b"\n") == 1
        assert read_report(report.line()) == report
