"""What one of several equal processes is to the others, by its number: TF_CONFIG and KerasTuner's variables. Pure.

Kubernetes numbers the pods of an Indexed Job in JOB_COMPLETION_INDEX; anybody else may set it too. Number 0 leads.
"""

import json
import re
from collections.abc import Mapping, Sequence

from serving.errors import InvalidJob
from training.distribution_spec import TF_CONFIG, DistributionSpec

INDEX = "JOB_COMPLETION_INDEX"
ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.-]+):(?P<port>[0-9]{1,5})")


def peers_of(text: str) -> tuple[str, ...]:
    """`host:port,host:port`, one for each number. Raises ValueError that says which is none."""
    peers = tuple(text.split(","))
    for peer in peers:
        found = ADDRESS.fullmatch(peer)
        if found is None or not 0 < int(found["port"]) < 65536:
            raise ValueError(f"{peer!r} is not host:port")
    return peers


def worker_environment(
    distribution: DistributionSpec, peers: Sequence[str], environment: Mapping[str, str]
) -> dict[str, str]:
    """TF_CONFIG of a `tf.distribute` worker, the first being the chief; nothing where there are no peers.

    Raises InvalidJob for a job that does not train in several processes, and for a number that is nobody's.
    """
    if not peers:
        return {}
    if distribution.strategy != "multi_worker":
        raise InvalidJob("--peers: several processes train one model with --set distribution.strategy=multi_worker")
    task = {"type": "worker", "index": _index(environment, peers)}
    return {TF_CONFIG: json.dumps({"cluster": {"worker": list(peers)}, "task": task})}


def tuner_environment(peers: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """KerasTuner's variables: the first hands out the trials, the others run them; nothing where there are no peers.

    A worker that is started again has the name it had, so the chief gives it the trial that it was at. Raises
    InvalidJob for a number that is nobody's.
    """
    if not peers:
        return {}
    index = _index(environment, peers)
    host, _, port = peers[0].rpartition(":")
    name = "chief" if index == 0 else f"worker-{index}"
    return {"KERASTUNER_ORACLE_IP": host, "KERASTUNER_ORACLE_PORT": port, "KERASTUNER_TUNER_ID": name}


def _index(environment: Mapping[str, str], peers: Sequence[str]) -> int:
    text = environment.get(INDEX, "")
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) >= len(peers):
        raise InvalidJob(f"--peers names {len(peers)} processes, so {INDEX} must be below that, not {text!r}")
    return int(text)
