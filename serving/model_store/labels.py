"""Labels: names for versions that move, kept in one file per model that is replaced at once.

The move is written before its line in the history: a kill between the two loses a line and never invents one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from serving.contract.model_directory import LABEL_NAME, STABLE, ModelPaths, model_paths
from serving.errors import IntegrityError, PublishError, UnknownVersion
from serving.model_store.atomic_file import write_atomically
from serving.model_store.audit import Action, AuditEntry, record
from serving.model_store.disk_errors import disk_errors
from serving.model_store.lock import locked
from serving.model_store.versions import list_versions


@dataclass(frozen=True, slots=True)
class LabelMove:
    """A label's way: `previous` is where it pointed before, None when it is new; `version` None when it is removed."""

    label: str
    version: int | None
    previous: int | None


def answering_version(labels: Mapping[str, int], versions: Sequence[int]) -> int | None:
    """The version that answers a request naming none: the stable one, else the newest; None when there is none."""
    return labels.get(STABLE, max(versions, default=None))


def read_labels(models: Path, model: str) -> Mapping[str, int]:
    """Each label's version, empty when the model has no labels file. IntegrityError when the file is damaged."""
    path = model_paths(models, model).labels
    name = f"{model}/{path.name}"
    try:
        return parse_labels(name, path.read_bytes())
    except FileNotFoundError:
        return MappingProxyType({})
    except OSError as error:
        raise IntegrityError(f"{name}: cannot be read: {error.strerror}") from error


def parse_labels(name: str, text: bytes) -> Mapping[str, int]:
    """The labels in `text`; raises IntegrityError that begins with `name`."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:  # the latter for lists within lists by the thousand
        raise IntegrityError(f"{name}: not JSON") from error
    if not isinstance(parsed, dict) or not all(_is_label(label, version) for label, version in parsed.items()):
        raise IntegrityError(f'{name}: expected labels and version numbers, as {{"stable": 3}}')
    return MappingProxyType(parsed)


def set_label(models: Path, model: str, label: str, version: int, *, by: str, reason: str, now: datetime) -> LabelMove:
    """Points the label at the version; when it points there already, nothing is written.

    Raises PublishError for a name that is no label, UnknownModel, UnknownVersion, IntegrityError.
    """
    if not LABEL_NAME.fullmatch(label):
        raise PublishError(f"{label[:64]!r} is not a label: letters, digits, '_', '-' and '.', starting with a letter")
    paths = model_paths(models, model)
    with disk_errors(f"cannot label version {version} of {model!r}"), locked(paths):
        versions = list_versions(models, model)
        if version not in versions:
            known = ", ".join(map(str, versions)) or "none"
            raise UnknownVersion(f"there is no version {version} of {model!r}; there are: {known}")
        labels = read_labels(models, model)
        move = LabelMove(label, version, labels.get(label))
        if move.previous != version:
            carry_out(move, paths, labels, action="promoted", by=by, reason=reason, now=now)
    return move


def remove_label(models: Path, model: str, label: str, *, by: str, reason: str, now: datetime) -> LabelMove:
    """Takes the label away; its version stays. Raises PublishError when there is no such label, UnknownModel."""
    paths = model_paths(models, model)
    with disk_errors(f"cannot remove the label {label!r} of {model!r}"), locked(paths):
        labels = read_labels(models, model)
        if label not in labels:
            raise PublishError(f"{model!r} has no label {label!r}; it has: {', '.join(labels) or 'none'}")
        move = LabelMove(label, None, labels[label])
        carry_out(move, paths, labels, action="unlabelled", by=by, reason=reason, now=now)
    return move


def carry_out(
    move: LabelMove,
    paths: ModelPaths,
    labels: Mapping[str, int],
    *,
    action: Action,
    by: str,
    reason: str,
    now: datetime,
) -> None:
    """Writes the labels after the move, then its line in the history. The caller holds the model's lock. Raises OSError
    where nothing moved, PublishError where the label moved and the history does not say so.
    """
    after = {label: version for label, version in labels.items() if label != move.label}
    if move.version is not None:
        after[move.label] = move.version
    write_atomically(paths.labels, render_labels(after))
    where = "removed" if move.version is None else f"moved to version {move.version}"
    with disk_errors(f"the label {move.label!r} is {where}, but its line in {paths.audit.name} could not be written"):
        record(
            paths,
            AuditEntry(
                at=now,
                action=action,
                model=paths.root.name,
                version=move.version,
                label=move.label,
                previous_version=move.previous,
                by=by,
                reason=reason,
            ),
        )


def render_labels(labels: Mapping[str, int]) -> bytes:
    return json.dumps(dict(labels), indent=2, sort_keys=True).encode() + b"\n"


def _is_label(label: str, version: object) -> bool:
    return LABEL_NAME.fullmatch(label) is not None and type(version) is int and version > 0
