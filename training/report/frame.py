"""The frame of a report: one HTML page that needs nothing beside it, in titled parts with links to them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.report.markup import Html, element, joined, text


@dataclass(frozen=True, slots=True)
class Frame:
    """`title` names the page, `top` stands above its parts, `style` is CSS, `policy` the browser's own guard: whatever
    a value might smuggle in, nothing is run and nothing is fetched. `color_scheme` where the style has more than one.
    """

    title: str
    top: Html
    style: str
    policy: str
    color_scheme: str = "light"


def framed(frame: Frame, parts: Sequence[tuple[str, Html]]) -> str:
    """The page of these parts, each with its title."""
    links = (element("a", text(title), href=f"#part-{place}") for place, (title, _) in enumerate(parts, start=1))
    sections = (
        element("section", element("h2", text(title)), content, id=f"part-{place}")
        for place, (title, content) in enumerate(parts, start=1)
    )
    head = joined(
        element("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{frame.policy}">'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content=frame.color_scheme),
        element("title", text(frame.title)),
        Html(f"<style>\n{frame.style}</style>"),  # ours, and HTML has no escaping inside it
    )
    main = element("main", frame.top, element("nav", *links), joined(*sections))
    return "<!doctype html>\n" + element("html", element("head", head), element("body", main), lang="en") + "\n"
