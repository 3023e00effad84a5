"""Patches of Kubernetes objects. Two JSON documents on a line each, of which the second changes the first: merged where
it is an object, operations where it is a list; or both put together from the words below, as the bytes choose.
"""

import json
from typing import Any

import atheris

with atheris.instrument_imports(include=["serving"]):
    from serving.deployment.kustomization import read_kustomization
    from serving.deployment.patching import apply_operations, merge
    from tests.integration.fuzz.frame import fuzz


WORDS = (
    "spec",
    "containers",
    "env",
    "ports",
    "name",
    "containerPort",
    "port",
    "protocol",
    "volumes",
    "metadata",
    "a",
    "b",
)
DIRECTIVES = ("$patch", "$unknown", "delete", "replace", "TCP")
OPERATIONS = ["add", "remove", "replace", "move"]
PLACES = ["", "-", "0", "1", "-1", "~1", "x", *WORDS]
DEPTH = 4


def made(given: atheris.FuzzedDataProvider, depth: int = 0) -> Any:
    """A value as JSON has them."""
    kind = given.ConsumeIntInRange(0, 5)
    if kind < 2 and depth < DEPTH:
        return [made(given, depth + 1) for _ in range(given.ConsumeIntInRange(0, 3))]
    if kind < 4 and depth < DEPTH:
        names = [given.PickValueInList([*WORDS, *DIRECTIVES]) for _ in range(given.ConsumeIntInRange(0, 4))]
        return {name: made(given, depth + 1) for name in names}
    return given.PickValueInList([None, 0, 1, True, 1.5, *WORDS, *DIRECTIVES])


def operation(given: atheris.FuzzedDataProvider) -> dict[str, Any]:
    path = "/".join(given.PickValueInList(PLACES) for _ in range(given.ConsumeIntInRange(0, 4)))
    return {"op": given.PickValueInList(OPERATIONS), "path": f"/{path}", "value": made(given, 2)}


def chosen(data: bytes) -> tuple[Any, Any]:
    given = atheris.FuzzedDataProvider(data)
    kind = given.PickValueInList(["Deployment", "Service", "Other"])
    whole = {"apiVersion": given.PickValueInList(["v1", "apps/v1", "x/v1"]), "kind": kind, "spec": made(given)}
    if given.ConsumeBool():
        return whole, [operation(given) for _ in range(given.ConsumeIntInRange(0, 4))]
    return whole, {"spec": made(given), given.PickValueInList([*WORDS]): made(given)}


def one_input(data: bytes) -> None:
    first, _, second = data.partition(b"\n")
    try:
        whole, patch = (json.loads(first), json.loads(second)) if data.startswith(b"{") else chosen(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(whole, dict):
        return
    before = json.dumps(whole)
    try:
        if isinstance(patch, dict):
            merge(whole, patch)
            read_kustomization(patch, "kustomization.yaml")
        elif isinstance(patch, list):
            apply_operations(whole, patch)
    finally:
        assert json.dumps(whole) == before, "what was given was changed"


if __name__ == "__main__":
    fuzz(one_input)
