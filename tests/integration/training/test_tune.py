"""`penstock tune` as a program: what a killed search leaves, and a search by several processes."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import grpc
import pytest

from serving.contract.model_directory import model_paths
from serving.model_store.versions import list_versions
from tests.preloaded import PENSTOCK, start_preloaded
from training.job_files import shipped_jobs
from training.report.facts import PAGE

SEARCH = """
[search]
method = "random"
trials = 4
seed = 5
objective = "val_accuracy"

[[search.space]]
key = "network.units"
choices = [[16], [32, 16]]

[[search.space]]
key = "optimisation.learning_rate"
low = 0.0005
high = 0.01
log = true
"""
INTERRUPTED, RATE = 130, "optimisation.learning_rate"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    path = tmp_path / "digits.toml"
    path.write_text(shipped_jobs()["digits"].read_text() + SEARCH)
    return path


def start(job: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return start_preloaded([PENSTOCK, *words(job), *arguments], **environment)


def start_plainly(job: Path) -> subprocess.Popen[str]:
    """By the true command line, which imports everything itself."""
    command = [sys.executable, "-m", "penstock_cli", *words(job)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def chief_at(port: int) -> dict[str, str]:
    return {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(port)}


def words(job: Path) -> list[str]:
    """A search of two epochs a trial, its folders beside the job file."""
    places = ["--models", str(job.parent / "models"), "--search-dir", str(job.parent / "trials of digits")]
    return ["tune", str(job), "--set", "fit.epochs=2", *places]


def begun(stderr: str) -> list[str]:
    return re.findall(r"^trial (\d)/\d  ", stderr, re.MULTILINE)


def rows_of(stdout: str) -> list[list[str]]:
    """The leaderboard's cells."""
    title, _, *rest = stdout.splitlines()
    assert title == "Search: 4 trials, random, best first"
    return [re.split(r"  +", row.strip()) for row in rest[: rest.index("")]]


def stopped_at(job: Path, trial: int, by: signal.Signals) -> tuple[int, str]:
    """Ends a search as it begins a trial: its exit code and what it said."""
    running = start(job)
    assert running.stderr is not None
    heard: list[str] = []
    for line in running.stderr:
        heard.append(line)
        if line.startswith(f"trial {trial}/"):
            running.send_signal(by)
            break
    _, rest = running.communicate(timeout=120)
    return running.returncode, "".join([*heard, rest])


def check_published_once(job: Path, rows: Sequence[Sequence[str]]) -> None:
    """One version, of the best trial's values, with every trial in its report."""
    models = job.parent / "models"
    assert list_versions(models, "digits") == (1,)
    version = model_paths(models, "digits").version(1)
    _, units, rate, *_ = rows[0]
    trained = json.loads((version.extra / "job.json").read_text())
    assert (str(trained["network"]["units"]), trained["optimisation"]["learning_rate"]) == (units, float(rate))
    page = (version.report / PAGE).read_text()
    assert "Search: 4 trials, random, best first" in page
    for row in rows:
        assert all(cell in page for cell in row)


def test_search_goes_on_where_it_was_killed_or_interrupted_and_runs_no_finished_trial_again(job: Path) -> None:
    killed, heard = stopped_at(job, 2, signal.SIGKILL)
    assert (killed, begun(heard)) == (-signal.SIGKILL, ["1", "2"])

    interrupted, heard = stopped_at(job, 3, signal.SIGINT)
    assert (interrupted, begun(heard)) == (INTERRUPTED, ["2", "3"]), heard
    assert heard.endswith(f"the same command goes on from the trials in {job.parent / 'trials of digits'}\n")
    assert not model_paths(job.parent / "models", "digits").root.exists()

    with start_plainly(job) as last:
        printed, heard = last.communicate(timeout=120)
    assert (last.returncode, begun(heard)) == (0, ["3", "4"])
    rows = rows_of(printed)
    assert sorted(row[0] for row in rows) == ["1", "2", "3", "4"]
    figures = [float(row[3]) for row in rows]
    assert figures == sorted(figures, reverse=True), "val_accuracy is better when higher"
    check_published_once(job, rows)


def test_chief_hands_out_trials_to_two_workers_and_publishes_once(job: Path) -> None:
    address = chief_at(free_port())
    workers = ("worker-0", "worker-1")
    running = {name: start(job, KERASTUNER_TUNER_ID=name, **address) for name in workers}
    for process in running.values():  # so that both are there when the first trial is given out
        assert process.stderr is not None
        assert any(line.startswith("waiting for the chief") for line in process.stderr)
    running["chief"] = start(job, KERASTUNER_TUNER_ID="chief", **address)
    ended = {name: process.communicate(timeout=240) for name, process in running.items()}
    assert {name: process.returncode for name, process in running.items()} == dict.fromkeys(running, 0), ended

    rows = rows_of(ended["chief"][0])
    assert sorted(row[0] for row in rows) == ["1", "2", "3", "4"]
    assert begun(ended["chief"][1]) == []
    trained = [begun(ended[worker][1]) for worker in workers]
    assert sorted(trained[0] + trained[1]) == ["1", "2", "3", "4"]
    assert all(trained), "both had a share"
    for worker in workers:
        printed, heard = ended[worker]
        assert (printed, heard.splitlines()[-1]) == ("", "no trials are left; the chief publishes the best")
    check_published_once(job, rows)

    with start(job, "--set", "search.trials=5", "--dry-run") as alone:
        _, heard = alone.communicate(timeout=120)
    assert (alone.returncode, begun(heard)) == (0, ["5"]), "one process goes on from what several did"


def test_a_chief_that_cannot_listen_says_where_and_what_to_do(job: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start(job, KERASTUNER_TUNER_ID="chief", **chief_at(port)) as chief:
            _, heard = chief.communicate(timeout=120)
    assert chief.returncode == 2
    assert heard.splitlines()[-1] == (
        f"penstock tune: KERASTUNER_ORACLE_IP and _PORT: the chief cannot listen at 127.0.0.1:{port};"
        " give an address of this machine and a port that no other process has"
    )


@pytest.mark.parametrize("name", ["chief", "worker-0"])
def test_what_is_no_port_is_refused(job: Path, name: str) -> None:
    with start(job, KERASTUNER_TUNER_ID=name, **chief_at(99999)) as process:
        _, heard = process.communicate(timeout=120)
    assert process.returncode == 2
    assert heard.splitlines()[-1] == (
        "penstock tune: KERASTUNER_ORACLE_PORT: '99999' is no port; give one from 1 to 65535"
    )


def test_an_interrupt_ends_a_chief_that_waits_for_workers(job: Path) -> None:
    port = free_port()
    with start(job, KERASTUNER_TUNER_ID="chief", **chief_at(port)) as chief:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        grpc.channel_ready_future(channel).result(timeout=120)
        channel.close()
        chief.send_signal(signal.SIGINT)
        chief.communicate(timeout=120)
    assert chief.returncode == INTERRUPTED
