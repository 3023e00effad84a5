"""The component `auth`: the gateway asks everybody, keys are a Secret that can be rotated, and Prometheus has one."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from serving.access.api_key import PREFIX as KEY_PREFIX
from serving.access.presented import presented_in
from serving.deployment.agreement import faults
from serving.deployment.choice import Choice as Asked
from serving.deployment.choice import layered
from serving.deployment.kustomize import evaluate
from serving.deployment.manifest_files import read_manifests
from tests.deployment.k8s.manifests import CHOICES, K8S, Choice, Object, of_kind, own_components, pod_specs
from tests.deployment.k8s.test_workloads import gateway_settings

ASKING = [each for each in CHOICES if "auth" in {*each.components, *own_components(each.overlay)}]
OPEN = [each for each in CHOICES if each not in ASKING]
every_asking = pytest.mark.parametrize("choice", ASKING, ids=str)
DOCUMENT = (K8S.parent / "docs" / "kubernetes.md").read_text()


def keys_volume(choice: Choice) -> tuple[Object, Object]:
    """The mount that the setting api_keys is in, and its volume."""
    spec = pod_specs(choice)["gateway"]
    path = gateway_settings(choice).api_keys
    assert path
    (mount,) = [each for each in spec["containers"][0]["volumeMounts"] if each["mountPath"] == str(path.parent)]
    (volume,) = [each for each in spec["volumes"] if each["name"] == mount["name"]]
    return mount, volume


def test_production_asks_and_the_others_only_when_told() -> None:
    assert {each.overlay for each in ASKING if not each.components} == {"production"}
    assert all(gateway_settings(choice).asks_who_calls for choice in ASKING)
    assert not any(gateway_settings(choice).allow_anonymous for choice in ASKING)
    assert not any(gateway_settings(choice).asks_who_calls for choice in OPEN)


@every_asking
def test_keys_are_a_secret_that_the_gateway_alone_reads_and_that_can_be_rotated(choice: Choice) -> None:
    mount, volume = keys_volume(choice)
    assert mount["readOnly"] is True
    assert "subPath" not in mount, "a mount by subPath never changes"
    secret = volume["secret"]
    assert secret.get("optional") is not True, "a gateway without its keys must not start"
    assert secret["defaultMode"] == 0o440
    assert pod_specs(choice)["gateway"]["securityContext"]["fsGroup"] > 0, "which the group of 0440 is"
    others = [spec for name, spec in pod_specs(choice).items() if name != "gateway"]
    assert all("secret" not in each for spec in others for each in spec["volumes"])
    assert f"{gateway_settings(choice).api_keys}".endswith("/keys.toml")
    assert f"create secret generic {secret['secretName']} --from-file=keys.toml" in DOCUMENT


@every_asking
def test_prometheus_shows_a_key_where_there_is_prometheus(choice: Choice) -> None:
    for monitor in of_kind(choice, "ServiceMonitor").values():
        (endpoint,) = monitor["spec"]["endpoints"]
        name, key = (endpoint["authorization"]["credentials"][part] for part in ("name", "key"))
        assert f"create secret generic {name} --from-file={key}=prometheus.key" in DOCUMENT
        headers = {b"authorization": f"{endpoint['authorization']['type']} {KEY_PREFIX}made_up".encode()}
        assert presented_in(headers).api_key == f"{KEY_PREFIX}made_up".encode()


@pytest.mark.parametrize("choice", OPEN, ids=str)
def test_without_it_nobody_shows_a_key(choice: Choice) -> None:
    assert all("authorization" not in str(each) for each in of_kind(choice, "ServiceMonitor").values())


@pytest.mark.parametrize("components", [("auth", "monitoring"), ("monitoring", "auth")])
def test_the_order_in_which_components_are_asked_for_does_not_matter(components: tuple[str, ...]) -> None:
    assert faults(evaluate(*layered(read_manifests(), Asked("gpu", components)))) == []


def test_a_list_of_components_with_it_too_early_is_told() -> None:
    text = "resources: [../overlays/gpu]\ncomponents: [../components/auth, ../components/monitoring]\n"
    (fault,) = faults(evaluate({**read_manifests(), "mine/kustomization.yaml": text}, "mine"))
    assert fault.startswith("ServiceMonitor 'gateway' shows no credential")


def test_keys_without_their_mount_are_told() -> None:
    asked = Asked("cpu", settings={"PENSTOCK_API_KEYS": "/etc/mine/keys.toml"})
    (fault,) = faults(evaluate(*layered(read_manifests(), asked)))
    assert "api_keys: nothing is mounted at /etc/mine" in fault


def test_a_gateway_that_nobody_may_reach_is_told() -> None:
    asked = Asked("cpu", settings={"PENSTOCK_ALLOW_ANONYMOUS": "false"})
    (fault,) = faults(evaluate(*layered(read_manifests(), asked)))
    assert "add the component auth" in fault


def test_the_documents_commands_make_the_keys(tmp_path: Path) -> None:
    section = DOCUMENT.split("## Who may ask")[1].split("\n## ")[0]
    commands = re.findall(r"^(penstock keys .*?)(?: > (\S+))?$", section, re.MULTILINE)
    assert len(commands) == 3
    for command, target in commands:
        words = [sys.executable, "-m", "penstock_cli", *shlex.split(command)[1:]]
        done = subprocess.run(
            words,
            cwd=tmp_path,
            env={"PYTHONPATH": str(K8S.parent)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stdout.startswith(KEY_PREFIX)
        (tmp_path / target).write_text(done.stdout)
    assert {path.name for path in tmp_path.iterdir()} >= {"keys.toml", "shop.key", "prometheus.key", "shop-new.key"}
