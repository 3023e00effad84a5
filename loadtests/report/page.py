"""The page of a run: its parts put together, and written."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from loadtests.report import comparison, sections
from loadtests.report.comparison import Named
from loadtests.run_result import RunResult
from training.report.markup import Html, element, joined, text

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The browser's own guard: whatever a value might smuggle in, nothing is run and nothing is fetched."""


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
    links = (element("a", text(name), href=f"#part-{place}") for place, (name, _) in enumerate(parts, start=1))
    made = (
        element("section", element("h2", text(name)), content, id=f"part-{place}")
        for place, (name, content) in enumerate(parts, start=1)
    )
    head = joined(
        element("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", text(title)),
        Html(f"<style>\n{style}</style>"),  # ours, and HTML has no escaping inside it
    )
    main = element("main", top, element("nav", *links), joined(*made))
    return "<!doctype html>\n" + element("html", element("head", head), element("body", main), lang="en") + "\n"


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
