"""Training as Kubernetes' Jobs: the one Job of `k8s/training` made into another job's, repeated, or several pods. Pure.

Pods of several find each other by name: an Indexed Job gives each its number and, below a headless Service, a name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from serving.deployment.transformers import Object
from serving.errors import InvalidSettings

TEMPLATE_JOB = "train-digits"
PORT = 2222
"""TensorFlow's usual port; the chief of a search takes it too, since a Job does one or the other."""
JOB_NAME = "JOB_NAME"
NAME_OF_JOB = {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}
"""Runs of a CronJob have names made up later."""
CRON = re.compile(r"@(hourly|daily|weekly|monthly|yearly)|\S+( \S+){4}")
AT_MOST_NAME = 44
"""Kubernetes' 63 less what a CronJob (11) and the number of a pod (up to 8) add."""
JOB_FILES = "/jobs"
STORE = re.compile(r"(s3|gs)://[A-Za-z0-9][A-Za-z0-9._/-]*")
CREDENTIALS = {"secretRef": {"name": "model-store-credentials", "optional": True}}
"""As the component object-store has it; optional, because a cloud's workload identity needs none."""


@dataclass(frozen=True, slots=True)
class Training:
    """A job to train: a shipped one's name, or a file's path with its text.

    With `processes` above 1 they train one model together or, when `tune` is set, the first hands out the trials of a
    search to the others.
    """

    job: str
    text: str | None = None
    tune: bool = False
    processes: int = 1
    schedule: str | None = None
    gpus: int = 0
    push: str | None = None
    """An object store to put the version into; the model directory is then the pod's own."""

    @property
    def name(self) -> str:
        """Of the Job, its Service and its file. Raises InvalidSettings where none can be made of the job's name."""
        stem = PurePath(self.job).stem.lower().replace("_", "-").replace(".", "-")
        made = f"{'tune' if self.tune else 'train'}-{stem}"
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", made) or len(made) > AT_MOST_NAME:
            raise InvalidSettings(f"{self.job!r} cannot be the name of a Job: letters, digits, _ and -, not too many")
        return made


def training_objects(template: Sequence[Object], training: Training, namespace: str | None = None) -> list[Object]:
    """`template`, which trains one job in one pod, as `training` asks. Raises InvalidSettings for what cannot be."""
    if training.schedule is not None and not CRON.fullmatch(training.schedule):
        raise InvalidSettings(f"{training.schedule!r} is no schedule; five fields (0 3 * * *), or @daily and the like")
    if training.tune and training.processes == 2:
        raise InvalidSettings("a search by 2 processes has a chief and only one worker: 1, or 3 and more")
    if training.push is not None and training.tune:
        raise InvalidSettings(
            "--tune keeps its trials on the volume `models`, which --push does without: "
            "render the search alone, then `penstock push` what it publishes"
        )
    if training.push is not None and not STORE.fullmatch(training.push):
        raise InvalidSettings("--push takes s3://bucket/prefix or gs://bucket/prefix, without credentials")
    made: list[Object] = []
    if training.text is not None:
        data = {PurePath(training.job).name: training.text}
        made.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(training, namespace), "data": data})
    if training.processes > 1:
        made.append(_service(training, namespace))
    for found in template:
        is_job = (found["kind"], found["metadata"]["name"]) == ("Job", TEMPLATE_JOB)
        made.append(_workload(found, training) if is_job else found)
    return made


def _metadata(training: Training, namespace: str | None) -> dict[str, Any]:
    named = {"name": training.name, "labels": _labels(training, {"app.kubernetes.io/part-of": "penstock"})}
    return named if namespace is None else {**named, "namespace": namespace}


def _labels(training: Training, others: Mapping[str, str]) -> dict[str, str]:
    ours = {"app.kubernetes.io/name": "training", "app.kubernetes.io/instance": training.name}
    return {**others, **ours}


def _service(training: Training, namespace: str | None) -> Object:
    """Names for the pods, also before they are ready: they wait for each other."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(training, namespace),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {"app.kubernetes.io/name": "training", "app.kubernetes.io/instance": training.name},
            "ports": [{"name": "peers", "port": PORT}],
        },
    }


def _workload(job: Object, training: Training) -> Object:
    metadata = {**job["metadata"], "name": training.name, "labels": _labels(training, job["metadata"]["labels"])}
    spec = {**job["spec"], "template": _pod(job["spec"]["template"], training)}
    if training.processes > 1:
        # One that is lost ends the others, who may not go on without it: each incident costs a try of every pod.
        several = {"completions": training.processes, "parallelism": training.processes, "completionMode": "Indexed"}
        spec |= {**several, "backoffLimit": spec["backoffLimit"] * training.processes}
    if training.schedule is None:
        return {**job, "metadata": metadata, "spec": spec}
    repeated = {
        "schedule": training.schedule,
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",  # the next one may well start late, but never beside this one
        "startingDeadlineSeconds": 3600,
        "jobTemplate": {"metadata": {"labels": metadata["labels"]}, "spec": spec},
    }
    return {**job, "kind": "CronJob", "metadata": metadata, "spec": repeated}


def _pod(template: Object, training: Training) -> Object:
    metadata = {**template["metadata"], "labels": _labels(training, template["metadata"]["labels"])}
    spec = dict(template["spec"])
    (container,) = spec["containers"]
    container = {**container, "args": _arguments(training)}
    mounts, volumes, environment = (
        list(container["volumeMounts"]), list(spec["volumes"]), list(container["env"]),
    )  # fmt: skip
    if training.text is not None:
        mounts.append({"name": "job", "mountPath": JOB_FILES, "readOnly": True})
        volumes.append({"name": "job", "configMap": {"name": training.name}})
    if training.push is not None:
        container["envFrom"] = [CREDENTIALS]
        own = {"name": "models", "emptyDir": {"sizeLimit": "20Gi"}}
        volumes = [own if each["name"] == "models" else each for each in volumes]
    if training.processes > 1 or training.tune:
        environment.append({"name": JOB_NAME, "valueFrom": NAME_OF_JOB})
    if training.processes > 1:
        spec["subdomain"] = training.name
        container["ports"] = [{"name": "peers", "containerPort": PORT}]
    if training.gpus:
        spec["tolerations"] = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
        resources = container["resources"]
        container["resources"] = {
            **resources, "limits": {**resources["limits"], "nvidia.com/gpu": str(training.gpus)},
        }  # fmt: skip
    container |= {"volumeMounts": mounts, "env": environment}
    return {"metadata": metadata, "spec": {**spec, "containers": [container], "volumes": volumes}}


def _arguments(training: Training) -> list[str]:
    job = training.job if training.text is None else f"{JOB_FILES}/{PurePath(training.job).name}"
    arguments = ["tune" if training.tune else "train", job, "--models", "/models"]
    if training.tune:
        # Each run has its own, which outlive the pod: the next try goes on. The catalog reads no folder with a dot.
        arguments += ["--search-dir", f"/models/.searches/$({JOB_NAME})"]
    if training.push is not None:
        arguments += ["--push", training.push]
    if training.processes == 1:
        return arguments
    if not training.tune:
        arguments += ["--set", "distribution.strategy=multi_worker"]
    peers = [f"$({JOB_NAME})-{index}.{training.name}:{PORT}" for index in range(training.processes)]
    return [*arguments, "--peers", ",".join(peers)]
