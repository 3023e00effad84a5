"""A picture with its figures below it, and the boxes that stand in its place when there is nothing to draw. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.report.chart import Chart, drawn
from training.report.markup import Html, element, table, text


@dataclass(frozen=True, slots=True)
class Figures:
    """A table: what every column is, and rows whose first cell names them."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def drawn(self) -> Html:
        return table(self.header, self.rows)


def panel(chart: Chart, figures: Figures) -> Html:
    """The picture, what is to be seen in it, and its numbers for whoever cannot see it or wants them exactly."""
    numbers = element("details", element("summary", text("The figures")), figures.drawn())
    told = element("p", text(chart.told), class_="quiet")
    return element("figure", element("h3", text(chart.title)), told, drawn(chart), numbers)


def panels(*made: Html) -> Html:
    return element("div", *made, class_="panels")


def missing(what: str) -> Html:
    """Says what is not there and why."""
    return element("p", text(what), class_="missing")


def paragraph(told: str, look: str = "") -> Html:
    return element("p", text(told), class_=look) if look else element("p", text(told))


def bullets(told: Sequence[str]) -> Html:
    return element("ul", *(element("li", text(one)) for one in told))
