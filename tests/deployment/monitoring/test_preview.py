"""The picture has every panel of the dashboard, drawn from what Prometheus would answer."""

from pathlib import Path
from typing import Any

import pytest

from k8s.components.monitoring.dashboard import dashboard
from k8s.components.monitoring.preview import draw, shown

PANELS = dashboard()["panels"]
ASKED: list[str] = [target["expr"] for panel in PANELS for target in panel.get("targets", [])]


def answer(_: str) -> list[Any]:
    labels = {"model_name": "digits", "model_version": "3", "labels": "stable"}
    return [
        {"metric": {**labels, "le": le}, "values": [[100 + at, str(at)] for at in range(5)]} for le in ("1.0", "+Inf")
    ]


@pytest.mark.parametrize("answers", [answer, lambda _: []])
def test_every_panel_is_drawn_and_every_query_asked(answers: Any, tmp_path: Path) -> None:
    asked = []

    def ask(expr: str) -> list[Any]:
        asked.append(expr)
        found: list[Any] = answers(expr)
        return found

    figure = draw(PANELS, ask, 100.0)
    figure.savefig(tmp_path / "dashboard.png")
    titles = {panel["title"] for panel in PANELS if panel["type"] != "row"}
    assert {axes.get_title(loc="left") for axes in figure.axes} == titles
    assert len(asked) == len(ASKED)
    assert not any("$" in expr for expr in asked)


def test_numbers_are_written_in_units_that_fit() -> None:
    assert [shown(value, "s") for value in (0.0004, 0.25, 90, 864000)] == ["0.4 ms", "250 ms", "90 s", "240 h"]
    assert (shown(0.125, "percentunit"), shown(2**21, "bytes"), shown(12345, "short")) == ("12.50%", "2 MiB", "12,345")
