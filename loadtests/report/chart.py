"""A chart of lines as SVG: colours are the style sheet's, so that it follows the reader's light or dark page. Pure.

No matplotlib: its SVG carries fixed colours and is twenty times as long.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtests.report.scales import Scale
from training.report.markup import Html, element, joined, text

WIDTH, HEIGHT = 520.0, 290.0
LEFT, RIGHT, TOP, BOTTOM = 78.0, 16.0, 14.0, 50.0
"""Room for labels, which are larger on a phone."""
MOST_HINTS = 150
"""More parts of a line than this are too narrow to point at."""
POINT_PIXELS = 3.0


@dataclass(frozen=True, slots=True)
class Line:
    """`look` is a class of the style sheet; a point without a y breaks the line."""

    name: str
    look: str
    points: tuple[tuple[float, float | None], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """`title` says what is drawn and `told` what is to be seen: both are read aloud for the picture.

    `hints` are what pointing at a stretch of the x axis shows: where it begins, where it ends, and what is said.
    """

    name: str
    title: str
    told: str
    x: Scale
    x_title: str
    y: Scale
    lines: tuple[Line, ...]
    hints: tuple[tuple[float, float, str], ...] = ()


def drawn(chart: Chart) -> Html:
    """The picture, and a legend above it when it has several lines."""
    names = element("ul", *(_legend(line) for line in chart.lines), class_="legend")
    legend = [names] if len(chart.lines) > 1 else []
    title, told = f"{chart.name}-title", f"{chart.name}-told"
    picture = element(
        "svg",
        element("title", text(chart.title), id=title),
        element("desc", text(chart.told), id=told),
        joined(*_grid(chart), *(_line(chart, line) for line in chart.lines), *_hints(chart)),
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        role="img",
        **{"aria-labelledby": title, "aria-describedby": told},
    )
    return joined(*legend, picture)


def _grid(chart: Chart) -> Iterator[Html]:
    left, right, bottom = LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM
    for tick in chart.y.ticks:
        y = _y(chart, tick.value)
        yield element("line", class_="grid", x1=_px(left), x2=_px(right), y1=_px(y), y2=_px(y))
        yield element("text", text(tick.label), class_="ytick", x=_px(left - 8), y=_px(y + 4))
    for tick in chart.x.ticks:
        x = _x(chart, tick.value)
        yield element("line", class_="tick", x1=_px(x), x2=_px(x), y1=_px(bottom), y2=_px(bottom + 5))
        yield element("text", text(tick.label), class_="xtick", x=_px(x), y=_px(bottom + 20))
    yield element("line", class_="axis", x1=_px(left), x2=_px(right), y1=_px(bottom), y2=_px(bottom))
    yield element("text", text(chart.x_title), class_="xtitle", x=_px((left + right) / 2), y=_px(HEIGHT - 6))
    yield from _empty(chart)


def _empty(chart: Chart) -> Iterator[Html]:
    if not any(y is not None for line in chart.lines for _, y in line.points):
        place = {"x": _px((LEFT + WIDTH - RIGHT) / 2), "y": _px((TOP + HEIGHT - BOTTOM) / 2)}
        yield element("text", text("nothing to draw"), class_="xtitle", **place)


def _line(chart: Chart, line: Line) -> Html:
    strokes, dots = [], []
    for run in _unbroken(line.points):
        places = [(_px(_x(chart, x)), _px(_y(chart, y))) for x, y in run]
        if len(places) == 1:
            x, y = places[0]
            dots.append(element("circle", class_=f"dot {line.look}", cx=x, cy=y, r=_px(POINT_PIXELS)))
        else:
            strokes.append("M" + "L".join(f"{x} {y}" for x, y in places))
    path = [element("path", class_=f"line {line.look}", d="".join(strokes))] if strokes else []
    return joined(*path, *dots)


def _unbroken(points: Sequence[tuple[float, float | None]]) -> Iterator[list[tuple[float, float]]]:
    run: list[tuple[float, float]] = []
    for x, y in points:
        if y is not None and math.isfinite(y):
            run.append((x, y))
            continue
        if run:
            yield run
        run = []
    if run:
        yield run


def _hints(chart: Chart) -> Iterator[Html]:
    if len(chart.hints) > MOST_HINTS:
        return
    for start, end, told in chart.hints:
        left, right = _x(chart, start), _x(chart, end)
        place = {"x": _px(left), "y": _px(TOP), "width": _px(max(1.0, right - left))}
        yield element("rect", element("title", text(told)), class_="hint", height=_px(HEIGHT - TOP - BOTTOM), **place)


def _legend(line: Line) -> Html:
    stroke = element("line", class_=f"line {line.look}", x1="1", x2="25", y1="6", y2="6")
    swatch = element("svg", stroke, viewBox="0 0 26 12", class_="swatch", **{"aria-hidden": "true"})
    return element("li", swatch, text(line.name))


def _x(chart: Chart, value: float) -> float:
    return LEFT + chart.x.place(value) * (WIDTH - LEFT - RIGHT)


def _y(chart: Chart, value: float) -> float:
    return HEIGHT - BOTTOM - chart.y.place(value) * (HEIGHT - TOP - BOTTOM)


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def values_of(lines: Sequence[Line]) -> list[float]:
    """All the values of the lines, for the scale they share."""
    return [y for line in lines for _, y in line.points if y is not None and math.isfinite(y)]
