"""NetworkPolicies allow exactly the arrows of the picture in docs/kubernetes.md: worked out from the policies."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from serving.deployment.choice import training_layered
from serving.deployment.kustomize import evaluate
from serving.deployment.manifest_files import read_manifests
from serving.deployment.training_jobs import Training, training_objects
from tests.deployment.k8s.manifests import (
    CHOICES,
    K8S,
    OVERLAYS,
    PAIRS,
    Choice,
    Object,
    chosen,
    of_kind,
    own_components,
    pod_labels,
    pod_specs,
    port_number,
)

DOCUMENT = K8S.parent / "docs" / "kubernetes.md"
OUTSIDE = {
    "dns": {"namespace": "kube-system", "k8s-app": "kube-dns"},
    "prometheus": {"namespace": "monitoring", "app.kubernetes.io/name": "prometheus"},
}
"""Pods of other namespaces that policies name."""
ARROW = re.compile(r'^ +([\w-]+) -- "(any|[\d, ]+)(?: with ([\w-]+))?" --> ([\w-]+)$', re.MULTILINE)
ANY_PORT = 0
"""The port of a rule that names none, and of an arrow that says `any`."""


class Arrow(NamedTuple):
    source: str
    target: str
    port: int


class Cluster(NamedTuple):
    """Pods by the name of what makes them, and the policies that speak of them."""

    labels: Mapping[str, Mapping[str, str]]
    specs: Mapping[str, Object]
    policies: Sequence[Object]

    @property
    def apps(self) -> set[str]:
        return {each["app.kubernetes.io/name"] for each in self.labels.values()}


def deployed(choice: Choice) -> Cluster:
    policies = [policy["spec"] for policy in of_kind(choice, "NetworkPolicy").values()]
    return Cluster(pod_labels(choice), pod_specs(choice), policies)


def with_training(choice: Choice) -> Cluster:
    """A deployment in whose namespace a training job runs."""
    made = training_objects(evaluate(*training_layered(read_manifests(), None, None)), Training("digits", processes=2))
    (job,) = [each["spec"]["template"] for each in made if each["kind"] == "Job"]
    policies = [each["spec"] for each in made if each["kind"] == "NetworkPolicy"]
    there = deployed(choice)
    return Cluster(
        {**there.labels, "training": job["metadata"]["labels"]},
        {**there.specs, "training": job["spec"]},
        [*there.policies, *policies],
    )


def drawn(choice: Choice, apps: set[str]) -> set[Arrow]:
    """The arrows of the picture that such a deployment should have."""
    picture = DOCUMENT.read_text().split("```mermaid\n")[1].split("```")[0]
    others = {"anyone", "dns", "internet", "prometheus"}
    components = {*choice.components, *own_components(choice.overlay)}
    found = set()
    for source, ports, component, target in ARROW.findall(picture):
        there = {source, target} <= apps | others and (not component or component in components)
        if choice.overlay == "local" and "object-store" not in components and (source, target) == ("gateway", "dns"):
            there = False  # it asks nobody
        if there:
            found |= {Arrow(source, target, ANY_PORT if port == "any" else int(port)) for port in ports.split(",")}
    return found


def allowed(cluster: Cluster) -> set[Arrow]:
    """What the policies let through: between our pods both ends must agree."""
    out = {arrow for name in cluster.labels for arrow in rules(cluster, name, "egress", "to")}
    into = {
        Arrow(other, own, port)
        for name in cluster.labels
        for own, other, port in rules(cluster, name, "ingress", "from")
    }
    from_outside = {arrow for arrow in into if arrow.source not in cluster.apps}
    to_outside = {arrow for arrow in out if arrow.target not in cluster.apps}
    open_ends = {
        Arrow(own.source, own.target, own.port) for own in out if Arrow("anyone", own.target, own.port) in into
    }
    return (out & into) | from_outside | to_outside | open_ends


def rules(cluster: Cluster, pod: str, direction: str, peer: str) -> Iterator[Arrow]:
    """(the app of `pod`, the other end, port) of each rule of every policy that chooses the pod, which one must."""
    own = cluster.labels[pod]
    policies = [
        policy for policy in cluster.policies
        if chosen(policy["podSelector"], own) and direction in {each.lower() for each in policy["policyTypes"]}
    ]  # fmt: skip
    assert policies, f"{pod} may be reached by anybody"
    for policy in policies:
        for rule in policy.get(direction, ()):
            for other in ends(cluster, rule.get(peer)):
                for port in rule.get("ports", [{"port": ANY_PORT}]):
                    host = pod if direction == "ingress" else other
                    yield Arrow(own["app.kubernetes.io/name"], other, number(cluster, host, port["port"]))


def number(cluster: Cluster, app: str, port: str | int) -> int:
    """A named port is that of the pod that is reached."""
    if isinstance(port, int):
        return port
    found = {
        port_number(spec, port) for name, spec in cluster.specs.items()
        if app in (name, cluster.labels[name]["app.kubernetes.io/name"])
    }  # fmt: skip
    (only,) = found
    return only


def ends(cluster: Cluster, peers: list[Object] | None) -> set[str]:
    if not peers:
        return {"anyone"}
    return {name for peer in peers for name in end(cluster, peer)}


def end(cluster: Cluster, peer: Mapping[str, Any]) -> set[str]:
    if "ipBlock" in peer:
        assert peer["ipBlock"]["cidr"] == "0.0.0.0/0"
        return {"internet"}
    if "namespaceSelector" in peer:
        namespace = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        wanted = {"namespace": namespace, **peer["podSelector"]["matchLabels"]}
        return {name for name, labels in OUTSIDE.items() if labels == wanted} or {str(wanted)}
    return {each["app.kubernetes.io/name"] for each in cluster.labels.values() if chosen(peer["podSelector"], each)}


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_policies_allow_the_arrows_of_the_picture_and_no_others(choice: Choice) -> None:
    cluster = deployed(choice)
    assert allowed(cluster) == drawn(choice, cluster.apps)


def test_two_components_together_open_no_more_than_the_picture() -> None:
    for pair in PAIRS:
        cluster = deployed(pair)
        assert allowed(cluster) == drawn(pair, cluster.apps), pair


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_training_beside_a_deployment_has_its_own_arrows_and_opens_none_of_the_others(overlay: str) -> None:
    cluster = with_training(Choice(overlay))
    assert allowed(cluster) == drawn(Choice(overlay), cluster.apps)
    ours = {arrow for arrow in allowed(cluster) if "training" in arrow}
    assert {arrow.target for arrow in ours} == {"training", "dns", "internet"}, (
        "it reaches no gateway and no model server"
    )
    assert {arrow.source for arrow in ours} == {"training"}, "nobody else reaches it"


def test_the_picture_is_read_whole() -> None:
    picture = DOCUMENT.read_text().split("```mermaid\n")[1].split("```")[0]
    assert len(ARROW.findall(picture)) == picture.count("-->")


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_every_policy_chooses_pods(choice: Choice) -> None:
    for policy in of_kind(choice, "NetworkPolicy").values():
        assert any(chosen(policy["spec"]["podSelector"], labels) for labels in pod_labels(choice).values())
