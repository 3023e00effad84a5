"""A value of nested tables by its dotted key, as `--set` and a search's space name it. Pure."""

from collections.abc import Sequence
from typing import Any

from serving.errors import InvalidJob


def put(content: dict[str, Any], key: str, value: object, asked_by: str) -> None:
    """Replaces the value of `key`, which must be there, in `content`.

    Raises InvalidJob, which opens with `asked_by`, for a key that is not there, naming those that are.
    """
    *way, last = key.split(".")
    table: Any = content
    for depth, name in enumerate(way):
        table = _inside(table, name, way[:depth], asked_by)
    _inside(table, last, way, asked_by)
    table[last] = value


def _inside(table: object, name: str, way: Sequence[str], asked_by: str) -> object:
    where = ".".join(way) or "a job"
    if not isinstance(table, dict):
        raise InvalidJob(f"{asked_by}: {where} is one value; set it whole")
    if name not in table:
        raise InvalidJob(f"{asked_by}: {where} has no {name!r}; there are: {', '.join(table)}")
    return table[name]
