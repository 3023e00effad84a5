"""What the pods of an Indexed Job run, as processes on loopback: the very words that `penstock k8s render` prints.

One process is killed and started again with its number, as Kubernetes makes a new pod for a number whose pod was lost.
"""

import re
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from serving.deployment.choice import training_layered
from serving.deployment.kustomize import evaluate
from serving.deployment.manifest_files import read_manifests
from serving.deployment.training_jobs import PORT, Training, training_objects
from serving.model_store.versions import list_versions
from tests.preloaded import PENSTOCK, start_preloaded
from training.job_files import shipped_jobs

AT_MOST_SECONDS = 150
"""Far beyond what anything here takes; no test judges speed."""
SEARCH = """
[search]
method = "random"
trials = 3
seed = 5
objective = "val_accuracy"

[[search.space]]
key = "optimisation.learning_rate"
low = 0.0005
high = 0.01
"""


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods of a rendered Indexed Job, their names and volumes being loopback's and a folder of the test's."""

    words: tuple[str, ...]

    def start(self, number: int) -> subprocess.Popen[str]:
        return start_preloaded([PENSTOCK, *self.words], JOB_COMPLETION_INDEX=str(number))


@pytest.fixture
def pods(tmp_path: Path) -> Callable[..., Pods]:
    def render(training: Training, *more: str) -> Pods:
        objects = training_objects(evaluate(*training_layered(read_manifests(), None, None)), training)
        job = next(each for each in objects if each["kind"] == "Job")
        words = " ".join(job["spec"]["template"]["spec"]["containers"][0]["args"])
        for number, port in enumerate(free_ports(training.processes)):
            words = words.replace(f"$(JOB_NAME)-{number}.{training.name}:{PORT}", f"127.0.0.1:{port}")
        words = words.replace("$(JOB_NAME)", training.name).replace("/models", str(tmp_path / "models"))
        return Pods((*words.replace("/jobs/", f"{tmp_path}/").split(), *more))

    return render


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def said_up_to(process: subprocess.Popen[str], beginning: str) -> str:
    """What it has said up to a line that begins so, which is waited for."""
    assert process.stderr
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith(beginning):
            return "".join(said)
    raise AssertionError("".join(said))


def killed_once_it_says(process: subprocess.Popen[str], beginning: str) -> None:
    said_up_to(process, beginning)
    process.kill()
    process.communicate()


def begun(stderr: str) -> list[str]:
    return re.findall(r"^trial (\d)/\d  ", stderr, re.MULTILINE)


def test_workers_of_which_one_was_killed_train_again_and_publish_once(
    pods: Callable[..., Pods], tmp_path: Path
) -> None:
    job = pods(Training("digits", processes=2), "--set", "fit.epochs=15")
    chief, worker = job.start(0), job.start(1)
    killed_once_it_says(worker, "epoch 1/")
    _, errors = chief.communicate(timeout=AT_MOST_SECONDS)
    assert (chief.returncode, list_versions(tmp_path / "models", "digits")) == (1, ()), errors

    again = [job.start(number) for number in (0, 1)]
    ended = [process.communicate(timeout=AT_MOST_SECONDS) for process in again]
    assert [process.returncode for process in again] == [0, 0], ended
    assert list_versions(tmp_path / "models", "digits") == (1,)


def test_a_searchs_worker_that_was_killed_goes_on_with_its_trial(pods: Callable[..., Pods], tmp_path: Path) -> None:
    text = shipped_jobs()["digits"].read_text() + SEARCH
    (tmp_path / "mine.toml").write_text(text)
    job = pods(Training("mine.toml", text=text, tune=True, processes=3), "--set", "fit.epochs=2")
    chief, lost = job.start(0), job.start(1)  # alone, so that a trial is left for it however late it comes
    killed_once_it_says(lost, "trial ")
    other = job.start(2)
    first = said_up_to(other, "trial ")
    again = job.start(1)  # the search cannot be over before: the trial that was lost waits for it

    ended = {name: each.communicate(timeout=AT_MOST_SECONDS)[1] for name, each in
             {"chief": chief, "again": again}.items()}  # fmt: skip
    assert other.stderr
    ended["other"] = first + other.stderr.read()
    other.communicate(timeout=AT_MOST_SECONDS)
    assert (chief.returncode, again.returncode, other.returncode) == (0, 0, 0), ended
    trained = sorted(begun(ended["again"]) + begun(ended["other"]))
    assert trained == ["1", "2", "3"], "the trial that was lost was run again, by the same worker's next process"
    assert list_versions(tmp_path / "models", "digits") == (1,)
    assert (tmp_path / "models" / ".searches" / "tune-mine").is_dir()
