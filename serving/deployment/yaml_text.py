"""Objects as YAML that every reader takes alike, whichever version of YAML it knows. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

MAYBE_NO_STRING = re.compile(r"[-+]?\.?[0-9].*|[-+]?\.(inf|nan)|[yYnN]|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF|~")
"""What some reader takes for a number, a date or a truth value (`1e3`, `on`): always quoted."""
ORDER = ("apiVersion", "kind", "metadata", "spec", "data")


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML has no types
    def ignore_aliases(self, data: object) -> bool:
        """Anchors would be shorter; people read this."""
        return data is not None or super().ignore_aliases(data)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else '"' if MAYBE_NO_STRING.fullmatch(text) else None
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    return node


_Dumper.add_representer(str, _text)


def as_yaml(objects: Iterable[Mapping[str, Any]]) -> str:
    """One document each, its fields in the order in which people write them."""
    ordered = [
        {name: found[name] for name in (*ORDER, *(name for name in found if name not in ORDER)) if name in found}
        for found in objects
    ]
    text: str = yaml.dump_all(
        ordered, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True, explicit_start=True
    )
    return text
