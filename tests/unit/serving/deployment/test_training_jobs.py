"""Training jobs as `penstock k8s render` prints them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.deployment.k8s_verb import run
from serving.errors import InvalidSettings


def rendered(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """By kind: there is one of each."""
    assert run(["render", "--train", *arguments]) == 0
    objects = list(yaml.safe_load_all(capsys.readouterr().out))
    found = {each["kind"]: each for each in objects}
    assert len(found) == len(objects)
    return found


def container(workload: Any) -> Any:
    return workload["spec"]["template"]["spec"]["containers"][0]


def test_a_shipped_job_runs_once_in_one_pod(capsys: pytest.CaptureFixture[str]) -> None:
    found = rendered(capsys, "digits_cnn", "--namespace", "lab", "--image-tag", "2")
    job = found["Job"]
    assert found.keys() == {"ServiceAccount", "NetworkPolicy", "Job"}
    assert {each["metadata"]["namespace"] for each in found.values()} == {"lab"}
    assert job["metadata"]["name"] == "train-digits-cnn"
    assert container(job)["args"] == ["train", "digits_cnn", "--models", "/models"]
    assert container(job)["image"] == "penstock/training:2"
    assert "completions" not in job["spec"]


def test_a_job_file_goes_along_and_is_mounted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "My.Own_job.toml").write_text("model = 'mine'\n")
    found = rendered(capsys, str(tmp_path / "My.Own_job.toml"), "--namespace", "lab")
    assert found["ConfigMap"]["data"] == {"My.Own_job.toml": "model = 'mine'\n"}
    assert found["ConfigMap"]["metadata"]["namespace"] == "lab"
    pod = found["Job"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["args"][1] == "/jobs/My.Own_job.toml"
    assert pod["volumes"][-1] == {"name": "job", "configMap": {"name": "train-my-own-job"}}
    assert found["ConfigMap"]["metadata"]["name"] == "train-my-own-job"


def test_processes_of_one_model_are_numbered_and_know_each_others_names(capsys: pytest.CaptureFixture[str]) -> None:
    found = rendered(capsys, "digits", "--processes", "3", "--gpus", "2")
    job, service = found["Job"], found["Service"]
    spec = job["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 3, 3)
    assert spec["backoffLimit"] == 9
    assert spec["template"]["spec"]["subdomain"] == service["metadata"]["name"] == "train-digits"
    assert service["spec"]["selector"].items() <= spec["template"]["metadata"]["labels"].items()
    assert (service["spec"]["clusterIP"], service["spec"]["publishNotReadyAddresses"]) == ("None", True)
    peers = ",".join(f"$(JOB_NAME)-{index}.train-digits:2222" for index in range(3))
    assert container(job)["args"][4:] == ["--set", "distribution.strategy=multi_worker", "--peers", peers]
    assert container(job)["env"][-1]["name"] == "JOB_NAME"
    assert container(job)["resources"]["limits"] == {"memory": "4Gi", "nvidia.com/gpu": "2"}


def test_a_search_that_is_repeated_has_trials_of_its_own_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    found = rendered(capsys, "digits", "--tune", "--processes", "3", "--schedule", "0 3 * * *")
    spec = found["CronJob"]["spec"]
    assert (spec["schedule"], spec["concurrencyPolicy"]) == ("0 3 * * *", "Forbid")
    arguments = container(spec["jobTemplate"])["args"]
    assert arguments[:2] == ["tune", "digits"]
    assert arguments[arguments.index("--search-dir") + 1] == "/models/.searches/$(JOB_NAME)"
    assert "distribution.strategy=multi_worker" not in arguments
    assert found["Service"]["metadata"]["name"] == "tune-digits"


def test_what_is_pushed_needs_no_volume_of_the_deployments(capsys: pytest.CaptureFixture[str]) -> None:
    pod = rendered(capsys, "digits", "--push", "s3://models/prod")["Job"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["args"][4:] == ["--push", "s3://models/prod"]
    assert pod["volumes"][0] == {"name": "models", "emptyDir": {"sizeLimit": "20Gi"}}
    assert pod["containers"][0]["envFrom"] == [{"secretRef": {"name": "model-store-credentials", "optional": True}}]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["digits", "--push", "/srv/store"], "--push takes s3://bucket/prefix"),
        (["digits", "--push", "s3://key:secret@models"], "without credentials$"),
        (["digits", "--push", "s3://models", "--tune"], "then `penstock push`"),
        (["digits", "--schedule", "daily"], "'daily' is no schedule"),
        (["digits", "--tune", "--processes", "2"], "a chief and only one worker"),
        (["x" * 45], "cannot be the name of a Job"),
        (["a b"], "cannot be the name of a Job"),
        (["/nowhere/x.toml"], "the job file '/nowhere/x.toml' cannot be read"),
    ],
)
def test_what_cannot_be_trained_is_refused(arguments: list[str], told: str) -> None:
    with pytest.raises(InvalidSettings, match=told):
        run(["render", "--train", *arguments])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--train", "digits", "--overlay", "gpu"], "overlay does not go with --train"),
        (["--train", "digits", "--set", "A=1"], "settings does not go with --train"),
        (["--processes", "2"], "processes goes with --train"),
        (["--train", "digits", "--processes", "0"], "'0' is not a whole number"),
    ],
)
def test_options_of_the_other_kind_are_wrong_use(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(["render", *arguments])
    assert told in capsys.readouterr().err
