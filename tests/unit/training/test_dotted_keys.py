"""Values of nested tables by dotted key."""

from typing import Any

import pytest

from serving.errors import InvalidJob
from training.dotted_keys import put


def test_value_and_whole_table_are_replaced() -> None:
    content: dict[str, Any] = {"a": {"b": 1, "c": {"d": 2}}}
    put(content, "a.c.d", [3], "x")
    put(content, "a.b", {"e": 4}, "x")
    assert content == {"a": {"b": {"e": 4}, "c": {"d": [3]}}}


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("z", "x: a job has no 'z'; there are: a"),
        ("a.z", "x: a has no 'z'; there are: b"),
        ("a.b.z", "x: a.b is one value; set it whole"),
        ("", "x: a job has no ''; there are: a"),
    ],
)
def test_key_that_is_not_there_is_refused_and_nothing_changes(key: str, told: str) -> None:
    content: dict[str, Any] = {"a": {"b": 1}}
    with pytest.raises(InvalidJob) as refused:
        put(content, key, 2, "x")
    assert str(refused.value) == told
    assert content == {"a": {"b": 1}}
