"""`kubectl kustomize`, where there is one that is new enough: what our own evaluator is compared with."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

OLDEST = (4, 2)
"""The first Kustomize with `components` and `labels` as they are used here."""


@cache
def absence() -> str:
    """Why there is no kubectl to compare with; empty where there is."""
    try:
        told = subprocess.run(["kubectl", "version", "--client", "-o", "json"], capture_output=True, check=True).stdout
        version = str(json.loads(told).get("kustomizeVersion", "none"))
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        return f"no kubectl to compare with ({error}); .ci/run says how to get one"
    numbers = re.match(r"v(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST:
        return f"kubectl has Kustomize {version}, which is older than 4.2; .ci/run says how to get a newer one"
    return ""


def kustomized(tree: Mapping[str, str], folder: str, place: Path) -> list[Any]:
    """The objects that kubectl makes of `folder` in `tree`, written out below `place`."""
    for name, text in tree.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run(["kubectl", "kustomize", place / folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def by_name(objects: Sequence[Any]) -> dict[tuple[str, str], Any]:
    """Objects without their order, which differs: kubectl sorts."""
    named = {(found["kind"], found["metadata"]["name"]): found for found in objects}
    assert len(named) == len(objects)
    return named
