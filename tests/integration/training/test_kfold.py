"""Cross-validation by the command line: every fold measured, the test split kept for the last model alone."""

import statistics

import pytest

from serving.contract.manifest import Manifest, parse_manifest
from serving.contract.model_directory import model_paths
from tests.processes import trained

FOLDS = ("split.folds=3", "split.validation=0", "split.test=0.2", "fit.epochs=4")


@pytest.fixture(scope="module")
def told_and_manifest(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Manifest]:
    models = tmp_path_factory.mktemp("models")
    settings = [word for setting in FOLDS for word in ("--set", setting)]
    told = trained("diabetes", "--models", str(models), *settings)
    version = model_paths(models, "diabetes").version(1)
    page = (version.report / "index.html").read_text(encoding="utf-8")
    assert "Cross-validation" in page
    return told.stdout + told.stderr, parse_manifest(version.manifest.read_bytes())


def test_each_fold_has_its_figure_beside_the_test_splits(told_and_manifest: tuple[str, Manifest]) -> None:
    _, manifest = told_and_manifest
    assert set(manifest.metrics.folds) == set(manifest.metrics.test)
    assert len(set(manifest.metrics.folds["mae"])) == 3


def test_four_fifths_are_folds_and_all_of_them_train_the_last_model(told_and_manifest: tuple[str, Manifest]) -> None:
    _, manifest = told_and_manifest
    assert manifest.lineage.rows == {"train": 354, "validation": 0, "test": 88}


def test_mean_and_spread_are_told(told_and_manifest: tuple[str, Manifest]) -> None:
    told, manifest = told_and_manifest
    values = manifest.metrics.folds["mae"]
    (line,) = [line for line in told.splitlines() if line.startswith("3 folds")]
    assert line.split()[-2:] == ["mean", "spread"]
    after = told.splitlines()[told.splitlines().index(line) + 1]
    assert after.split() == ["mae", f"{statistics.mean(values):.4g}", f"{statistics.stdev(values):.2g}"]
    assert [f"fold {fold}/3" in told for fold in (1, 2, 3)] == [True] * 3
