"""`penstock k8s render`: what it prints, what it refuses, and that both come from one reading of `k8s/`."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.deployment.k8s_verb import run
from serving.deployment.manifest_files import read_manifests
from serving.errors import IntegrityError, InvalidSettings


def rendered(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[tuple[str, str], Any]:
    assert run(["render", *arguments]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(printed.out)}


def test_what_is_asked_wins_over_the_overlay(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--model", "digits", "--model", "diabetes", "--set", "PENSTOCK_DRAIN_SECONDS=15", "--namespace", "shop"]
    found = rendered(capsys, "--overlay", "gpu", "--with", "monitoring", *asked, "--image-tag", "9.9")
    config = found["ConfigMap", "penstock-config"]["data"]
    assert config["PENSTOCK_REQUIRED_MODELS"] == "digits,diabetes"
    assert config["PENSTOCK_DRAIN_SECONDS"] == "15"
    assert config["PENSTOCK_TFSERVING_ADDRESSES"] == "dns:///model-server:8500"
    assert ("ServiceMonitor", "gateway") in found
    assert {each["metadata"]["namespace"] for each in found.values()} == {"shop"}
    pod = found["Deployment", "model-server"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "penstock/model-server:9.9"
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_without_a_word_it_is_one_pod_for_a_laptop(capsys: pytest.CaptureFixture[str]) -> None:
    found = rendered(capsys)
    workloads = {name: each["spec"]["replicas"] for (kind, name), each in found.items() if kind == "Deployment"}
    assert workloads == {"gateway": 1}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--overlay", "moon"], "argument --overlay: invalid choice: 'moon'"),
        (["--with", "moon"], "argument --with: invalid choice: 'moon'"),
        (["--set", "PENSTOCK_PORT"], "'PENSTOCK_PORT' is not KEY=VALUE"),
        (["--namespace", "Shop"], "'Shop' is not of the form"),
        (["--image-tag", "a b"], "'a b' is not of the form"),
    ],
)
def test_wrong_use_is_exit_2(capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(["render", *arguments])
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--set", "PENSTOCK_PROT=1"], "PENSTOCK_PROT is no setting"),
        (["--set", "PORT=1"], "PORT is no setting"),
        (["--set", "PENSTOCK_MODEL=1"], "PENSTOCK_MODEL is no setting"),
        (["--model", "a/b"], "'a/b' cannot be the name of a model"),
    ],
)
def test_a_setting_that_the_gateway_would_not_know_is_refused(arguments: list[str], told: str) -> None:
    with pytest.raises(InvalidSettings, match=told):
        run(["render", *arguments])


def test_a_value_that_the_gateway_would_refuse_is_refused_and_nothing_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(IntegrityError, match="ConfigMap 'penstock-config': PENSTOCK_WORKERS: Input should be a valid"):
        run(["render", "--set", "PENSTOCK_WORKERS=many"])
    assert capsys.readouterr().out == ""


def test_a_folder_without_manifests_is_told(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="there are no manifests at"):
        read_manifests(tmp_path)
