"""Training's manifests, in every shape that `penstock k8s render --train` gives them."""

from pathlib import Path

import kubernetes_validate
import pytest

from serving.deployment.agreement import MODELS, faults
from serving.deployment.choice import training_layered
from serving.deployment.kustomize import evaluate
from serving.deployment.manifest_files import read_manifests
from serving.deployment.training_jobs import PORT, Training, training_objects
from serving.deployment.transformers import Object, images_of
from tests.deployment.dockerfile import read_dockerfile
from tests.deployment.k8s.kubectl import absence, by_name, kustomized
from tests.deployment.k8s.manifests import memory_bytes
from training.indexed_job import peers_of

VERSIONS = ("1.35", "1.36", "1.37")
SHAPES = (
    Training("digits"),
    Training("digits", schedule="@daily"),
    Training("mine.toml", text="model = 'mine'\n", gpus=1),
    Training("digits", processes=2),
    Training("mine.toml", text="model = 'mine'\n", processes=4, schedule="0 3 * * *"),
    Training("digits", push="gs://models/prod"),
    Training("digits", tune=True),
    Training("digits", tune=True, processes=3, schedule="0 3 * * *"),
)
NAMES = [
    f"{each.name}-{each.processes}-{'cron' if each.schedule else 'once'}{'-push' if each.push else ''}"
    for each in SHAPES
]
SHAPED = pytest.mark.parametrize("training", SHAPES, ids=NAMES)


def made(training: Training) -> list[Object]:
    return training_objects(evaluate(*training_layered(read_manifests(), None, None)), training)


def pod(training: Training) -> Object:
    job = next(each for each in made(training) if each["kind"] in ("Job", "CronJob"))
    spec = job["spec"]["jobTemplate"]["spec"] if job["kind"] == "CronJob" else job["spec"]
    found: Object = spec["template"]["spec"]
    return found


@SHAPED
@pytest.mark.parametrize("version", VERSIONS)
def test_every_shape_is_valid_for_a_version_of_kubernetes(version: str, training: Training) -> None:
    for found in made(training):
        kubernetes_validate.validate(dict(found), version, strict=True)


@SHAPED
def test_every_shape_agrees_with_itself_and_with_a_deployment(training: Training) -> None:
    assert faults(made(training), {MODELS}) == []
    assert bool(faults(made(training))) == (training.push is None), "the model directory is a deployment's"


@SHAPED
def test_pods_are_restricted_and_can_write_what_training_writes(training: Training) -> None:
    spec = pod(training)
    assert spec["securityContext"]["runAsNonRoot"] is True
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert memory_bytes(container["resources"]["requests"]["memory"]) >= 1 << 30
    writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/models", "/tmp"}  # noqa: S108 - a volume of the pod's own
    assert all(each["value"].startswith("/tmp/") for each in container["env"] if "value" in each)  # noqa: S108


def test_the_image_is_a_target_of_the_dockerfile() -> None:
    file = read_dockerfile()
    assert {image.rpartition("/")[2].partition(":")[0] for image in images_of(made(SHAPES[0]))} == {"training"}
    assert file.last("training", "ENTRYPOINT").command == ["penstock"]
    assert file.last("training", "STOPSIGNAL").text.endswith("SIGINT"), "terminationGracePeriodSeconds counts on it"


@pytest.mark.parametrize("training", [each for each in SHAPES if each.processes > 1], ids=str)
def test_peers_are_the_names_that_kubernetes_gives_the_pods(training: Training) -> None:
    arguments = pod(training)["containers"][0]["args"]
    text = arguments[arguments.index("--peers") + 1].replace("$(JOB_NAME)", "made-up")
    service = next(each for each in made(training) if each["kind"] == "Service")["metadata"]["name"]
    assert pod(training)["subdomain"] == service
    assert peers_of(text) == tuple(f"made-up-{index}.{service}:{PORT}" for index in range(training.processes))


@pytest.mark.skipif(bool(absence()), reason=absence())
def test_kubectl_makes_the_same_of_the_template(tmp_path: Path) -> None:
    tree, folder = training_layered(read_manifests(), "lab", "2")
    assert by_name(evaluate(tree, folder)) == by_name(kustomized(tree, folder, tmp_path))
