"""How versions are listed, where the command's own tests have one metric only."""

from collections.abc import Callable

from serving.contract.manifest import Manifest, Metrics
from serving.model_store.summary import VersionSummary
from serving.models_table import version_text, versions_text

FIGURES = {"accuracy": 0.97, "log_loss": 0.1, "precision": 0.96}


def test_list_has_the_first_two_figures_and_show_all(manifest_with: Callable[..., Manifest]) -> None:
    manifest = manifest_with(metrics=Metrics(test=FIGURES, baseline={}))
    version = VersionSummary("digits", 1, (), answers=True, manifest=manifest)
    assert versions_text([version]).splitlines()[1].endswith("accuracy 0.97, log_loss 0.1")
    assert "accuracy 0.97, log_loss 0.1, precision 0.96" in version_text(version, [])
