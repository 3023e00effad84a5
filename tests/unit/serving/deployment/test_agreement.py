"""Each disagreement between objects is found, and the objects that agree have none."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from serving.deployment.agreement import LATE_SECONDS, faults
from serving.workers import supervisor

AGREED: list[Any] = list(
    yaml.safe_load_all("""
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway}
spec:
  template:
    metadata: {labels: {app: g}}
    spec:
      serviceAccountName: sa
      containers:
        - name: gateway
          image: penstock/gateway:1
          envFrom: [{configMapRef: {name: penstock-config}}]
          ports: [{name: http, containerPort: 8080}]
          lifecycle: {preStop: {sleep: {seconds: 5}}}
          readinessProbe: {httpGet: {path: /readyz, port: http}}
      volumes: [{name: models, persistentVolumeClaim: {claimName: models}}, {name: k, secret: {secretName: keys}}]
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: sa}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: models}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: penstock-config},
 data: {PENSTOCK_TFSERVING_ADDRESSES: "m:8500", PENSTOCK_ALLOW_ANONYMOUS: "true"}}
---
{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {selector: {app: g}, ports: [{port: 80, targetPort: http}]}}
---
{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: p}, spec: {selector: {matchLabels: {app: g}}}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: n},
 spec: {podSelector: {matchLabels: {app: g}}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: h}
spec: {scaleTargetRef: {kind: Deployment, name: gateway}}
""")
)
WORKLOAD, ACCOUNT, CLAIM, CONFIG, SERVICE, BUDGET, POLICY, SCALER = range(8)


def test_objects_that_agree_have_no_faults() -> None:
    assert faults(AGREED) == []


def test_a_worker_that_hangs_is_ended_as_late_as_the_supervisor_does() -> None:
    assert supervisor.LATE_SECONDS == LATE_SECONDS


def pod(objects: list[Any]) -> Any:
    return objects[WORKLOAD]["spec"]["template"]["spec"]


BROKEN: list[tuple[Callable[[list[Any]], object], str]] = [
    (lambda o: o.pop(ACCOUNT), "Deployment 'gateway' names the ServiceAccount 'sa', which is not there"),
    (lambda o: o.pop(CLAIM), "Deployment 'gateway' names the PersistentVolumeClaim 'models', which is not there"),
    (lambda o: o.pop(CONFIG), "Deployment 'gateway' names the ConfigMap 'penstock-config', which is not there"),
    (
        lambda o: o[SCALER]["spec"]["scaleTargetRef"].update(name="x"),
        "HorizontalPodAutoscaler 'h' names the Deployment 'x', which is not there",
    ),
    (lambda o: o[SERVICE]["spec"]["selector"].update(app="x"), "Service 's' selects no pod"),
    (
        lambda o: o[BUDGET]["spec"]["selector"]["matchLabels"].update(app="x"),
        "PodDisruptionBudget 'p' selects no pod",
    ),
    (lambda o: o[POLICY]["spec"]["podSelector"]["matchLabels"].update(app="x"), "NetworkPolicy 'n' selects no pod"),
    (
        lambda o: o[SERVICE]["spec"]["ports"][0].update(targetPort="x"),
        "Service 's' sends to the port 'x', which its pods do not have",
    ),
    (
        lambda o: pod(o)["containers"][0]["readinessProbe"]["httpGet"].update(port="x"),
        "the readinessProbe of 'gateway' asks the port 'x', which it does not have",
    ),
    (
        lambda o: o[CONFIG]["data"].clear(),
        (
            "ConfigMap 'penstock-config': tfserving_addresses: the backend tfserving needs the address of a model "
            "server, such as localhost:8500"
        ),
    ),
    (
        lambda o: o[CONFIG]["data"].update(PENSTOCK_DRAIN_SECONDS="20.5"),
        (
            "ConfigMap 'penstock-config': drain_seconds: with preStop a stop may take 30.5 s, and the pod is killed "
            "after 30 s: drain for less, or raise terminationGracePeriodSeconds in a kustomization of your own"
        ),
    ),
    (
        lambda o: o[CONFIG]["data"].update(PENSTOCK_PORT="9000"),
        ("ConfigMap 'penstock-config': port: 9000 is no port of the pod, whose probes and Services ask the image's"),
    ),
]


@pytest.mark.parametrize(("broken", "told"), BROKEN, ids=[told for _, told in BROKEN])
def test_what_does_not_agree_is_told(broken: Callable[[list[Any]], object], told: str) -> None:
    objects = copy.deepcopy(AGREED)
    broken(objects)
    assert faults(objects) == [told]


@pytest.mark.parametrize(("limits", "agree"), [({"gpu": "1"}, True), ({"gpu": "2"}, False), (None, False)])
def test_a_canarys_model_servers_have_the_device_of_the_others(limits: object, agree: bool) -> None:  # noqa: FBT001
    def servers(name: str, limited: object) -> dict[str, Any]:
        container = {"name": "s", "image": "penstock/model-server:1", "resources": {"limits": limited}}
        spec = {"template": {"metadata": {"labels": {}}, "spec": {"containers": [container]}}}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}

    found = faults([servers("model-server", {"gpu": "1"}), servers("model-server-canary", limits)])
    assert ["once more" in fault for fault in found] == ([] if agree else [True])
