"""A place to build the next version: a dot-folder beside the versions, so that one rename publishes it."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from serving.contract.model_directory import STAGING_PREFIX, VersionPaths, model_paths
from serving.model_store.disk_errors import disk_errors
from serving.model_store.leftovers import remove_leftovers, staging_lock
from serving.model_store.lock import claimed, locked


@contextmanager
def staging(models: Path, model: str) -> Iterator[VersionPaths]:
    """A fresh empty folder to export into, gone at the end unless it was published meanwhile.

    Makes the model's folder when there is none, and removes what killed jobs left in it; the folders of running
    jobs are not touched. Raises UnknownModel for a name that is none, PublishError when the disk refuses.
    """
    paths = model_paths(models, model)
    folder = paths.root / f"{STAGING_PREFIX}{secrets.token_hex(8)}"
    lock = staging_lock(folder)
    with ExitStack() as held:
        with disk_errors(f"cannot stage a version of {model!r}"):
            paths.root.mkdir(parents=True, exist_ok=True)
            with locked(paths):
                remove_leftovers(paths)
                held.enter_context(claimed(lock))
                folder.mkdir()
        try:
            yield VersionPaths(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):  # the next one that changes the model removes what stays
                lock.unlink(missing_ok=True)
