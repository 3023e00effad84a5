"""Who leads among the processes of TF_CONFIG, and what is said where it cannot be read."""

import json

import pytest

from serving.errors import InvalidJob
from training.distribution_spec import chief_by

TWO = {"worker": ["a:1", "b:1"]}


def config(cluster: object, kind: str, index: object) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


@pytest.mark.parametrize(
    ("environment", "leads"),
    [
        (config(TWO, "worker", 0), True),
        (config(TWO, "worker", 1), False),
        (config(TWO, "worker", "0"), True),
        (config({"chief": ["c:1"], **TWO}, "chief", 0), True),
        (config({"chief": ["c:1"], **TWO}, "worker", 0), False),
    ],
)
def test_the_chief_or_else_worker_0_leads(environment: dict[str, str], leads: bool) -> None:  # noqa: FBT001
    assert chief_by(environment) is leads


@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        ({}, "is not set"),
        ({"TF_CONFIG": "{"}, "TF_CONFIG is wrong"),
        ({"TF_CONFIG": "{}"}, "TF_CONFIG has no 'cluster'"),
        (config(TWO, "worker", 2), "names no chief or worker as this task"),
        (config({"ps": ["p:1"], **TWO}, "ps", 0), "names no chief or worker as this task"),
    ],
)
def test_what_cannot_be_read_is_answered_with_an_example(environment: dict[str, str], fault: str) -> None:
    with pytest.raises(InvalidJob, match=fault) as raised:
        chief_by(environment)
    assert 'set it to {"cluster"' in str(raised.value)
