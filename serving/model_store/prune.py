"""Pruning: old versions go away, the newest ones and those with a label stay.

A version leaves by one rename to a dot-name and is deleted afterwards, so that none is ever seen half gone.
"""

import secrets
import shutil
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from serving.contract.model_directory import PRUNED_PREFIX, ModelPaths, model_paths
from serving.errors import PublishError, UnknownVersion
from serving.model_store.atomic_file import sync, write_atomically
from serving.model_store.audit import AuditEntry, record
from serving.model_store.disk_errors import disk_errors
from serving.model_store.labels import read_labels
from serving.model_store.leftovers import remove_leftovers
from serving.model_store.lock import locked
from serving.model_store.versions import highest_version, list_versions


def prunable(versions: Sequence[int], labelled: Collection[int], *, keep: int) -> tuple[int, ...]:
    """What a prune removes, ascending: all but the `keep` newest of the versions and those with a label."""
    if keep < 1:
        raise PublishError(f"cannot keep {keep} versions: the newest always stays")
    return tuple(version for version in sorted(versions)[:-keep] if version not in labelled)


def prune(models: Path, model: str, *, keep: int, by: str, reason: str, now: datetime) -> tuple[int, ...]:
    """Removes all but the `keep` newest versions and those with a label; returns what it removed, ascending.

    Also removes what killed jobs left behind. Raises PublishError, UnknownModel, and IntegrityError when the labels
    cannot be read, since then nothing says what must stay.
    """
    paths = model_paths(models, model)
    with disk_errors(f"cannot prune {model!r}"), locked(paths):
        doomed = prunable(list_versions(models, model), read_labels(models, model).values(), keep=keep)
        remove_leftovers(paths)
        _remove(paths, doomed, by=by, reason=reason, now=now)
    return doomed


def prune_version(models: Path, model: str, version: int, *, by: str, reason: str, now: datetime) -> None:
    """Removes this one version. Raises PublishError when a label names it, UnknownVersion, and as `prune` does."""
    paths = model_paths(models, model)
    with disk_errors(f"cannot prune version {version} of {model!r}"), locked(paths):
        if version not in list_versions(models, model):
            raise UnknownVersion(f"there is no version {version} of {model!r}")
        _refuse_labelled(model, version, read_labels(models, model))
        remove_leftovers(paths)
        _remove(paths, [version], by=by, reason=reason, now=now)


def _refuse_labelled(model: str, version: int, labels: Mapping[str, int]) -> None:
    if names := [label for label, labelled in labels.items() if labelled == version]:
        raise PublishError(
            f"cannot prune version {version} of {model!r}: it is {', '.join(names)}; move the label first"
        )


def _remove(paths: ModelPaths, versions: Sequence[int], *, by: str, reason: str, now: datetime) -> None:
    # A folder copied there by hand is in no record: without this line its number could be given again.
    write_atomically(paths.highest_version, f"{highest_version(paths)}\n".encode())
    for version in versions:
        hidden = paths.root / f"{PRUNED_PREFIX}{version}-{secrets.token_hex(8)}"
        paths.version(version).root.rename(hidden)
        sync(paths.root)
        record(
            paths,
            AuditEntry(at=now, action="pruned", model=paths.root.name, version=version, by=by, reason=reason),
        )
        shutil.rmtree(hidden)
