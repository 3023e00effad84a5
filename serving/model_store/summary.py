"""What a model's versions look like from outside, gathered for whoever shows them: labels, manifest, or what is wrong.

A damaged manifest is part of the picture here, and not a reason to show none.
"""

from dataclasses import dataclass
from pathlib import Path

from serving.contract.manifest import Manifest
from serving.errors import IntegrityError, UnknownVersion
from serving.model_store.labels import answering_version, read_labels
from serving.model_store.versions import list_versions, read_manifest


@dataclass(frozen=True, slots=True)
class VersionSummary:
    """`answers` says that requests naming no version get this one; `problem` why there is no manifest, if it is bad."""

    model: str
    version: int
    labels: tuple[str, ...]
    answers: bool
    manifest: Manifest | None
    problem: str = ""


def summarise(models: Path, model: str) -> tuple[VersionSummary, ...]:
    """The model's versions, ascending. Raises UnknownModel, and IntegrityError when the labels are damaged."""
    versions, labels = list_versions(models, model), read_labels(models, model)
    answering = answering_version(labels, versions)
    summaries = []
    for version in versions:
        names = tuple(sorted(label for label, labelled in labels.items() if labelled == version))
        manifest, problem = _manifest_or_problem(models, model, version)
        summaries.append(VersionSummary(model, version, names, version == answering, manifest, problem))
    return tuple(summaries)


def _manifest_or_problem(models: Path, model: str, version: int) -> tuple[Manifest | None, str]:
    try:
        return read_manifest(models, model, version), ""
    except (IntegrityError, UnknownVersion) as error:
        return None, str(error)
