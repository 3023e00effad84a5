"""What a folder of manifests comes to, and what is refused."""

from typing import Any

import pytest

from serving.deployment.kustomize import evaluate
from serving.errors import IntegrityError
from tests.unit.serving.deployment.small_tree import TREE

SETTINGS = "configMapGenerator: [{name: s, literals: [A=1], options: {disableNameSuffixHash: true}}]"


def found(kind: str, name: str, folder: str = "top") -> Any:
    return next(each for each in evaluate(TREE, folder) if (each["kind"], each["metadata"]["name"]) == (kind, name))


def test_lists_of_built_in_kinds_merge_by_their_keys_and_what_is_patched_comes_first() -> None:
    pod = found("Deployment", "a")["spec"]["template"]["spec"]
    assert [each["name"] for each in pod["initContainers"]] == ["zeroth", "first"]
    assert [each["name"] for each in pod["containers"]] == ["three", "two", "one"]
    one = pod["containers"][2]
    assert [each["name"] for each in one["env"]] == ["C", "B"]
    assert one["ports"] == [
        {"containerPort": 81, "name": "extra"},
        {"containerPort": 80, "name": "web"},
        {"containerPort": 82, "name": "grpc"},
    ]
    assert (one["args"], one["resources"]) == (["c"], {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}})
    assert pod["volumes"] == [{"name": "w", "emptyDir": {}}, {"name": "v", "configMap": {"name": "settings"}}]
    assert [port["name"] for port in found("Service", "a")["spec"]["ports"]] == ["x", "renamed", "http"]


def test_other_lists_and_those_of_custom_kinds_are_replaced() -> None:
    assert found("NetworkPolicy", "a")["spec"]["ingress"] == [{"ports": [{"port": 82}]}]
    assert found("Custom", "a")["spec"] == {"containers": [{"name": "two", "size": 2}], "ports": [{"port": 2}]}


def test_components_come_after_the_folders_own_entries_and_before_its_other_changes() -> None:
    settings = found("ConfigMap", "settings")
    assert settings["data"] == {"A": "component", "D": "4"}
    assert settings["metadata"]["labels"]["made"] == "yes"
    assert found("ConfigMap", "settings", "base")["data"] == {
        "A": "1", "B": "quoted", "C": "a=b", "notes.txt": "one\ntwo: 2\n", "other": "one\ntwo: 2\n",
    }  # fmt: skip
    assert found("ServiceAccount", "extra")["metadata"]["namespace"] == "shop"


def test_images_replicas_and_labels() -> None:
    workload = found("Deployment", "a")
    images = {each["name"]: each["image"] for each in workload["spec"]["template"]["spec"]["containers"]}
    assert images == {"one": "shop/one:9", "two": "store/two@sha256:abc", "three": "store/three:3"}
    assert workload["spec"]["replicas"] == 3
    assert workload["spec"]["selector"] == {"matchLabels": {"app": "a"}}
    assert workload["spec"]["template"]["metadata"]["labels"] == {"app": "a", "part": "whole", "component": "yes"}
    nightly = found("CronJob", "nightly")["spec"]["jobTemplate"]
    assert nightly["metadata"]["labels"] == nightly["spec"]["template"]["metadata"]["labels"]
    container = nightly["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry:5000/shop/one:1", "another registry's"


def test_a_patch_may_delete_what_it_finds() -> None:
    assert ("ConfigMap", "doomed") not in {(each["kind"], each["metadata"]["name"]) for each in evaluate(TREE, "top")}


def test_the_tree_is_left_as_it_was() -> None:
    assert evaluate(TREE, "top") == evaluate(TREE, "top")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("namePrefix: x-", "namePrefix: Extra inputs are not permitted"),
        ("labels: [{pairs: {a: b}, includeSelectors: true}]", r"includeSelectors: Input should be False"),
        ("configMapGenerator: [{name: s, literals: [A=1]}]", "options: Field required"),
        (SETTINGS.replace("A=1", "A"), "the literal 'A' is not KEY=VALUE"),
        (SETTINGS.replace("name: s", "name: s, behavior: merge"), "there is no ConfigMap 's' to merge"),
        ("resources: [absent.yaml]", "there is no x/absent.yaml"),
        ("resources: [../base, ../base/things.yaml]", "Deployment 'a' is there already"),
        ("replicas: [{name: a, count: 1}]", "nothing that is scaled is called 'a'"),
        ("patches: [{patch: '{kind: Pod, metadata: {name: p}}'}]", "a patch is for Pod 'p', which is not there"),
        ("patches: [{patch: '[{op: remove, path: /spec}]'}]", "need a target"),
        ("resources: [../base]\npatches: [{target: {}, patch: '[{op: move, path: /a}]'}]", "the operation 'move'"),
        ("resources: [../base]\npatches: [{target: {}, patch: '[{op: remove, path: /a}]'}]", "remove /a, which is not"),
        ("resources: [../base]\npatches: [{target: {}, patch: '{$retainKeys: [a]}'}]", r"says \$retainKeys"),
        ("resources: [../base]\npatches: [{target: {}, patch: '{$patch: keep}'}]", r"\$patch: keep; there are"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(said: str, told: str) -> None:
    with pytest.raises(IntegrityError, match=told):
        evaluate(TREE | {"x/kustomization.yaml": said}, "x")
