"""The page of a run, put together from its parts and written."""

from pathlib import Path

from loadtests.run_result import RunResult
from training.report.markup import Html, element, joined, table, text


def write_report(result: RunResult, path: Path) -> None:
    """Writes one HTML page that needs nothing beside it. Raises OSError."""
    path.write_text(render_page(result), encoding="utf-8")


def render_page(result: RunResult) -> str:
    """The whole page."""
    rows = [("sent", f"{result.sent:,}"), ("good", f"{result.good:,}"), ("failed", f"{result.failed:,}")]
    title = f"{result.scenario}: {result.model}"
    head = joined(element("meta", charset="utf-8"), element("title", text(title)))
    body = element("main", element("h1", text(title)), table(("", "requests"), rows))
    return "<!doctype html>\n" + str(Html(element("html", element("head", head), element("body", body), lang="en")))
