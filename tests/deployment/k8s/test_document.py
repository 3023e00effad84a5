"""docs/kubernetes.md: its example can be rendered, its commands are ours, its figures are those of the manifests."""

import re
import shlex

import pytest

from serving.deployment.agreement import faults
from serving.deployment.k8s_verb import run
from serving.deployment.kustomize import evaluate
from serving.deployment.manifest_files import read_manifests
from serving.models_arguments import models_parser
from tests.deployment.dockerfile import read_dockerfile
from tests.deployment.k8s.manifests import COMPONENTS, K8S, OVERLAYS, Choice, of_kind

DOCUMENT = (K8S.parent / "docs" / "kubernetes.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
COMMANDS = [line.split("  #")[0].strip() for kind, block in BLOCKS if not kind for line in block.splitlines()]


def test_the_example_of_ones_own_deployment_comes_to_manifests_that_agree() -> None:
    (example,) = [block for kind, block in BLOCKS if kind == "yaml"]
    own = {"mine/kustomization.yaml": example.replace("../penstock/k8s/", "../"), "mine/penstock.toml": ""}
    tree = {**read_manifests(), **own}
    objects = evaluate(tree, "mine")
    assert faults(objects) == []
    images = set(re.findall(r"'image': '([^']+)'", str(objects)))
    assert all(image.startswith("registry.example.com/penstock/") for image in images), images
    assert "penstock.example.com" not in str([each for each in objects if each["kind"] in ("Ingress", "Certificate")])
    (gateway,) = [each for each in objects if each["kind"] == "Deployment" and each["metadata"]["name"] == "gateway"]
    mounted = [mount["mountPath"] for mount in gateway["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]]
    assert read_dockerfile().last("gateway", "WORKDIR").text in mounted, "penstock.toml is read from where it starts"
    assert {each["metadata"]["namespace"] for each in objects} == {"penstock"}
    policies = [each for each in objects if each["kind"] == "NetworkPolicy"]
    assert ("iam.gke.io" in example) == ("169.254.169.252/32" in str(policies)), (
        "the identity it names is asked for there"
    )


def test_every_overlay_and_component_has_its_row() -> None:
    rows = set(re.findall(r"`([\w-]+)`", "".join(re.findall(r"^\| (`.*?) \|", DOCUMENT, re.MULTILINE))))
    assert rows == {*OVERLAYS, *COMPONENTS}


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("penstock models ")])
def test_a_command_line_for_models_is_one_that_penstock_takes(line: str) -> None:
    models_parser().parse_args(shlex.split(line)[2:])


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("penstock k8s ")])
def test_a_command_line_that_renders_does(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shlex.split(line)[2:]) == 0
    assert "kind: Deployment" in capsys.readouterr().out


def test_logs_that_are_searched_are_whole() -> None:
    """By a label, kubectl shows the last ten lines of each pod."""
    searched = [line for line in COMMANDS if line.startswith("kubectl logs -l") and "| grep" in line]
    assert searched
    assert all("--tail=-1" in line for line in searched)


def test_images_are_built_from_targets_and_paths_are_there() -> None:
    targets = {match[1] for line in COMMANDS if (match := re.search(r"--target (\S+)", line))}
    assert targets
    assert targets <= set(read_dockerfile().stages)
    folders = {match[1] for line in COMMANDS if (match := re.search(r"-k (\S+)", line))} - {"."}
    assert folders
    assert all((K8S.parent / folder).is_dir() for folder in folders)


def test_figures_are_those_of_the_manifests() -> None:
    pod = of_kind(Choice("gpu"), "Deployment")["gateway"]["spec"]["template"]["spec"]
    server = of_kind(Choice("gpu"), "Deployment")["model-server"]["spec"]["template"]["spec"]
    scaler = of_kind(Choice("production"), "HorizontalPodAutoscaler")["gateway"]["spec"]
    text = " ".join(DOCUMENT.split())
    assert f"for {pod['containers'][0]['lifecycle']['preStop']['sleep']['seconds']} s (preStop)" in text
    assert f"Grace is {pod['terminationGracePeriodSeconds']} s" in text
    assert f"waits {server['containers'][0]['lifecycle']['preStop']['sleep']['seconds']} s before it ends" in text
    assert f"from {scaler['minReplicas']} to {scaler['maxReplicas']}." in text
    assert f"at {scaler['metrics'][0]['resource']['target']['averageUtilization']} % of their CPU" in text
