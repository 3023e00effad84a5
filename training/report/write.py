"""The report onto the disk: one page that stands alone, and its pictures as files beside it."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from serving.contract.manifest import Classification
from training.report.classes import class_pictures
from training.report.distributions import distribution_pictures
from training.report.drawing import Picture, drawing
from training.report.facts import PAGE, ReportFacts
from training.report.history import history_pictures
from training.report.page import render_page
from training.report.samples import Sample, sample_pictures, sample_table, samples
from training.report.values import value_pictures


def write_report(facts: ReportFacts, folder: Path) -> Path:
    """Writes `index.html` and its PNGs into `folder`, which is made, and gives the page's path. Raises OSError."""
    chosen = samples(facts)
    pictures = draw(facts, chosen)
    style = (files("training.report") / "style.css").read_text(encoding="utf-8")
    page = render_page(facts, pictures, sample_table(facts, chosen), style)
    folder.mkdir(parents=True, exist_ok=True)
    for picture in (picture for part in pictures.values() for picture in part):
        (folder / f"{picture.name}.png").write_bytes(picture.png)
    (folder / PAGE).write_text(page, encoding="utf-8")
    return folder / PAGE


def draw(facts: ReportFacts, chosen: Sequence[Sample]) -> Mapping[str, Sequence[Picture]]:
    """Every picture, by the page's section."""
    manifest = facts.manifest
    with drawing():
        if isinstance(manifest.outputs, Classification):
            test = class_pictures(facts.answers, facts.truth, manifest.outputs.labels)
        else:
            test = value_pictures(facts.answers, facts.truth, manifest.outputs.unit)
        return {
            "fit": history_pictures(facts.history, facts.best_epoch),
            "test": test,
            "samples": sample_pictures(facts, chosen),
            "features": distribution_pictures(manifest.features, manifest.sketches, facts.category_counts),
        }
