"""NetworkPolicies allow exactly the arrows of the picture in docs/kubernetes.md: worked out from the policies."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from tests.deployment.k8s.manifests import (
    CHOICES,
    K8S,
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
ARROW = re.compile(r'^ +([\w-]+) -- "([\d, ]+)(?: with ([\w-]+))?" --> ([\w-]+)$', re.MULTILINE)


class Arrow(NamedTuple):
    source: str
    target: str
    port: int


def drawn(choice: Choice) -> set[Arrow]:
    """The arrows of the picture that such a deployment should have."""
    picture = DOCUMENT.read_text().split("```mermaid\n")[1].split("```")[0]
    apps = {labels["app.kubernetes.io/name"] for labels in pod_labels(choice).values()}
    others = {"anyone", "dns", "internet", "prometheus"}
    components = {*choice.components, *own_components(choice.overlay)}
    found = set()
    for source, ports, component, target in ARROW.findall(picture):
        there = {source, target} <= apps | others and (not component or component in components)
        if choice.overlay == "local" and "object-store" not in components and target == "dns":
            there = False  # it asks nobody
        if there:
            found |= {Arrow(source, target, int(port)) for port in ports.split(",")}
    return found


def allowed(choice: Choice) -> set[Arrow]:
    """What the policies let through: between our pods both ends must agree."""
    labels = pod_labels(choice)
    out = {arrow for name in labels for arrow in rules(choice, name, "egress", "to")}
    into = {Arrow(other, own, port) for name in labels for own, other, port in rules(choice, name, "ingress", "from")}
    apps = {each["app.kubernetes.io/name"] for each in labels.values()}
    from_outside = {arrow for arrow in into if arrow.source not in apps}
    to_outside = {arrow for arrow in out if arrow.target not in apps}
    open_ends = {
        Arrow(own.source, own.target, own.port) for own in out if Arrow("anyone", own.target, own.port) in into
    }
    return (out & into) | from_outside | to_outside | open_ends


def rules(choice: Choice, pod: str, direction: str, peer: str) -> Iterator[Arrow]:
    """(the app of `pod`, the other end, port) of each rule of every policy that chooses the pod, which one must."""
    labels = pod_labels(choice)
    policies = [
        policy["spec"] for policy in of_kind(choice, "NetworkPolicy").values()
        if chosen(policy["spec"]["podSelector"], labels[pod])
        and direction in {each.lower() for each in policy["spec"]["policyTypes"]}
    ]  # fmt: skip
    assert policies, f"{pod} may be reached by anybody"
    for policy in policies:
        for rule in policy.get(direction, ()):
            assert rule["ports"]
            for other in ends(choice, rule.get(peer)):
                for port in rule["ports"]:
                    host = pod if direction == "ingress" else other
                    yield Arrow(labels[pod]["app.kubernetes.io/name"], other, number(choice, host, port["port"]))


def number(choice: Choice, app: str, port: str | int) -> int:
    """A named port is that of the pod that is reached."""
    if isinstance(port, int):
        return port
    found = {
        port_number(spec, port) for name, spec in pod_specs(choice).items()
        if app in (name, pod_labels(choice)[name]["app.kubernetes.io/name"])
    }  # fmt: skip
    (only,) = found
    return only


def ends(choice: Choice, peers: list[Object] | None) -> set[str]:
    if not peers:
        return {"anyone"}
    return {name for peer in peers for name in end(choice, peer)}


def end(choice: Choice, peer: Mapping[str, Any]) -> set[str]:
    if "ipBlock" in peer:
        assert peer["ipBlock"]["cidr"] == "0.0.0.0/0"
        return {"internet"}
    if "namespaceSelector" in peer:
        namespace = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        wanted = {"namespace": namespace, **peer["podSelector"]["matchLabels"]}
        return {name for name, labels in OUTSIDE.items() if labels == wanted} or {str(wanted)}
    return {
        labels["app.kubernetes.io/name"]
        for labels in pod_labels(choice).values()
        if chosen(peer["podSelector"], labels)
    }


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_policies_allow_the_arrows_of_the_picture_and_no_others(choice: Choice) -> None:
    assert allowed(choice) == drawn(choice)


def test_the_picture_is_read_whole() -> None:
    picture = DOCUMENT.read_text().split("```mermaid\n")[1].split("```")[0]
    assert len(ARROW.findall(picture)) == picture.count("-->")


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_every_policy_chooses_pods(choice: Choice) -> None:
    for policy in of_kind(choice, "NetworkPolicy").values():
        assert any(chosen(policy["spec"]["podSelector"], labels) for labels in pod_labels(choice).values())
