"""Verifying: is what lies on the disk what was published? Reads every byte, changes nothing.

Damage is the answer here and not a failure, so it is returned as findings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from serving.contract.manifest import Manifest
from serving.contract.model_directory import VersionPaths, model_paths
from serving.errors import IntegrityError, UnknownVersion
from serving.model_store.labels import read_labels
from serving.model_store.version_files import is_folder, is_plain_file, sha256_of, walk
from serving.model_store.versions import list_folders, list_versions, read_manifest

Problem: TypeAlias = Literal["missing", "changed", "extra", "unreadable", "unverifiable", "not allowed", "untrusted"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `version` is None for the model's own files; `file` is relative to the folder."""

    model: str
    version: int | None
    file: str
    problem: Problem
    detail: str


def verify_model(models: Path, model: str) -> tuple[Finding, ...]:
    """What is wrong with the model: each numbered folder, whole or not, and labels that point nowhere.

    Raises UnknownModel, and IntegrityError when the model's folder cannot be listed.
    """
    whole, folders = list_versions(models, model), list_folders(models, model)
    findings = [finding for version in folders for finding in verify_version(models, model, version)]
    return (*findings, *_label_findings(models, model, whole))


def verify_version(models: Path, model: str, version: int) -> tuple[Finding, ...]:
    """What is wrong with this version: files missing, changed or extra against its manifest; empty when it is whole."""
    paths = model_paths(models, model).version(version)
    manifest_name = paths.manifest.relative_to(paths.root).as_posix()
    try:
        manifest = read_manifest(models, model, version)
    except (IntegrityError, UnknownVersion) as error:
        return (Finding(model, version, manifest_name, "unreadable", str(error)),)
    if manifest is None:
        detail = "there is no manifest, so nothing can be checked"
        return (Finding(model, version, manifest_name, "unverifiable", detail),)
    return tuple(_differences(paths, manifest))


def _differences(paths: VersionPaths, manifest: Manifest) -> Iterator[Finding]:
    def finding(file: str, problem: Problem, detail: str) -> Finding:
        return Finding(manifest.model, manifest.version, file, problem, detail)

    try:
        present = {path.relative_to(paths.root).as_posix(): path for path in walk(paths.root) if not is_folder(path)}
    except OSError as error:
        yield finding(".", "unreadable", error.strerror or type(error).__name__)
        return
    for beside in (paths.manifest, paths.signature):
        present.pop(beside.relative_to(paths.root).as_posix(), None)
    for name, digest in sorted(manifest.files.items()):
        if name not in present:
            yield finding(name, "missing", "the manifest lists it")
        elif fault := _fault(present[name], digest):
            yield finding(name, *fault)
    for name in sorted(present.keys() - manifest.files.keys()):
        yield finding(name, "extra", "the manifest does not list it")


def _fault(path: Path, digest: str) -> tuple[Problem, str] | None:
    try:
        if not is_plain_file(path):
            return "changed", "it is no longer a plain file"
        if sha256_of(path) != digest:
            return "changed", "its sha256 is not the manifest's"
    except OSError as error:
        return "unreadable", error.strerror or type(error).__name__
    return None


def _label_findings(models: Path, model: str, versions: Sequence[int]) -> Iterator[Finding]:
    file = model_paths(models, model).labels.name
    try:
        labels = read_labels(models, model)
    except IntegrityError as error:
        yield Finding(model, None, file, "unreadable", str(error))
        return
    for label, version in labels.items():
        if version not in versions:
            yield Finding(model, None, file, "missing", f"{label} names version {version}, which is not there")
