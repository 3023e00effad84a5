"""One look at the whole model directory: which versions are there and where the labels point.

Keeps the last good answer: a directory that cannot be read, or a labels or traffic file damaged by somebody else's
editor, never takes a model away from those it serves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from serving.errors import IntegrityError, UnknownModel
from serving.model_store.labels import read_labels
from serving.model_store.traffic import NO_TRAFFIC, Traffic, read_traffic
from serving.model_store.versions import list_models, list_versions


@dataclass(frozen=True, slots=True)
class ModelOnDisk:
    versions: tuple[int, ...]
    labels: Mapping[str, int]
    traffic: Traffic = NO_TRAFFIC


@dataclass(frozen=True, slots=True)
class DirectorySnapshot:
    """`faults` says, for people, what could not be read and was taken from the look before."""

    models: Mapping[str, ModelOnDisk] = field(default_factory=lambda: MappingProxyType({}))
    faults: tuple[str, ...] = ()


def read_snapshot(models: Path, previous: DirectorySnapshot) -> DirectorySnapshot:
    """The directory now; what cannot be read stands as in `previous`."""
    try:
        names = list_models(models)
    except IntegrityError as error:
        return DirectorySnapshot(previous.models, (str(error),))
    if not names and previous.models:
        return DirectorySnapshot(previous.models, ("the model directory has lost all its models; those loaded stay",))
    found: dict[str, ModelOnDisk] = {}
    faults: list[str] = []
    for name in names:
        try:
            found[name] = _read_model(models, name, previous.models.get(name), faults)
        except UnknownModel:
            continue  # removed between the two looks
        except IntegrityError as error:
            faults.append(str(error))
            if name in previous.models:
                found[name] = previous.models[name]
    return DirectorySnapshot(MappingProxyType(found), tuple(faults))


def _read_model(models: Path, name: str, previous: ModelOnDisk | None, faults: list[str]) -> ModelOnDisk:
    """Labels and traffic each stand as they were where their own file is damaged."""
    versions = list_versions(models, name)
    labels = previous.labels if previous else MappingProxyType({})
    traffic = previous.traffic if previous else NO_TRAFFIC
    try:
        labels = read_labels(models, name)
    except IntegrityError as error:
        faults.append(str(error))
    try:
        traffic = read_traffic(models, name)
    except IntegrityError as error:
        faults.append(str(error))
    return ModelOnDisk(versions, labels, traffic)
