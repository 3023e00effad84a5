"""The report of a published version: there, covered by the manifest's digests, and of the same figures."""

from pathlib import Path

import pytest

from serving.contract.manifest import parse_manifest
from serving.contract.model_directory import model_paths
from training.report.facts import PAGE
from training.report.words import number

PICTURES = {
    "digits": {"history_1_loss", "history_2_accuracy", "confusion", "roc", "precision_recall", "calibration"},
    "diabetes": {"history_1_loss", "history_2_mae", "predicted_and_true", "residuals", "residuals_by_prediction"},
}


@pytest.mark.parametrize("model", sorted(PICTURES))
def test_version_has_a_report_that_tells_its_metrics(trained_models: Path, model: str) -> None:
    version = model_paths(trained_models, model).version(1)
    manifest = parse_manifest(version.manifest.read_bytes())
    page = (version.report / PAGE).read_text()
    for name, value in manifest.metrics.test.items():
        assert f'{name}</th><td class="short">{number(value)}</td>' in page
    for told in (manifest.lineage.sha256, manifest.job_sha256, "Total params", f"model = &quot;{model}&quot;"):
        assert told in page
    assert PICTURES[model] <= {path.stem for path in version.report.glob("*.png")}
    assert "assets.extra/report/index.html" in manifest.files
