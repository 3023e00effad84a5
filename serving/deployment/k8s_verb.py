"""The verb `penstock k8s render`: prints the manifests of a deployment or of training, checked. It applies nothing."""

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from serving.deployment.agreement import MODELS, faults
from serving.deployment.choice import Choice, layered, training_layered
from serving.deployment.k8s_arguments import parse
from serving.deployment.kustomize import evaluate
from serving.deployment.manifest_files import read_manifests
from serving.deployment.schemas import schema_faults
from serving.deployment.training_jobs import Training, training_objects
from serving.deployment.transformers import Object
from serving.deployment.yaml_text import as_yaml
from serving.errors import IntegrityError, InvalidSettings


def run(argv: Sequence[str]) -> int:
    """Runs `render`; returns the exit code. Raises IntegrityError that lists every fault, InvalidSettings for one."""
    tree = read_manifests()
    arguments = parse(tree, argv)
    objects = _training(tree, arguments) if arguments.train else _deployment(tree, arguments)
    _check(objects, {MODELS} if arguments.train else ())
    sys.stdout.write(as_yaml(objects))
    return 0


def _deployment(tree: Mapping[str, str], arguments: argparse.Namespace) -> list[Object]:
    choice = Choice(
        overlay=arguments.overlay or "local",
        components=tuple(dict.fromkeys(arguments.components)),
        models=tuple(arguments.models),
        settings=dict(arguments.settings),
        namespace=arguments.namespace,
        image_tag=arguments.image_tag,
    )
    return evaluate(*layered(tree, choice))


def _training(tree: Mapping[str, str], arguments: argparse.Namespace) -> list[Object]:
    template = evaluate(*training_layered(tree, arguments.namespace, arguments.image_tag))
    training = Training(
        job=arguments.train,
        text=_job_file(Path(arguments.train)) if arguments.train.endswith(".toml") else None,
        tune=arguments.tune,
        processes=arguments.processes or 1,
        schedule=arguments.schedule,
        gpus=arguments.gpus or 0,
        push=arguments.push,
    )
    return training_objects(template, training, arguments.namespace)


def _job_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"the job file {str(path)!r} cannot be read: {error}") from error


def _check(objects: Sequence[Object], elsewhere: Collection[tuple[str, str]]) -> None:
    by_schema = schema_faults(objects)
    if by_schema is None:
        sys.stderr.write("not held to Kubernetes' schemas: pip install kubernetes-validate\n")
    if found := [*faults(objects, elsewhere), *(by_schema or ())]:
        raise IntegrityError("; ".join(found))
