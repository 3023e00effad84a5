"""Manifests hold to the schemas of three Kubernetes versions, strictly, and to the kustomization fields we allow."""

import json
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.deployment.k8s.custom_schemas import SCHEMAS
from tests.deployment.k8s.manifests import CHOICES, K8S, PAIRS, Choice, Object, kustomization, rendered

VERSIONS = ("1.35", "1.36", "1.37")
FIELDS = {
    "apiVersion", "kind", "resources", "components", "patches", "configMapGenerator", "images", "labels", "namespace",
    "replicas",
}  # fmt: skip
"""What `penstock k8s render` understands too."""
FOLDERS = sorted(path.parent for path in K8S.glob("*/**/kustomization.yaml"))


def is_custom(found: Object) -> bool:
    """Of a kind that Kubernetes itself does not have: test_custom_kinds.py."""
    group = found["apiVersion"].partition("/")[0]
    return "." in group and (not group.endswith(".k8s.io") or group == "gateway.networking.k8s.io")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid_for_a_version_of_kubernetes(version: str) -> None:
    found = (each for choice in CHOICES for each in rendered(choice) if not is_custom(each))
    for text in sorted({json.dumps(each, sort_keys=True) for each in found}):  # most are in many deployments
        kubernetes_validate.validate(json.loads(text), version, strict=True)


def test_every_object_of_a_pair_is_valid() -> None:
    """For the newest version alone, which is the strictest."""
    known = {json.dumps(each, sort_keys=True) for choice in CHOICES for each in rendered(choice)}
    made = {json.dumps(each, sort_keys=True) for pair in PAIRS for each in rendered(pair)}
    for text in sorted(made - known):
        found = json.loads(text)
        if is_custom(found):
            jsonschema.validate(found, SCHEMAS[found["kind"]])
        else:
            kubernetes_validate.validate(found, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(K8S)))
def test_a_kustomization_uses_the_fields_that_our_renderer_has(folder: Path) -> None:
    assert kustomization(folder).keys() <= FIELDS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(K8S)))
def test_every_manifest_is_named_by_its_kustomization_and_opens_with_its_purpose(folder: Path) -> None:
    made = kustomization(folder)
    named = {*made.get("resources", ()), *(patch["path"] for patch in made.get("patches", ()) if "path" in patch)}
    files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    if folder.name == "monitoring":
        files -= {"prometheus.yaml"}  # a laptop's
    assert files == {name for name in named if name.endswith(".yaml")}
    assert (folder / "kustomization.yaml").read_text().startswith("# ")


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_no_two_objects_have_one_name(choice: Choice) -> None:
    names = [(found["apiVersion"], found["kind"], found["metadata"]["name"]) for found in rendered(choice)]
    assert len(set(names)) == len(names)


def test_an_unknown_field_is_found() -> None:
    (wrong,) = yaml.safe_load_all("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {prots: []}}")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)
