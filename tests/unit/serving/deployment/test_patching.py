"""Patches that say nothing sensible are refused by name; what they do when they do is in test_kustomize.py."""

from typing import Any

import pytest

from serving.deployment.patching import apply_operations, merge
from serving.errors import IntegrityError

CONTAINERS = {"apiVersion": "apps/v1", "spec": {"containers": [{"name": "gateway"}]}}


@pytest.mark.parametrize("element", ["gateway", {"name": ["gateway"]}, {"name": {}}])
def test_a_list_that_merges_by_names_takes_only_what_has_one(element: Any) -> None:
    with pytest.raises(IntegrityError, match="an element of containers is no object with name"):
        merge({**CONTAINERS, "kind": "Deployment"}, {"spec": {"containers": [element]}})


def test_a_list_in_the_place_of_something_else_stands_for_itself() -> None:
    whole = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": "none"}}
    assert merge(whole, {"spec": {"containers": [{"name": "a"}]}}) == {**whole, "spec": {"containers": [{"name": "a"}]}}


@pytest.mark.parametrize("path", ["", "spec", None])
def test_a_path_that_is_none_is_refused(path: str | None) -> None:
    with pytest.raises(IntegrityError, match="starts with a slash"):
        apply_operations(CONTAINERS, [{"op": "remove", "path": path}])
