"""The page of a run: its parts put together, and written."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from loadtests.report import comparison, sections
from loadtests.report.comparison import Named
from loadtests.run_result import RunResult
from training.report.frame import Frame, framed
from training.report.markup import Html, joined

POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write_report(result: RunResult, path: Path) -> None:
    """Writes one HTML page that needs nothing beside it. Raises OSError."""
    path.write_text(render_page(result), encoding="utf-8")


def render_page(result: RunResult) -> str:
    """The whole page of one run."""
    parts = [
        ("Over time", sections.over_time(result)),
        ("Latency", sections.latency(result)),
        ("Answers", sections.answers(result)),
        ("Server", sections.server(result)),
        ("Generator", sections.generator(result)),
        ("Environment", sections.environment(result)),
    ]
    top = joined(sections.banners(result), sections.opening(result))
    return whole_page(f"{result.model}: {result.scenario}, load test", top, parts)


def whole_page(title: str, top: Html, parts: Sequence[tuple[str, Html]]) -> str:
    """A page of titled parts below `top`, with links to them."""
    style = (files("loadtests.report") / "style.css").read_text(encoding="utf-8")
    return framed(Frame(title, top, style, POLICY, "light dark"), parts)


def write_comparison(first: Named, second: Named, path: Path) -> None:
    """Writes one page of two runs over each other. Raises OSError."""
    path.write_text(render_comparison(first, second), encoding="utf-8")


def render_comparison(first: Named, second: Named) -> str:
    parts = [
        ("Figures", comparison.figures(first, second)),
        ("Latency", comparison.latency(first, second)),
        ("Over time", comparison.rates(first, second)),
        ("Server", comparison.server(first, second)),
        ("Environment", comparison.environment(first, second)),
    ]
    title = f"{first.name} and {second.name}, load tests"
    return whole_page(title, comparison.heading(first, second), parts)
