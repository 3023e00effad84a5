"""Locks on files: flock, which the kernel lets go of when its holder dies, so that no lock is ever left behind.

They are advisory and between writers only; readers of the model directory never lock, so it may be mounted read-only.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from serving.contract.model_directory import ModelPaths
from serving.errors import UnknownModel


@contextmanager
def locked(paths: ModelPaths) -> Iterator[None]:
    """Holds the model's lock, waiting for it; UnknownModel when the model has no folder. Not reentrant."""
    try:
        descriptor = _open(paths.lock)
    except FileNotFoundError as error:
        raise UnknownModel(f"there is no model {paths.root.name!r}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        _let_go(descriptor)


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """True while this process holds the lock on `path`, False at once when another one does."""
    descriptor = _open(path)
    try:
        yield _acquired_at_once(descriptor)
    finally:
        _let_go(descriptor)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _acquired_at_once(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _let_go(descriptor: int) -> None:
    # Said aloud, since closing alone keeps the lock while a forked child (a data loader) shares the descriptor. A
    # descriptor that never got the lock has nothing to give up, and unlocking it takes nothing from the holder. A disk
    # that fails here undoes nothing of what was done under the lock, and must not say that it did.
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    with suppress(OSError):
        os.close(descriptor)
