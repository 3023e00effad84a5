"""Ctrl-C at a running `penstock train`: the first ends the fit and publishes, the second ends the process."""

import signal
from pathlib import Path

import pytest

from serving.model_store.verify import verify_model
from serving.model_store.versions import list_versions
from tests.preloaded import PENSTOCK, start_preloaded

LONG = ("digits", "--set", "fit.epochs=100000", "--set", "fit.patience_epochs=100000")
"""It ends by an interrupt or not at all."""


def train(models: Path, signs: tuple[str, ...], *more: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a job that gets a SIGINT at each line of stderr that starts with a sign."""
    process = start_preloaded([PENSTOCK, "train", *LONG, "--models", str(models), *more])
    assert process.stderr
    waiting, heard = list(signs), []
    for line in process.stderr:
        heard.append(line)
        if waiting and line.startswith(waiting[0]):
            waiting.pop(0)
            process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    return process.returncode, out, "".join(heard)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def test_first_interrupt_publishes_the_best_weights_so_far_and_says_so(models: Path) -> None:
    code, out, err = train(models, ("epoch 1/",), "--tensorboard", str(models / "events"))
    assert code == 0, err
    assert "interrupted in epoch" in err
    assert "Ctrl-C again ends without publishing" in err
    assert "the weights of epoch" in out
    assert list_versions(models, "digits") == (1,)
    assert verify_model(models, "digits") == ()
    assert [file.stat().st_size > 100 for file in (models / "events").glob("*/events.out.tfevents.*")] == [True, True]


def test_second_interrupt_ends_without_publishing(models: Path) -> None:
    code, _, err = train(models, ("epoch 1/", "interrupted"))
    assert code == 130, err
    assert "interrupted in epoch" in err
    assert "Traceback" not in err
    assert list_versions(models, "digits") == ()
    assert [entry.name for entry in (models / "digits").iterdir() if entry.name.startswith(".staging")] == []
