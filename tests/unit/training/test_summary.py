"""What `penstock train` prints at the end."""

from pathlib import Path

from serving.contract.manifest import Metrics
from training.summary import Summary


def summary(promoted: str | None) -> str:
    metrics = Metrics(test={"mae": 41.8, "precision": 0.5}, baseline={"mae": 65.05})
    rows = {"train": 1258, "test": 44}
    return str(Summary("diabetes", rows, 86, 46, metrics, 3, Path("models/diabetes/3"), promoted))


def test_metrics_stand_beside_the_baseline() -> None:
    assert "  mae                     41.8       65.05" in summary(None).splitlines()


def test_undefined_baseline_is_a_dash() -> None:
    assert "  precision                0.5           -" in summary(None).splitlines()


def test_version_and_folder_are_named() -> None:
    assert "published diabetes version 3: models/diabetes/3" in summary(None)


def test_report_is_named() -> None:
    assert summary(None).endswith("models/diabetes/3/assets.extra/report/index.html")


def test_label_is_named_only_when_it_moved() -> None:
    assert summary("stable").endswith("stable -> 3")
    assert "stable" not in summary(None)


def test_interrupted_fit_names_the_epoch_it_ended_in_and_the_one_that_is_kept() -> None:
    told = str(Summary("diabetes", {}, 7, 5, Metrics(test={}, baseline={}), interrupted=True))
    assert "interrupted in epoch 7: the weights of epoch 5 are kept" in told


def test_a_dry_run_says_that_nothing_is_published() -> None:
    told = str(Summary("diabetes", {}, 86, 46, Metrics(test={}, baseline={})))
    assert told.endswith("nothing is published")
