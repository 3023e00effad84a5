"""Which models and versions lie in the model directory, and their manifests. Reads only, never locks.

The gateway asks this every second: a listing costs one scan of a folder and one stat per version, and parses nothing.
A directory that cannot be read is an error and not an empty one, so that a lost volume unloads no model.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serving.contract.manifest import Manifest, parse_manifest
from serving.contract.model_directory import MODEL_NAME, ModelPaths, VersionPaths, model_paths, version_number
from serving.errors import IntegrityError, UnknownModel, UnknownVersion


def list_models(models: Path) -> tuple[str, ...]:
    """The names of the models that have a version, sorted. IntegrityError when the directory cannot be read."""
    names = list_model_folders(models)
    try:
        return tuple(name for name in names if _whole_versions(model_paths(models, name)))
    except OSError as error:
        raise _unreadable("the model directory", error) from error


def list_model_folders(models: Path) -> tuple[str, ...]:
    """Every folder with a model's name, sorted, whether or not it has a version. Raises as `list_models` does."""
    try:
        with os.scandir(models) as entries:
            return tuple(sorted(found.name for found in entries if MODEL_NAME.fullmatch(found.name) and found.is_dir()))
    except OSError as error:
        raise _unreadable("the model directory", error) from error


def list_versions(models: Path, model: str) -> tuple[int, ...]:
    """The model's versions, ascending: folders named by a plain number that hold a saved_model.pb.

    Raises UnknownModel when the model has no folder, IntegrityError when the directory cannot be read.
    """
    with _listing(models, model):
        return _whole_versions(model_paths(models, model))


def list_folders(models: Path, model: str) -> tuple[int, ...]:
    """Every folder named by a plain number, ascending, whole or not. Raises as `list_versions` does."""
    with _listing(models, model):
        return _numbered_folders(model_paths(models, model))


def highest_version(paths: ModelPaths) -> int:
    """The highest number that a version of the model ever had, 0 before the first. Raises IntegrityError, OSError."""
    present = max(_numbered_folders(paths), default=0)
    try:
        recorded = paths.highest_version.read_bytes().strip().decode(errors="replace")
    except FileNotFoundError:
        return present
    if not (number := version_number(recorded)):
        raise IntegrityError(f"{paths.root.name}/{paths.highest_version.name}: {recorded[:40]!r} is not a version")
    return max(number, present)


def read_manifest(models: Path, model: str, version: int) -> Manifest | None:
    """The version's manifest; None when it has none, as a SavedModel that was copied there by hand.

    Raises UnknownVersion when there is no such folder, IntegrityError when the file is damaged or another version's.
    """
    paths = model_paths(models, model).version(version)
    try:
        manifest = parse_manifest(paths.manifest.read_bytes())
    except FileNotFoundError as error:
        if paths.root.is_dir():
            return None
        raise UnknownVersion(f"there is no version {version} of {model!r}") from error
    except OSError as error:
        raise _unreadable(_shown(model, version, paths), error) from error
    except IntegrityError as error:
        raise IntegrityError(f"{model}/{version}/{paths.extra.name}/{error}") from error
    if (manifest.model, manifest.version) != (model, version):
        of = f"{manifest.model!r} version {manifest.version}"
        raise IntegrityError(f"{_shown(model, version, paths)}: this is the manifest of {of}, and not of this folder")
    return manifest


@contextmanager
def _listing(models: Path, model: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        known = ", ".join(list_models(models)) or "none"
        raise UnknownModel(f"there is no model {model!r}; there are: {known}") from error
    except OSError as error:
        raise _unreadable(model, error) from error


def _numbered_folders(paths: ModelPaths) -> tuple[int, ...]:
    with os.scandir(paths.root) as entries:
        return tuple(sorted(n for entry in entries if (n := version_number(entry.name)) and entry.is_dir()))


def _whole_versions(paths: ModelPaths) -> tuple[int, ...]:
    return tuple(n for n in _numbered_folders(paths) if paths.version(n).saved_model.is_file())


def _shown(model: str, version: int, paths: VersionPaths) -> str:
    return f"{model}/{version}/{paths.manifest.relative_to(paths.root)}"


def _unreadable(name: str, error: OSError) -> IntegrityError:
    return IntegrityError(f"{name} cannot be read: {error.strerror or type(error).__name__}")
