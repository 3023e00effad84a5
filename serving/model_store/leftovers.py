"""What killed processes leave in a model's folder, and its removal by the next one that changes the model.

Everything here has a dot-name, so no reader ever takes it for a version.
"""

import shutil
from pathlib import Path

from serving.contract.model_directory import PRUNED_PREFIX, STAGING_PREFIX, ModelPaths
from serving.model_store.lock import claimed

_LOCK_SUFFIX = ".lock"


def staging_lock(folder: Path) -> Path:
    """The file whose lock says that the owner of a staging folder lives; beside it, so that it is not published."""
    return folder.with_name(folder.name + _LOCK_SUFFIX)


def remove_leftovers(paths: ModelPaths) -> None:
    """Removes half-pruned versions and the staging folders of the dead. The caller holds the model's lock.

    That lock also covers the moment in which a staging folder's own lock file exists and is not locked yet.
    """
    names = [path.name for path in paths.root.iterdir()]
    for name in names:
        if name.startswith(PRUNED_PREFIX):
            shutil.rmtree(paths.root / name, ignore_errors=True)
    for name in {name.removesuffix(_LOCK_SUFFIX) for name in names if name.startswith(STAGING_PREFIX)}:
        _remove_if_dead(paths.root / name)


def _remove_if_dead(folder: Path) -> None:
    lock = staging_lock(folder)
    with claimed(lock) as owner_is_dead:
        if owner_is_dead:
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)
