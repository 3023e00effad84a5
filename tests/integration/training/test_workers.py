"""Several processes train one model: two workers on loopback, and one of them killed."""

import json
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.preloaded import PENSTOCK, start_preloaded

PROBE = Path(__file__).parent / "workers_probe.py"
AT_MOST_SECONDS = 150
"""Far beyond what anything here takes; no test judges speed."""


def started(words: Sequence[str], index: int, ports: Sequence[int]) -> subprocess.Popen[str]:
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    task = {"type": "worker", "index": index}
    return start_preloaded(words, TF_CONFIG=json.dumps({"cluster": cluster, "task": task}))


def both(*arguments: str) -> list[subprocess.Popen[str]]:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        ports = [first.getsockname()[1], second.getsockname()[1]]
    return [started(arguments, index, ports) for index in (0, 1)]


def told(process: subprocess.Popen[str]) -> Any:
    output, errors = process.communicate(timeout=AT_MOST_SECONDS)
    assert process.returncode == 0, errors
    return json.loads(output)


def train(models: Path, *assignments: str) -> list[subprocess.Popen[str]]:
    chosen = [part for value in ("distribution.strategy=multi_worker", *assignments) for part in ("--set", value)]
    return both(PENSTOCK, "train", "digits", "--models", str(models), *chosen)


@pytest.fixture(scope="module")
def one() -> Any:
    return told(started([str(PROBE), "none"], 0, [1]))


def test_two_workers_have_equal_weights_and_the_losses_of_one(one: Any) -> None:
    chief, other = (told(worker) for worker in both(str(PROBE), "multi_worker"))
    assert chief == other
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert chief["history"][name][0] == pytest.approx(one["history"][name][0], rel=1e-4), name
        # from the second epoch on Keras's loop takes the batches in an order of its own
        assert chief["history"][name] == pytest.approx(one["history"][name], rel=0.15), name


def test_two_devices_of_one_process_learn_with_dropout_and_batch_normalisation() -> None:
    history = told(started([str(PROBE), "--mirrored"], 0, [1]))["history"]
    assert history["val_accuracy"][-1] > 0.9
    assert history["loss"] == sorted(history["loss"], reverse=True)


def test_only_the_chief_publishes(tmp_path: Path) -> None:
    workers = train(tmp_path, "fit.epochs=2")
    outputs = [worker.communicate(timeout=AT_MOST_SECONDS) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    assert "published digits version 1" in outputs[0][0]
    assert "worker of digits: 2 epochs" in outputs[1][0]
    assert [path.name for path in (tmp_path / "digits").iterdir() if path.is_dir()] == ["1"]


@pytest.mark.parametrize("killed", [0, 1], ids=["chief", "other"])
def test_a_killed_worker_ends_the_others_and_nothing_is_published(tmp_path: Path, killed: int) -> None:
    workers = train(tmp_path, "fit.epochs=100000", "fit.patience_epochs=100000")
    lost, left = workers[killed], workers[1 - killed]
    assert lost.stderr
    assert any(line.startswith("epoch 1/") for line in iter(lost.stderr.readline, ""))
    lost.kill()
    lost.communicate()
    _, errors = left.communicate(timeout=AT_MOST_SECONDS)
    assert left.returncode == 1
    assert "another worker ended before the model was published" in errors
    assert not list(tmp_path.glob("digits/[0-9]*"))


def test_a_worker_whose_peer_never_comes_gives_up(tmp_path: Path) -> None:
    alone = train(tmp_path, "distribution.wait_seconds=1")
    alone[1].kill()
    _, errors = alone[0].communicate(timeout=AT_MOST_SECONDS)
    assert alone[0].returncode == 1
    assert "waiting for the other workers of TF_CONFIG; after 1 s without one, exit 1" in errors
    alone[1].communicate()
