"""HTML that cannot be broken by a value: only `text` makes Html of a string, and it escapes. Pure.

mypy holds the line: an element's children are Html, so that a plain string among them is a type error.
"""

import html
from collections.abc import Sequence
from typing import NewType

Html = NewType("Html", str)

LONG = 24
"""Characters from which a cell is given room, so that its text does not become a tower of words."""

_VOID = {"img", "meta"}


def text(value: str) -> Html:
    """`value` as the reader shall see it, whatever characters it has."""
    return Html(html.escape(value, quote=True))


def element(name: str, /, *children: Html, **attributes: str) -> Html:
    """`<name ...>children</name>`; an attribute's value is escaped, and its name loses a trailing underscore."""
    told = "".join(f' {key.rstrip("_")}="{text(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{told}>" if name in _VOID else f"<{name}{told}>{''.join(children)}</{name}>")


def joined(*parts: Html) -> Html:
    return Html("\n".join(parts))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    """A table in a box that scrolls sideways; each row's first cell is its heading."""
    head = element("tr", *(element("th", text(cell), scope="col") for cell in header))
    body = (element("tr", element("th", text(first), scope="row"), *map(_cell, cells)) for first, *cells in rows)
    whole = element("table", element("thead", head), element("tbody", joined(*body)))
    return element("div", whole, class_="scroll")


def _cell(value: str) -> Html:
    return element("td", text(value), class_="long" if len(value) > LONG else "short")
