"""A version under another number: the way out when two nodes have given the same number to different versions."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from serving.contract.model_directory import model_paths
from serving.errors import PublishError, UnknownVersion
from serving.model_store.disk_errors import disk_errors
from serving.model_store.object_store.patience import AT_ONCE, Patience
from serving.model_store.object_store.push import Pushed, VersionTaken, push_version, raise_numbers
from serving.model_store.object_store.store import ObjectStore
from serving.model_store.publishing import Sign, publish
from serving.model_store.staging import staging
from serving.model_store.versions import read_manifest

ATTEMPTS = 5
"""Every one asks the store anew: to fail at all, five others must each take a number within a second."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes, for the history, and by whose key it is signed."""

    by: str
    clock: Callable[[], datetime]
    sign: Sign | None = None


def push_renumbered(
    store: ObjectStore,
    models: Path,
    model: str,
    version: int,
    *,
    concurrency: int,
    publisher: Publisher,
    patience: Patience = AT_ONCE,
) -> Pushed:
    """Pushes the version, under the next number free in both places when its own is taken in the store.

    The version stays here under its old number too. Raises as `push_version` does, StoreUnavailable after `patience`,
    which is for each step: tried again as a whole, a version would be published here again each time.
    """
    for _ in range(ATTEMPTS):
        try:
            return patience.until_there(partial(push_version, store, models, model, version, concurrency=concurrency))
        except VersionTaken:
            patience.until_there(partial(raise_numbers, store, models, model))
            version = _published_again(models, model, version, publisher)
    return patience.until_there(partial(push_version, store, models, model, version, concurrency=concurrency))


def _published_again(models: Path, model: str, version: int, publisher: Publisher) -> int:
    """The number of a copy, which shares its files with the original: no byte of a version is ever changed."""
    manifest = read_manifest(models, model, version)
    if manifest is None:
        raise PublishError(f"version {version} of {model!r} has no manifest, so it has no number to change")
    paths = model_paths(models, model).version(version)
    if paths.signature.is_file() and publisher.sign is None:
        raise PublishError(
            f"version {version} of {model!r} is signed, and its number with it: to give it another one, sign that too "
            "(--sign-with KEY)"
        )
    source = paths.root
    with staging(models, model) as staged:
        with disk_errors(f"version {version} of {model!r} cannot be copied"):
            try:
                shutil.copytree(source, staged.root, copy_function=os.link, dirs_exist_ok=True)
            except FileNotFoundError as error:
                raise UnknownVersion(f"there is no version {version} of {model!r} any more") from error
        reason = f"version {version} under a number that the store has free"
        return publish(
            models, staged, manifest, by=publisher.by, reason=reason, now=publisher.clock(), sign=publisher.sign
        )
