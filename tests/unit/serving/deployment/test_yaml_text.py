"""What is written is read back, by readers of either version of YAML."""

import pytest
import yaml

from serving.deployment.yaml_text import as_yaml


@pytest.mark.parametrize("text", ["on", "Yes", "n", "1e3", "0x1f", "007", "2026-11-21", "1_000", "~", ".5", "+1", ""])
def test_a_string_that_some_reader_takes_for_something_else_is_quoted(text: str) -> None:
    (line,) = [line for line in as_yaml([{"kind": text}]).splitlines() if line.startswith("kind")]
    assert line.removeprefix("kind: ")[0] in "'\""
    assert yaml.safe_load(line) == {"kind": text}


def test_fields_stand_in_their_usual_order_and_nothing_is_an_anchor() -> None:
    shared = {"a": ["b"]}
    text = as_yaml([{"spec": shared, "data": shared, "kind": "K", "apiVersion": "v1", "metadata": {"x": "1\n2\n"}}])
    assert text == (
        "---\napiVersion: v1\nkind: K\nmetadata:\n  x: |\n    1\n    2\nspec:\n  a:\n  - b\ndata:\n  a:\n  - b\n"
    )
