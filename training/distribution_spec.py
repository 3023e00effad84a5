"""What a job file may say about training on several devices or machines. Pure."""

import json
from collections.abc import Mapping
from typing import Literal

from pydantic import PositiveFloat

from serving.contract.features import Fact
from serving.errors import InvalidJob

TF_CONFIG = "TF_CONFIG"
EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'


class DistributionSpec(Fact):
    """`mirrored` trains on every GPU of this machine, `multi_worker` with the processes that TF_CONFIG names.

    `wait_seconds` is how long a worker waits for the others to start.
    """

    strategy: Literal["none", "mirrored", "multi_worker"] = "none"
    wait_seconds: PositiveFloat = 300.0


def chief_by(environment: Mapping[str, str]) -> bool:
    """Whether TF_CONFIG makes this process the chief: the task `chief`, or else worker 0."""
    if TF_CONFIG not in environment:
        raise InvalidJob(
            f"distribution.strategy: multi_worker needs {TF_CONFIG}, which is not set; set it to {EXAMPLE}"
        )
    try:
        told = json.loads(environment[TF_CONFIG])
        cluster, task = told["cluster"], told["task"]
        addresses = cluster[task["type"]]
        index = int(task["index"])
    except KeyError as error:
        raise InvalidJob(f"distribution.strategy: {TF_CONFIG} has no {error}; set it to {EXAMPLE}") from error
    except (ValueError, TypeError) as error:
        raise InvalidJob(f"distribution.strategy: {TF_CONFIG} is wrong ({error}); set it to {EXAMPLE}") from error
    if task["type"] not in ("chief", "worker") or not 0 <= index < len(addresses):
        raise InvalidJob(
            f"distribution.strategy: {TF_CONFIG} names no chief or worker as this task; set it to {EXAMPLE}"
        )
    return task["type"] == "chief" or ("chief" not in cluster and index == 0)
