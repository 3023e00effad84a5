"""`penstock train` as a program: labels, repeatability, and what a failed run leaves."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from serving.contract.manifest import parse_manifest
from serving.contract.model_directory import STAGING_PREFIX, model_paths
from tests.preloaded import PENSTOCK, run_preloaded

TRAIN = ("train", "digits", "--models")


def train(models: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_preloaded([PENSTOCK, *TRAIN, str(models), *arguments])


def train_plainly(models: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """By the true command line, which imports everything itself."""
    command = [sys.executable, "-m", "penstock_cli", *TRAIN, str(models), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def trained_twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short runs of one job, the second promoted, the first by the true command line."""
    models = tmp_path_factory.mktemp("models")
    first = train_plainly(models, "--set", "fit.epochs=2")
    assert (first.returncode, model_paths(models, "digits").labels.exists()) == (0, False)
    second = train(models, "--set", "fit.epochs=2", "--promote")
    assert second.returncode == 0
    return models


def test_labels_move_only_when_promoted(trained_twice: Path) -> None:
    assert json.loads(model_paths(trained_twice, "digits").labels.read_bytes()) == {"stable": 2}


def test_same_job_gives_the_same_model(trained_twice: Path) -> None:
    paths = model_paths(trained_twice, "digits")
    first, second = (parse_manifest(paths.version(number).manifest.read_bytes()) for number in (1, 2))
    assert first.golden_examples == second.golden_examples
    assert first.metrics == second.metrics
    assert first.lineage == second.lineage


def test_staged_work_is_gone_after_publishing(trained_twice: Path) -> None:
    names = {path.name for path in model_paths(trained_twice, "digits").root.iterdir()}
    assert {"1", "2"} <= names
    assert not [name for name in names if name.startswith(STAGING_PREFIX)]


def test_dry_run_publishes_nothing(tmp_path: Path) -> None:
    dry = train(tmp_path, "--set", "fit.epochs=2", "--dry-run")
    assert (dry.returncode, dry.stdout.splitlines()[-1].split(":")[0]) == (0, "dry run")
    assert not [path for path in (tmp_path / "digits").iterdir() if path.is_dir()]


def test_worse_version_is_published_only_by_force(trained_twice: Path) -> None:
    worse = ("--set", "fit.epochs=1", "--set", "optimisation.learning_rate=1e-7")
    refused = train(trained_twice, *worse)
    assert (refused.returncode, "which answers now" in refused.stderr) == (1, True)
    assert not model_paths(trained_twice, "digits").version(3).root.exists()
    assert train(trained_twice, *worse, "--force").returncode == 0
    assert model_paths(trained_twice, "digits").version(3).root.exists()


def test_failed_fit_is_one_line_and_no_version(tmp_path: Path) -> None:
    failed = train_plainly(tmp_path, "--set", "optimisation.learning_rate=1e38", "--set", "fit.epochs=1")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("penstock train: the fit diverged")
    assert not [path for path in (tmp_path / "digits").iterdir() if path.is_dir()]
